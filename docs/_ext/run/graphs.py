"""Draw the autograd graphs that the cells of a script ask for, at that moment of the run."""

from contextlib import ExitStack

from course.asks import request
from course.words import LANGUAGES


class Undrawable(Exception):
    """A graph that was asked for and cannot be drawn; says where and what to do."""


class Drawer:
    """Draws for one run; ``recording`` around it notes the values that graphs are stepped with.

    It ends with the last graph, for it makes code slow.
    """

    def __init__(self, codes):
        self.tape, self.recording = None, ExitStack()
        asked = [found for found in map(request, codes) if found]
        self.left = len(asked)
        if any("steps" in options for _, options in asked):
            from autograd_graph import Tape

            self.tape = self.recording.enter_context(Tape())

    def drawn(self, code, namespace):
        """The SVG in each language of what ``code`` asks for, or ``None``."""
        asked = request(code)
        if asked is None:
            return None
        import torch

        import autograd_graph

        results, options = asked
        for name in results:
            if not isinstance(namespace.get(name), torch.Tensor):
                raise Undrawable(f"the graph of {name}: no tensor of that name: name a result")
        tensors = [namespace[name] for name in results]
        read = autograd_graph.steps if "steps" in options else autograd_graph.read
        saved = "saved" in options
        try:
            graph = read(tensors, namespace, saved, self.tape)
            graph = read(tensors, shorter(namespace, graph), saved, self.tape)
        except (ValueError, RuntimeError) as error:
            raise Undrawable(f"the graph of {', '.join(results)}: {error}") from error
        self.left -= 1
        if not self.left:
            self.recording.close()
        direction = "backward" if "backward" in options else "forward"
        return {language: autograd_graph.svg(graph, language, direction) for language in LANGUAGES}


def shorter(namespace, graph):
    """``namespace`` with the parameters of the one module in ``graph`` under their own names."""
    shown = {output.get("name", "") for node in graph["nodes"] for output in node["outputs"]}
    owners = {name.split(".")[0] for name in shown if "." in name}
    if len(owners) != 1:
        return namespace
    owner = owners.pop()
    rest = {name: value for name, value in namespace.items() if name != owner}
    return dict(namespace[owner].named_parameters()) | rest
