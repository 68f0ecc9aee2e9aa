"""Draw the autograd graphs that the cells of a script ask for, at that moment of the run.

A cell asks with a comment, which neither pages nor downloads show::

    # sphinx_gallery_graph = "loss"
    # sphinx_gallery_graph = "loss: saved, backward"

Before the colon stand names of results. ``saved`` shows the saved tensors, ``backward`` lets the
edges point from the result to the leaves, ``steps`` records values and gradients to step through.
"""

import re
import textwrap
from contextlib import nullcontext
from pathlib import Path

ASKS = re.compile(r"^# sphinx_gallery_graph\b.*$", re.M)
REQUEST = re.compile(r'# sphinx_gallery_graph = "(\w+(?:, \w+)*)(?:: (\w+(?:, \w+)*))?"')
# A record of what these have drawn is a record of these.
SOURCES = [Path(__file__).with_name(name) for name in ("graphs.py", "autograd_graph.py")]
OPTIONS = {"saved", "backward", "steps"}
MEND = (
    'write # sphinx_gallery_graph = "y", with names of results and, after a colon, any of '
    f"{', '.join(sorted(OPTIONS))} (steps without backward), once in a cell"
)


class Undrawable(Exception):
    """A graph that was asked for and cannot be drawn; says where and what to do."""


def request(code):
    """The names and the options that a cell's ``code`` asks for; ``None`` if it does not ask.

    A comment that cannot be read raises ``ValueError`` with the comment.
    """
    comments = ASKS.findall(code)
    if not comments:
        return None
    match = REQUEST.fullmatch(comments[0].rstrip())
    options = set(re.findall(r"\w+", match[2] or "")) if match else set()
    known = not options - OPTIONS and not {"steps", "backward"} <= options
    if not match or len(comments) > 1 or not known:
        raise ValueError(comments[-1])
    return re.findall(r"\w+", match[1]), options


class Drawer:
    """Draws for one run; as a context it records the values that its graphs are stepped with."""

    def __init__(self, codes):
        self.tape = None
        asked = [request(code) for code in codes]
        self.recording = nullcontext()
        if any(found and "steps" in found[1] for found in asked):
            from autograd_graph import Tape

            self.tape = self.recording = Tape()

    def __enter__(self):
        self.recording.__enter__()
        return self

    def __exit__(self, *raised):
        return self.recording.__exit__(*raised)

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
        direction = "backward" if "backward" in options else "forward"
        return {
            language: autograd_graph.svg(graph, language, direction) for language in ("en", "zh")
        }


def shorter(namespace, graph):
    """``namespace`` with the parameters of the one module in ``graph`` under their own names."""
    shown = {output.get("name", "") for node in graph["nodes"] for output in node["outputs"]}
    owners = {name.split(".")[0] for name in shown if "." in name}
    if len(owners) != 1:
        return namespace
    owner = owners.pop()
    rest = {name: value for name, value in namespace.items() if name != owner}
    return dict(namespace[owner].named_parameters()) | rest


def below(cell, language):
    """What stands below a cell on its page: its outputs, then the graph that it asked for."""
    if cell["graph"] is None:
        return cell["rst"]
    html = textwrap.indent(figure(cell["graph"][language]), "    ")
    return f"{cell['rst']}\n\n.. raw:: html\n\n{html}\n\n"


def figure(drawing):
    """A drawing on a page; a wide one scrolls in its own box."""
    return f'<figure class="autograd-figure"><div class="autograd-scroll">{drawing}</div></figure>'
