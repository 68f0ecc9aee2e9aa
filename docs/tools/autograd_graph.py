"""Draw the autograd graph behind a PyTorch tensor, from the real nodes, as SVG.

One file, to import or to paste. It needs torch; drawing also needs pygraphviz (2.0.4), whose
wheels bring Graphviz along. In a notebook or a script::

    import torch
    from autograd_graph import show

    x = torch.tensor(0.5, requires_grad=True)
    y = torch.sin(x)
    y.backward()
    show(y)                        # in a notebook the picture, else the file graph.svg

The parts, each usable alone:

``read(result, names=None, saved=False, tape=None)``
    the graph as plain data that ``json`` can write; holds no tensor, changes none
``Tape()``
    ``with Tape() as tape:`` around your code notes small values and every ``backward`` in it
``steps(result, names=None, saved=False, tape=None, grad_outputs=None)``
    what ``read`` gives, with the gradients that flowed through each node and their order
``describe(graph, language="en", direction="forward", limit=40)``
    the graph in words, English or Chinese
``svg(graph, language="en", direction="forward", limit=40)``
    the graph as inline SVG; with steps it carries what a stepping script needs
``show(result, ...)``
    the picture at once

The data: ``{"nodes": [...], "edges": [...], "results": [...]}`` and, from ``steps``, ``"steps"``.
A node is ``{"id", "kind": "leaf" | "operation", "operation", "outputs"}``; an operation also has
``"label"`` and, where they are known, ``"formula"``, ``"rules"`` (one for each input, ``None``
where no gradient goes) and ``"saved"``. An output is ``{"output": number, "shape": [...],
"dtype"}`` and, where known, ``"name"``, ``"value"``, ``"grad"`` (the ``.grad`` of the tensor) and
``"flow"`` (the gradient that flowed through in the recorded run). Values are text, and only there
for tensors of at most 6 numbers. An edge is ``{"source", "output", "target", "input"}`` in the
direction of the computation; gradients go the other way. Nodes stand in the order in which they
were made, so equal runs give equal data. In formulas ``ḡ`` is the gradient that arrives; an input
without a name is ``u``.
"""

import gc
import heapq
import json
import re
import sys
import weakref
from collections import Counter
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path

import torch
from torch.autograd.function import FunctionCtx
from torch.autograd.graph import get_gradient_edge
from torch.overrides import TorchFunctionMode

SMALL = 6  # numbers: a tensor with more is shown by its shape
LIMIT = 40  # nodes: a graph with more is shown as a frame

# What each operation computes, and what it hands to each input when ḡ arrives. {0}, {1} stand for
# the inputs, {c} for a constant, {n} for an exponent. The third part says which of the node's
# settings this holds for. After the formulas in PyTorch's tools/autograd/derivatives.yaml.
PLAIN = {"alpha": 1}
SHAPES = ("View", "UnsafeView", "Unsqueeze", "Squeeze", "Squeeze1", "Squeeze2", "Clone", "ToCopy")
MEAN, TOTAL = {"reduction": 1}, {"reduction": 2}
RULES = {
    "Add": [("{0} + {1}", ("ḡ", "ḡ"), PLAIN)],
    "Sub": [("{0} − {1}", ("ḡ", "−ḡ"), PLAIN)],
    "Rsub1": [("{c} − {0}", ("−ḡ",), PLAIN)],
    "Mul": [("{0}·{1}", ("ḡ·{1}", "ḡ·{0}"))],
    "Mul1": [("{0}·{c}", ("ḡ·{c}",))],
    "Div": [("{0}/{1}", ("ḡ/{1}", "−ḡ·{0}/{1}²"))],
    "Neg": [("−{0}", ("−ḡ",))],
    "Reciprocal": [("1/{0}", ("−ḡ/{0}²",))],
    "Pow": [("{0}{to_n}", ("ḡ·{n}·{0}{to_less}",))],
    "Pow1": [("{0}^{1}", ("ḡ·{1}·{0}^({1} − 1)", "ḡ·{0}^{1}·ln {0}"))],
    "Pow2": [("{c}^{0}", ("ḡ·{c}^{0}·ln {c}",))],
    "Sqrt": [("√{0}", ("ḡ/(2·√{0})",))],
    "Rsqrt": [("1/√{0}", ("−ḡ/(2·√{0}³)",))],
    "Exp": [("exp {0}", ("ḡ·exp {0}",))],
    "Log": [("ln {0}", ("ḡ/{0}",))],
    "Log2": [("log₂ {0}", ("ḡ/({0}·ln 2)",))],
    "Log1P": [("ln(1 + {0})", ("ḡ/(1 + {0})",))],
    "Sin": [("sin {0}", ("ḡ·cos {0}",))],
    "Cos": [("cos {0}", ("−ḡ·sin {0}",))],
    "Tan": [("tan {0}", ("ḡ·(1 + tan² {0})",))],
    "Atan": [("arctan {0}", ("ḡ/(1 + {0}²)",))],
    "Sinh": [("sinh {0}", ("ḡ·cosh {0}",))],
    "Cosh": [("cosh {0}", ("ḡ·sinh {0}",))],
    "Tanh": [("tanh {0}", ("ḡ·(1 − tanh² {0})",))],
    "Sigmoid": [("σ({0})", ("ḡ·σ({0})·(1 − σ({0}))",))],
    "Softplus": [("ln(1 + exp {0})", ("ḡ·σ({0})",), {"beta": 1})],
    "Relu": [("max({0}, 0)", ("ḡ·[{0} > 0]",))],
    "Abs": [("|{0}|", ("ḡ·sgn {0}",))],
    "Maximum": [("max({0}, {1})", ("ḡ·(1 + sgn({0} − {1}))/2", "ḡ·(1 + sgn({1} − {0}))/2"))],
    "Minimum": [("min({0}, {1})", ("ḡ·(1 + sgn({1} − {0}))/2", "ḡ·(1 + sgn({0} − {1}))/2"))],
    "Dot": [("{0}·{1}", ("ḡ·{1}", "ḡ·{0}"))],
    "Mv": [("{0}·{1}", ("ḡ·{1}ᵀ", "{0}ᵀ·ḡ"))],
    "Mm": [("{0}·{1}", ("ḡ·{1}ᵀ", "{0}ᵀ·ḡ"))],
    "Bmm": [("{0}·{1}", ("ḡ·{1}ᵀ", "{0}ᵀ·ḡ"))],
    "Addmm": [("{0} + {1}·{2}", ("ḡ", "ḡ·{2}ᵀ", "{1}ᵀ·ḡ"), {"alpha": 1, "beta": 1})],
    "T": [("{0}ᵀ", ("ḡᵀ",))],
    "Transpose": [("{0}ᵀ", ("ḡᵀ",))],
    **{key: [("Σ {0}", ("(ḡ, …, ḡ)",))] for key in ("Sum", "Sum1")},
    **{key: [("Σ {0}/n", ("(ḡ, …, ḡ)/n",))] for key in ("Mean", "Mean1")},
    "Prod": [("Π {0}", ("ḡ·Π {0}/{0}",))],
    "Cumsum": [("Σ_(j≤i) {0}ⱼ", ("Σ_(j≥i) ḡⱼ",))],
    "LinalgVectorNorm": [("‖{0}‖", ("ḡ·{0}/‖{0}‖",), {"ord": 2})],
    **{key: [("{0}", ("ḡ",))] for key in SHAPES},
    "Expand": [("({0}, …, {0})", ("Σ ḡ",))],
    "Select": [("{0}[{at}]", ("(0, ḡ, 0)",))],
    "Slice": [("{0}[{at}]", ("(0, ḡ, 0)",))],
    "Index": [("{0}[…]", ("(0, Σ ḡ, 0)",))],
    "Unbind": [("{0}₁, …, {0}ₙ", ("(ḡ₁, …, ḡₙ)",))],
    "Split": [("{0}₁, …, {0}ₙ", ("(ḡ₁, …, ḡₙ)",))],
    "Stack": [("({all})", "ḡ[{place}]")],
    "Cat": [("({all})", "ḡ[…]")],
    "Where": [("c·{0} + (1 − c)·{1}", ("ḡ·c", "ḡ·(1 − c)"))],
    "Softmax": [("p = softmax {0}", ("p·(ḡ − Σ p·ḡ)",))],
    "LogSoftmax": [("ln softmax {0}", ("ḡ − softmax {0}·Σ ḡ",))],
    "MseLoss": [
        ("Σ ({0} − {1})²/n", ("ḡ·2·({0} − {1})/n", "ḡ·2·({1} − {0})/n"), MEAN),
        ("Σ ({0} − {1})²", ("ḡ·2·({0} − {1})", "ḡ·2·({1} − {0})"), TOTAL),
    ],
    "NllLoss": [
        ("−Σ {0}ₜ/n", ("(0, −ḡ/n, 0)",), MEAN),
        ("−Σ {0}ₜ", ("(0, −ḡ, 0)",), TOTAL),
    ],
    # Outside the slice the gradient passes; inside, the operation that wrote there has its say.
    "CopySlices": [("{0}[…] ← f({0}[…])", ("(ḡ, f′·ḡ, ḡ)", "f′·ḡ[…]"))],
}
# Operations that repeat an input of another shape; autograd adds its gradients up again.
BROADCAST = {"Add", "Sub", "Mul", "Div", "Pow1", "Maximum", "Minimum", "Where", "Addmm"}
# Results that their formula names best: a part of a tensor, a tensor turned over.
PARTS = {"Select", "T", "Transpose"}
LONGEST = 36  # letters: a longer formula is not written into the next one


def _number(value):
    if isinstance(value, complex):
        return f"{value.real:.4g}{value.imag:+.4g}j"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _text(values):
    if isinstance(values, list):
        return f"[{', '.join(map(_text, values))}]"
    return _number(values)


def _facts(tensor):
    """Shape, dtype and, if there are at most 6 numbers that can be read, the value as text."""
    facts = {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
    if tensor.numel() <= SMALL:
        # Inside vmap and on the meta device there are no numbers to read.
        with suppress(RuntimeError):
            facts["value"] = _text(tensor.detach().tolist())
    return facts


def _tensors(value):
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _lost(tensor):
    """Whether this is a view whose base was written to so that its history cannot be rebuilt.

    Such a tensor raises an error when it is asked about its graph.
    """
    try:
        return tensor.grad_fn is NotImplemented
    except RuntimeError:
        return True


def _named(names):
    """``(name, tensor)`` of the tensors and of the parameters of the modules in a dict."""
    for name, value in list((names or {}).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, torch.Tensor):
            if not _lost(value):
                yield name, value
        elif isinstance(value, torch.nn.Module):
            for path, parameter in value.named_parameters():
                yield f"{name}.{path}", parameter


def _roots(result):
    """The gradient edges of one tensor or several; a result without a graph is an error."""
    results = [result] if isinstance(result, torch.Tensor) else list(result)
    for tensor in results:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"a graph belongs to a tensor, not to {type(tensor).__name__}")
        if not tensor.requires_grad:
            raise ValueError(
                "this tensor has no graph: nothing that it was computed from requires a gradient, "
                "or it was computed under torch.no_grad() or detached; set requires_grad=True on "
                "an input and compute it again"
            )
    if not results:
        raise ValueError("no tensor was given: name the result whose graph you want")
    return results, [get_gradient_edge(tensor) for tensor in results]


def _is_leaf(node):
    return node.name() == "torch::autograd::AccumulateGrad"


def _walk(edges):
    """All nodes behind gradient edges, in the order in which they were made.

    A leaf stands before the first operation that uses it. Every node stands after its inputs.
    """
    found, todo = {}, [edge.node for edge in reversed(edges)]
    users, missing = {}, {}
    while todo:
        node = todo.pop()
        if node in found:
            continue
        found[node] = len(found)
        below = [n for n, _ in node.next_functions if n is not None]
        missing[node] = len({n for n in below if not _is_leaf(n)})
        for n in dict.fromkeys(below):
            users.setdefault(n, []).append(node)
        todo += reversed(below)

    ordered = {node: None for node in found if _is_leaf(node) and node not in users}
    ready = [(node._sequence_nr(), found[node], node) for node in found if not missing[node]]
    ready = [entry for entry in ready if not _is_leaf(entry[2])]
    heapq.heapify(ready)
    while ready:
        node = heapq.heappop(ready)[2]
        ordered |= {n: None for n, _ in node.next_functions if n is not None and _is_leaf(n)}
        ordered[node] = None
        for user in users.get(node, ()):
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, (user._sequence_nr(), found[user], user))
    return list(ordered)


@contextmanager
def _watch(nodes, note):
    """While this is open, ``note(position, incoming, outgoing)`` is called for each node that runs.

    ``position`` is that of the node in ``nodes``; the gradients come as lists of facts or None.
    """

    def hook(position):
        def run(outgoing, incoming):
            note(
                position,
                *([g if g is None else _facts(g) for g in gs] for gs in (incoming, outgoing)),
            )

        return run

    handles = [node.register_hook(hook(position)) for position, node in enumerate(nodes)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class Tape(TorchFunctionMode):
    """Notes, while code runs in ``with Tape() as tape:``, what its graph alone does not keep.

    That is the value of every small result, also of those without a name, the constants that took
    part, and for each ``backward`` and ``torch.autograd.grad`` the gradients that flowed through
    the nodes, in the order in which autograd visited them. The notes lie with the nodes
    (``grad_fn.metadata``), as text: the tape keeps neither tensors nor graphs alive.
    """

    def __init__(self):
        super().__init__()
        self.runs = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        for tensor in _tensors((args, kwargs)):  # a custom Function is seen where it is used
            self._note(tensor)
        if func in (torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad):
            return self._run(func, args, kwargs)
        result = func(*args, **kwargs)
        for tensor in _tensors(result):
            self._note(tensor, args)
            if tensor._is_view() and tensor._base is not None:
                self._note(tensor._base)
        return result

    def _note(self, tensor, args=()):
        if _lost(tensor) or tensor.grad_fn is None:
            return
        node = tensor.grad_fn
        notes = node.metadata.setdefault(self, {"values": {}})
        if tensor.output_nr not in notes["values"]:
            notes["values"][tensor.output_nr] = _facts(tensor)
            notes["constants"] = [_constant(a) for a in args if _is_constant(a)]

    def _run(self, func, args, kwargs):
        first = args[0] if args else kwargs.get("tensors", kwargs.get("outputs"))
        roots = [get_gradient_edge(t) for t in _tensors(first) if t.requires_grad]
        nodes, visits = _walk(roots), []
        with _watch(nodes, lambda *visit: visits.append(visit)):
            result = func(*args, **kwargs)
        if func is torch.autograd.grad:
            inputs = args[1] if len(args) > 1 else kwargs["inputs"]
            visits += _arrivals(nodes, list(_tensors(inputs)), result)
        self._keep(nodes, visits)
        return result

    def _keep(self, nodes, visits):
        self.runs += 1
        for order, (position, incoming, outgoing) in enumerate(visits):
            notes = nodes[position].metadata.setdefault(self, {"values": {}})
            notes["visit"] = (self.runs, order, incoming, outgoing)


def _is_constant(value):
    if isinstance(value, torch.Tensor):
        return not _lost(value) and not value.requires_grad
    return isinstance(value, (int, float))


def _constant(value):
    """A number as text; of an array only where it is, for it may have a name."""
    if isinstance(value, torch.Tensor):
        return weakref.ref(value) if value.dim() else _facts(value).get("value")
    return _number(value)


def _arrivals(nodes, inputs, gradients):
    """Visits of the leaves whose gradients ``torch.autograd.grad`` returned.

    It hands them over without running the nodes of the leaves.
    """
    for tensor, gradient in zip(inputs, gradients, strict=False):
        if tensor.is_leaf and tensor.requires_grad and gradient is not None:
            node = get_gradient_edge(tensor).node
            if node in nodes:
                yield nodes.index(node), [_facts(gradient)], []


def _label(node):
    """The printed name of a node without a final 0; for a custom Function that of its class."""
    name = node.name().split("::")[-1]
    if isinstance(node, FunctionCtx):
        return name.removesuffix("Backward")
    return re.sub(r"Backward0$", "Backward", name)


def _superscript(number):
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if number == 1:
        return ""
    if isinstance(number, int):
        return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"^{_number(number)}"


def _place(node):
    """The subscript of a selection or a slice, as in ``x[:, 1:3]``; None for others."""

    def plain(number):  # negative numbers come as unsigned ones of 64 bits
        return number - 2**64 if number >= 2**63 else number

    if hasattr(node, "_saved_index") and isinstance(node._saved_index, int):
        at = str(plain(node._saved_index))
    elif hasattr(node, "_saved_start"):
        start, end, step = plain(node._saved_start), plain(node._saved_end), node._saved_step
        at = f"{start or ''}:{'' if end == 2**63 - 1 else end}{f':{step}' if step != 1 else ''}"
    else:
        return None
    return ":, " * plain(node._saved_dim) + at


def _key(node):
    """The key of a node in RULES; None for a custom Function, whatever its name."""
    if isinstance(node, FunctionCtx):
        return None
    name = node.name().split("::")[-1]
    return re.sub(r"Backward(\d+)$", lambda found: found[1].lstrip("0"), name)


def _rule(node, inputs, constants):
    """The formula of an operation and its rules, for the names of its inputs; None if unknown."""
    key = _key(node)
    fitting = [
        (formula, rules)
        for formula, rules, *settings in RULES.get(key, ())
        if all(getattr(node, f"_saved_{k}", v) == v for s in settings for k, v in s.items())
    ]
    if not fitting:
        return None
    formula, rules = fitting[0]
    rules = [rules] * len(inputs) if isinstance(rules, str) else rules
    if len(rules) < len(inputs):
        return None
    words = {"c": constants[0] if len(constants) == 1 else None, "at": _place(node) or "…"}
    words["c"] = words["c"] or "c"
    bare = [word[1:-1] if word.startswith("(") else word for word in inputs]
    words["all"] = ", ".join(bare[:3] + ["…"] * (len(bare) > 3))
    exponent = getattr(node, "_saved_exponent", None)
    if isinstance(exponent, (int, float)):
        words |= {"n": _number(exponent), "to_n": _superscript(exponent)}
        words |= {"to_less": _superscript(exponent - 1)}
    shape = node._input_metadata[0].shape
    told = []
    for place, ((below, output), rule) in enumerate(zip(node.next_functions, rules, strict=False)):
        if below is None:
            told.append(None)
            continue
        told.append(rule.format(*inputs, **words, place=place).replace("ᵀᵀ", ""))
        same = below._input_metadata[output].shape == shape
        if key in BROADCAST and not same and (key != "Addmm" or place == 0):
            told[-1] = f"Σ {told[-1]}"
    return formula.format(*inputs, **words).replace("ᵀᵀ", ""), told


def _saved(node):
    """What a node keeps for the way back: name, shape and value, or why it cannot be read."""
    kept = []
    for attribute in sorted(dir(node)):
        if attribute == "saved_tensors" or attribute.startswith("_saved_"):
            name = attribute.removeprefix("_saved_").removesuffix("_tensors")
            try:
                values = getattr(node, attribute)
            except RuntimeError as error:
                state = "freed" if "second time" in str(error) else "changed"
                kept.append({"name": name, "state": state})
                continue
            found = list(_tensors(values))
            for number, tensor in enumerate(found):
                part = f"{name}[{number}]" if isinstance(values, (tuple, list)) else name
                kept.append({"name": part, **_facts(tensor)})
    return kept


def read(result, names=None, saved=False, tape=None):
    """The autograd graph behind a tensor, or behind several, as plain data (see the module).

    ``names`` maps names to tensors and modules (``globals()`` will do); the first name of a tensor
    counts, names that begin with ``_`` do not, parameters are called ``model.layer.weight``.
    ``saved`` adds what the nodes saved, which runs the unpack hooks of ``saved_tensors_hooks``.
    ``tape`` adds what that :class:`Tape` noted. Nothing is computed, changed or kept alive.

    Raises ValueError for a tensor without a graph, TypeError for what is no tensor.
    """
    return _read(result, names, saved, tape)[0]


def _read(result, names, saved, tape):
    results, roots = _roots(result)
    nodes = _walk(roots)
    ids = {node: f"n{number}" for number, node in enumerate(nodes)}
    named = {}
    for name, tensor in [*_named(names), *((None, tensor) for tensor in results)]:
        if not tensor.requires_grad:
            continue
        if tensor.is_leaf:
            named.setdefault(id(tensor), (name, tensor))
        else:
            named.setdefault((tensor.grad_fn, tensor.output_nr), (name, tensor))
    constant_names = {id(t): name for name, t in reversed(list(_named(names)))}

    edges = [
        {"source": ids[below], "output": output, "target": ids[node], "input": position}
        for node in nodes
        for position, (below, output) in enumerate(node.next_functions)
        if below is not None
    ]
    used = {(e["source"], e["output"]) for e in edges}
    used |= {(ids[root.node], root.output_nr) for root in roots}
    graph = {"nodes": [], "edges": edges}
    graph["results"] = [{"node": ids[r.node], "output": r.output_nr} for r in roots]
    words = {}
    for node in nodes:
        notes = (node.metadata.get(tape) or {}) if tape is not None else {}
        entry = {"id": ids[node], "operation": node.name()}
        if _is_leaf(node):
            entry["kind"] = "leaf"
            name, _ = named.get(id(node.variable), (None, None))
            entry["outputs"] = [_output(0, name, node.variable)]
        else:
            entry["kind"], entry["label"] = "operation", _label(node)
            entry["several"] = len(node._input_metadata) > 1
            entry["outputs"] = []
            for output, facts in enumerate(node._input_metadata):
                name, tensor = named.get((node, output), (None, None))
                if tensor is None and (ids[node], output) not in used:
                    continue
                noted = notes.get("values", {}).get(output)
                entry["outputs"].append(_output(output, name, tensor, noted or facts))
            constants = [
                constant_names.get(id(c())) if isinstance(c, weakref.ref) else c
                for c in notes.get("constants", ())
            ]
            inputs = _input_words(node, ids, words, constants)
            known = _rule(node, inputs, constants)
            if known and not any("complex" in o["dtype"] for o in entry["outputs"]):
                entry["formula"], entry["rules"] = known
                part, short = _key(node) in PARTS, len(known[0]) <= LONGEST
                if part and "name" not in entry["outputs"][0]:
                    entry["outputs"][0]["name"] = known[0]
                elif short and not entry["several"]:
                    words[ids[node], 0] = f"({known[0]})"
            if saved:
                entry["saved"] = _saved(node)
        words |= {(ids[node], o["output"]): o["name"] for o in entry["outputs"] if "name" in o}
        graph["nodes"].append(entry)
    return graph, nodes, roots


def _output(number, name, tensor, facts=None):
    """One output of a node: of the tensor itself, else of what was noted or the node knows."""
    output = {"output": number}
    if name:
        output["name"] = name
    if tensor is not None:
        output |= _facts(tensor)
        # Asking any other tensor for its grad would warn.
        if (tensor.is_leaf or tensor.retains_grad) and tensor.grad is not None:
            grad = _facts(tensor.grad)
            output["grad"] = grad.get("value") or _shape(grad)
    elif isinstance(facts, dict):
        output |= facts
    else:
        output |= {"shape": list(facts.shape), "dtype": str(facts.dtype).removeprefix("torch.")}
    return output


def _input_words(node, ids, words, constants):
    """How to call each input in a formula: by its name, a constant by its value, else ``u``."""
    below = node.next_functions
    without = sum(source is None for source, _ in below)
    constants = iter(constants if len(constants) == without else ())
    found = []
    for position, (source, output) in enumerate(below):
        word = next(constants, None) if source is None else words.get((ids[source], output))
        found.append(word or ("u" if len(below) == 1 else f"u{'₁₂₃₄₅₆₇₈₉'[min(position, 8)]}"))
    return found


def steps(result, names=None, saved=False, tape=None, grad_outputs=None):
    """What :func:`read` gives, with one backward run: what flowed through each node, and when.

    If the tape saw a run from ``result``, that run is told. Otherwise one is made with
    ``torch.autograd.grad``: it frees nothing and leaves every ``.grad`` as it was, but hooks of
    yours on its way are called, as in any run. ``grad_outputs`` is the gradient to start from, of
    the shape of ``result`` (a list for several); a result of one element starts from 1.

    Adds ``"flow"`` to outputs and ``"steps"``: forward ``{"node", "phase": "forward"}``, then
    backward, in the order in which autograd visited the nodes, with ``"incoming"`` (one for each
    output of the node) and ``"outgoing"`` (one for each input): text, or None.

    Raises ValueError if ``grad_outputs`` is missing or has another shape, RuntimeError if the
    graph was freed.
    """
    graph, nodes, roots = _read(result, names, saved, tape)
    seen = tape is not None and [n.metadata.get(tape, {}).get("visit") for n in nodes]
    start = seen and seen[nodes.index(roots[0].node)]
    if start:
        visits = [
            (order, position, incoming, outgoing)
            for position, (run, order, incoming, outgoing) in (
                (position, visit) for position, visit in enumerate(seen) if visit
            )
            if run == start[0]
        ]
    else:
        visits = _own_run(result, nodes, grad_outputs)
    # A leaf follows at once upon the last of its users: autograd prefers leaves.
    orders = {f"n{position}": order for order, position, *_ in visits}
    for number, (_, position, incoming, outgoing) in enumerate(visits):
        users = [orders.get(e["target"]) for e in graph["edges"] if e["source"] == f"n{position}"]
        users = [order for order in users if order is not None]
        if users and _is_leaf(nodes[position]):
            visits[number] = (max(users) + 0.5, position, incoming, outgoing)
    visits.sort(key=lambda visit: visit[:2])

    graph["steps"] = [{"node": node["id"], "phase": "forward"} for node in graph["nodes"]]
    for _, position, incoming, outgoing in visits:
        came, went = (
            [g and (g.get("value") or _shape(g)) for g in gs] for gs in (incoming, outgoing)
        )
        node = graph["nodes"][position]
        for output in node["outputs"]:
            if came[output["output"]]:
                output["flow"] = came[output["output"]]
        graph["steps"].append(
            {"node": node["id"], "phase": "backward", "incoming": came, "outgoing": went}
        )
    return graph


def _own_run(result, nodes, grad_outputs):
    results, _ = _roots(result)
    if grad_outputs is None:
        if any(tensor.numel() != 1 for tensor in results):
            raise ValueError(
                "the result has more than one element: give grad_outputs, of the result's shape"
            )
    else:
        single = isinstance(grad_outputs, torch.Tensor)
        grad_outputs = [grad_outputs] if single else list(grad_outputs)
        shapes = [tuple(g.shape) for g in grad_outputs]
        if shapes != [tuple(t.shape) for t in results]:
            raise ValueError(
                f"grad_outputs has the shapes {shapes}, the results have "
                f"{[tuple(t.shape) for t in results]}: make them equal"
            )
    leaves = [node.variable for node in nodes if _is_leaf(node)]
    # A tensor that retains its gradient is given one by any run; there is no other list of them.
    retained = [(tensor, tensor.grad) for tensor in _retaining()]
    visits = []
    try:
        with _watch(nodes, lambda *visit: visits.append(visit)):
            gradients = torch.autograd.grad(
                results, leaves, grad_outputs, retain_graph=True, allow_unused=True
            )
    except RuntimeError as error:
        if "second time" not in str(error):
            raise
        raise RuntimeError(
            "the graph was freed by an earlier backward(): run that one inside 'with Tape() as "
            "tape:' and pass the tape, or call backward(retain_graph=True)"
        ) from error
    finally:
        for tensor, grad in retained:
            tensor.grad = grad
    visits += _arrivals(nodes, leaves, gradients)
    return [(order, *visit) for order, visit in enumerate(visits)]


def _retaining():
    """All tensors of this process on which ``retain_grad`` was called."""
    tensors = (o for o in gc.get_objects() if issubclass(type(o), torch.Tensor))
    return [tensor for tensor in tensors if not _lost(tensor) and tensor.retains_grad]


# Words

WORDS = {
    "en": {
        "graph": "Autograd graph of {}: {}, {}.",
        "result": "the result",
        "and": " and ",
        "comma": ", ",
        "with": ", ",
        "leaf": ("1 leaf", "{} leaves"),
        "operation": ("1 operation", "{} operations"),
        "forward": " The arrows point in the direction of the computation.",
        "backward": " The arrows point the way the gradient flows.",
        "leaf is": " Leaf {}.",
        "unnamed": "without a name",
        "makes": " {label} makes {made} from {inputs}{more}.",
        "passes": " {label}, which made {made}, passes the gradient to {inputs}{more}.",
        "more": "; {}",
        "tensor": "a tensor {}",
        "saved": "saved",
        "it saved": "it saved {}",
        "freed": "freed",
        "changed": "changed since",
        "state": "{}: {}",
        "large": "too large to draw",
        "large says": " Too large to draw node by node.",
        "counts": " Operations: {}.",
        "leaves": " Leaves: {}.",
        "others": "{} more",
        "step leaf": "Forward: the leaf {}.",
        "step make": "Forward: {}, {}.",
        "step arrive": "Backward: {} receives {}{}.",
        "step to": " To {}: {}.",
        "sum": ", the sum over {} arrows",
    },
    "zh": {
        "graph": "{} 的计算图：{}，{}。",
        "result": "结果",
        "and": " 和 ",
        "comma": "、",
        "with": "，",
        "leaf": ("1 个叶子", "{} 个叶子"),
        "operation": ("1 个运算", "{} 个运算"),
        "forward": "箭头指向计算的方向。",
        "backward": "箭头指向梯度的去向。",
        "leaf is": "叶子 {}。",
        "unnamed": "（未命名）",
        "makes": "{label} 由 {inputs} 得到 {made}{more}。",
        "passes": "{label}（它算出了 {made}）把梯度传给 {inputs}{more}。",
        "more": "；{}",
        "tensor": "形状为 {} 的张量",
        "saved": "保存",
        "it saved": "保存了 {}",
        "freed": "已释放",
        "changed": "已被改动",
        "state": "{}：{}",
        "large": "太大，无法逐个画出",
        "large says": "图太大，无法逐个画出节点。",
        "counts": "运算：{}。",
        "leaves": "叶子：{}。",
        "others": "另有 {} 个",
        "step leaf": "前向：叶子 {}。",
        "step make": "前向：{}，{}。",
        "step arrive": "反向：{} 收到 {}{}。",
        "step to": "传给 {}：{}。",
        "sum": "，即 {} 条箭头传来的梯度之和",
    },
}


def _words(language):
    if language not in WORDS:
        raise ValueError(f"no words for the language {language!r}: use 'en' or 'zh'")
    return WORDS[language]


def _check(direction):
    if direction not in ("forward", "backward"):
        raise ValueError(f"no direction {direction!r}: use 'forward' or 'backward'")


def _count(words, kind, number):
    return words[kind][0] if number == 1 else words[kind][1].format(number)


def _shape(facts):
    """A shape as PyTorch users write it, with the dtype unless it is float32."""
    shape = str(tuple(facts["shape"]))
    return shape if facts["dtype"] == "float32" else f"{shape} {facts['dtype']}"


def _head(facts):
    """Name and shape; a number shows its value instead of the empty shape."""
    plain = not facts["shape"] and "value" in facts and facts["dtype"] == "float32"
    return " ".join(filter(None, (facts.get("name"), "" if plain else _shape(facts))))


def _said(facts):
    """Name, shape and value in one line."""
    return " = ".join(filter(None, (_head(facts), facts.get("value"))))


def _callings(graph, words):
    """How the text calls every output: by name, else by its operation, numbered if need be."""
    unnamed = Counter(
        n["label"] for n in graph["nodes"] if n["kind"] == "operation" and _nameless(n)
    )
    counted, callings = Counter(), {}
    for node in graph["nodes"]:
        label = node.get("label", words["unnamed"])
        if node["kind"] == "operation" and _nameless(node) and unnamed[label] > 1:
            counted[label] += 1
            label = f"{label} #{counted[label]}"
        for output in node["outputs"]:
            which = f" [{output['output']}]" if node.get("several") else ""
            callings[node["id"], output["output"]] = output.get("name", label + which)
        callings[node["id"]] = label
    return callings


def _nameless(node):
    return not any("name" in output for output in node["outputs"])


def _title(graph, words, callings):
    named = {o.get("name") for r in graph["results"] for o in _outputs(graph, r)}
    results = [callings[r["node"], r["output"]] for r in graph["results"]]
    return words["and"].join(dict.fromkeys(results)) if named - {None} else words["result"]


def _outputs(graph, result):
    node = next(n for n in graph["nodes"] if n["id"] == result["node"])
    return [o for o in node["outputs"] if o["output"] == result["output"]]


def _is(word, text):
    """A word with its value, or with its shape."""
    return f"{word} {text}" if text.startswith("(") else f"{word} = {text}"


def _gradients(output):
    """The lines about gradients: what is stored in grad, and what flowed if that differs."""
    if "grad" in output:
        yield _is("grad", output["grad"])
    if "flow" in output and output.get("grad") != output["flow"]:
        yield _is("ḡ", output["flow"])


def _listed(items, words):
    """Items of one kind as a text lists them."""
    return words["and"].join(filter(None, (words["comma"].join(items[:-1]), items[-1])))


def _kept(entry, words):
    if "state" in entry:
        return words["state"].format(entry["name"], words[entry["state"]])
    return _said(entry)


def describe(graph, language="en", direction="forward", limit=LIMIT):
    """The graph in words: what the picture shows, for readers who do not see it."""
    words = _words(language)
    _check(direction)
    callings = _callings(graph, words)
    leaves = [n for n in graph["nodes"] if n["kind"] == "leaf"]
    operations = [n for n in graph["nodes"] if n["kind"] == "operation"]
    counts = _count(words, "operation", len(operations)), _count(words, "leaf", len(leaves))
    text = words["graph"].format(_title(graph, words, callings), *counts)
    if len(graph["nodes"]) > limit:
        text += words["large says"] + words["leaves"].format(
            words["comma"].join(_some([_head(n["outputs"][0]) for n in leaves], words))
        )
        return text + words["counts"].format(words["comma"].join(_kinds(operations, words)))
    text += words[direction]
    for node in leaves:
        output = node["outputs"][0]
        said = _said(output) if "name" in output else f"{words['unnamed']} {_said(output)}"
        text += words["leaf is"].format(words["with"].join([said, *_gradients(output)]))
    inputs = {}
    for edge in graph["edges"]:
        calling = callings[edge["source"], edge["output"]]
        inputs.setdefault(edge["target"], []).append(calling)
    for node in operations if direction == "forward" else reversed(operations):
        made = [
            _said(o) if "name" in o or "value" in o else words["tensor"].format(_said(o))
            for o in node["outputs"]
        ]
        more = [line for output in node["outputs"] for line in _gradients(output)]
        if node.get("saved"):
            kept = words["comma"].join(_kept(entry, words) for entry in node["saved"])
            more.append(words["it saved"].format(kept))
        text += words["makes" if direction == "forward" else "passes"].format(
            label=callings[node["id"]],
            made=_listed(made, words),
            inputs=_listed(inputs[node["id"]], words),
            more="".join(map(words["more"].format, more)),
        )
    # Chinese stands without spaces beside Chinese.
    return re.sub("(?<=[一-鿿]) (?=[一-鿿])", "", text.strip())


def _some(items, words, most=6):
    rest = len(items) - most
    return items[:most] + ([words["others"].format(rest)] if rest > 0 else [])


def _kinds(operations, words):
    counts = Counter(node["label"] for node in operations).most_common()
    return _some([f"{number} × {label}" for label, number in counts], words)


def _telling(graph, words):
    """A sentence for every step."""
    callings = _callings(graph, words)
    nodes = {node["id"]: node for node in graph["nodes"]}
    for step in graph["steps"]:
        node = nodes[step["node"]]
        if step["phase"] == "forward":
            made = words["comma"].join(map(_said, node["outputs"]))
            if node["kind"] == "leaf":
                yield words["step leaf"].format(made)
                continue
            if node.get("formula") and len(node["outputs"]) == 1:
                output = node["outputs"][0]
                parts = filter(None, (output.get("name"), node["formula"]))
                made = _is(" = ".join(dict.fromkeys(parts)), output.get("value") or _shape(output))
            yield words["step make"].format(callings[node["id"]], made)
            continue
        came = [
            _is(f"ḡ[{number}]" if node.get("several") else "ḡ", gradient)
            for number, gradient in enumerate(step["incoming"])
            if gradient
        ]
        arrows = sum(edge["source"] == node["id"] for edge in graph["edges"])
        added = words["sum"].format(arrows) if arrows > 1 and not node.get("several") else ""
        name = callings[node["id"], 0] if node["kind"] == "leaf" else callings[node["id"]]
        text = words["step arrive"].format(name, words["comma"].join(came), added)
        for edge in graph["edges"]:
            went = edge["target"] == node["id"] and step["outgoing"][edge["input"]]
            if went:
                rule = node["rules"][edge["input"]] if "rules" in node else None
                if rule:
                    went = went if rule == step["incoming"][0] else _is(rule, went)
                text += words["step to"].format(callings[edge["source"], edge["output"]], went)
        yield text


# The picture

FONT, SMALLEST = 13, 12  # pixels: drawn, and shown at least on a narrow screen
LETTER, LINE, PAD = 0.605 * FONT, 18, 8
STYLE = """
.autograd-graph{display:block;height:auto;margin:0 auto;fill:none;stroke:none;
font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.autograd-graph text{fill:currentColor;text-anchor:middle}
.autograd-graph .title{font-weight:600}
.autograd-graph .saved{opacity:.8}
.autograd-graph .gradient{fill:var(--code-number,currentColor)}
.autograd-graph rect{fill:currentColor;fill-opacity:.05;stroke:currentColor;stroke-opacity:.5}
.autograd-graph .leaf rect{stroke:var(--code-string,#2f9163);stroke-opacity:1;stroke-width:1.5}
.autograd-graph .result rect{stroke:var(--pst-color-primary,#3b82f6);stroke-opacity:1;
stroke-width:2.5}
.autograd-graph .line{stroke:currentColor;stroke-opacity:.65;stroke-width:1.25}
.autograd-graph .head{fill:currentColor;fill-opacity:.8}
.autograd-graph .head.back{visibility:hidden}
""".replace("\n", "")


def _wide(text):
    """The width of a line of text in pixels; Chinese characters are wider than Latin ones."""
    return sum(FONT if ord(letter) > 0x2E7F else LETTER for letter in text)


def _wrapped(text, most=26):
    """A value in lines of at most 26 letters, broken after commas."""
    lines = [""]
    for part in re.split(r"(?<=,) ", text):
        joined = f"{lines[-1]} {part}".strip()
        if lines[-1] and len(joined) > most:
            lines.append(part)
        else:
            lines[-1] = joined
    return lines


def _lines(node, words):
    """The lines of a node's box: ``(class, text)``."""
    lines = [("title", node["label"])] if node["kind"] == "operation" else []
    for output in node["outputs"]:
        kind = "value" if lines else "title"
        which = f"[{output['output']}] " if node.get("several") else ""
        head = which + _head(output)
        whole = " = ".join(filter(None, (head.strip(), output.get("value"))))
        if len(whole) <= (22 if "value" in output else 16):
            lines.append((kind, whole))
        else:  # narrow boxes: a model of two layers fits a phone
            parts = [head] if len(head) <= 16 else [which + output.get("name", ""), _shape(output)]
            lines += [(kind, part) for part in filter(None, parts)]
            if "value" in output:
                lines += [("value", line) for line in _wrapped(f"= {output['value']}")]
        for gradient in _gradients(output):
            lines += [("gradient", line) for line in _wrapped(which + gradient)]
    for entry in node.get("saved", ()):
        for line in _wrapped(f"{words['saved']} {_kept(entry, words)}"):
            lines.append(("saved", line))
    return lines


def _frame(graph, words):
    """The boxes and edges of a graph that is too large: leaves, operations by kind, results."""
    leaves = [n for n in graph["nodes"] if n["kind"] == "leaf"]
    operations = [n for n in graph["nodes"] if n["kind"] == "operation"]
    counted = [
        _count(words, "leaf", len(leaves)),
        *_some([_head(n["outputs"][0]) for n in leaves], words),
    ]
    kinds = [
        words["large"],
        _count(words, "operation", len(operations)),
        *_kinds(operations, words),
    ]
    results = [_said(o) for r in graph["results"] for o in _outputs(graph, r)]
    boxes = [
        ("leaves", "leaf", counted),
        ("operations", "operation", kinds),
        ("results", "operation result", _some(results, words)),
    ]
    return [
        (name, kind, [("title", lines[0]), *(("value", line) for line in lines[1:])])
        for name, kind, lines in boxes
    ], [("leaves", "operations", None), ("operations", "results", None)]


def _layout(sizes, edges, ordering):
    """Let Graphviz place boxes: ``(positions, curves, labels, width, height)``, all in pixels.

    ``sizes`` maps a name to width and height; ``edges`` are names above and below and the text
    between them, or None. A position is the middle of a box or a text, a curve a list of points:
    a start, then threes of a Bézier curve.
    """
    try:
        import pygraphviz
    except ImportError as error:
        raise ImportError(
            "drawing a graph needs pygraphviz: install it with 'pip install pygraphviz==2.0.4'"
        ) from error
    plan = pygraphviz.AGraph(directed=True, strict=False)
    plan.graph_attr.update(nodesep=0.18, ranksep=0.38, ordering=ordering)
    plan.node_attr.update(shape="box", fixedsize="true", label="", fontname="monospace")
    plan.edge_attr.update(dir="none")
    for name, (width, height) in sizes.items():
        plan.add_node(name, width=f"{width / 72:.4f}", height=f"{height / 72:.4f}")
    for number, (above, below, text) in enumerate(edges):
        plan.add_edge(above, below, key=str(number), comment=str(number))
        if text is not None:  # an empty table keeps the room: Graphviz knows no fonts of readers
            room = f'fixedsize="true" width="{_wide(text) + 6:.0f}" height="{LINE}"'
            cell = f'<table border="0" cellborder="0" {room}><tr><td></td></tr></table>'
            plan.get_edge(above, below, str(number)).attr["label"] = f"<{cell}>"
    placed = json.loads(plan.draw(format="json0", prog="dot"))
    _, _, width, height = map(float, placed["bb"].split(","))

    def points(text):
        pairs = (pair.split(",") for pair in text.split())
        return [(float(x), height - float(y)) for x, y in pairs]

    positions = {entry["name"]: points(entry["pos"])[0] for entry in placed.get("objects", ())}
    curves = {int(entry["comment"]): points(entry["pos"]) for entry in placed.get("edges", ())}
    labels = {
        int(entry["comment"]): points(entry["lp"])[0]
        for entry in placed.get("edges", ())
        if "lp" in entry
    }
    return positions, [curves[number] for number in range(len(edges))], labels, width, height


def _places(points):
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _tip(end, before):
    """The three corners of an arrow's head at the end of a curve."""
    (x, y), (a, b) = end, before
    length = ((x - a) ** 2 + (y - b) ** 2) ** 0.5 or 1
    dx, dy = (x - a) / length, (y - b) / length
    return [(x, y)] + [(x - 8 * dx - s * dy, y - 8 * dy + s * dx) for s in (3.5, -3.5)]


def svg(graph, language="en", direction="forward", limit=LIMIT):
    """The graph as inline SVG text, laid out from top to bottom.

    ``direction`` is that of the arrows: ``"forward"`` as the computation ran, ``"backward"`` as the
    gradient flows. A graph of more than ``limit`` nodes is shown as a frame. The picture has the
    text of :func:`describe` as its label, no ids, and takes its colours from the page around it
    (``currentColor``, ``--code-string``, ``--code-number``, ``--pst-color-primary``). It shrinks
    until its letters are 12 pixels high; a narrower place should scroll.

    A graph from :func:`steps` that goes forward also carries ``data-steps``, a list of
    ``[node, "forward" | "backward", sentence]``; nodes have ``data-node``, edges ``data-source``
    and ``data-target``.

    Raises ImportError without pygraphviz, ValueError for an unknown language or direction.
    """
    words = _words(language)
    _check(direction)
    forward = direction == "forward"
    stepped = forward and "steps" in graph and len(graph["nodes"]) <= limit
    if len(graph["nodes"]) > limit:
        boxes, edges = _frame(graph, words)
    else:
        ends = {result["node"] for result in graph["results"]}
        several = {node["id"] for node in graph["nodes"] if node.get("several")}
        boxes = [
            (n["id"], n["kind"] + " result" * (n["id"] in ends), _lines(n, words))
            for n in graph["nodes"]
        ]
        edges = [
            (e["source"], e["target"], f"[{e['output']}]" if e["source"] in several else None)
            for e in graph["edges"]
        ]
    sizes = {
        name: (max(_wide(text) for _, text in lines) + 2 * PAD + 4, LINE * len(lines) + 2 * PAD - 4)
        for name, _, lines in boxes
    }
    downward = [(a, b, text) if forward else (b, a, text) for a, b, text in edges]
    positions, curves, labels, width, height = _layout(sizes, downward, "in" if forward else "out")

    drawn = []
    for number, ((source, target, text), curve) in enumerate(zip(edges, curves, strict=True)):
        (x, y), *rest = curve
        heads = [("head", _tip(curve[-1], curve[-2]))]
        if stepped:
            heads.append(("head back", _tip(curve[0], curve[1])))
        drawn.append(f'<g class="edge" data-source="{source}" data-target="{target}">')
        drawn.append(f'<path class="line" d="M{x:.1f},{y:.1f}C{_places(rest)}"/>')
        drawn += [f'<path class="{kind}" d="M{_places(tip)}Z"/>' for kind, tip in heads]
        if number in labels:
            x, y = labels[number]
            drawn.append(f'<text class="slot" x="{x:.1f}" y="{y + 4:.1f}">{text}</text>')
        drawn.append("</g>")
    for name, kind, lines in boxes:
        (x, y), (wide, high) = positions[name], sizes[name]
        corner = high / 2 if kind.startswith("leaf") and len(lines) == 1 else 4
        corner = 14 if kind.startswith("leaf") and len(lines) > 1 else corner
        drawn.append(f'<g class="node {kind}" data-node="{name}">')
        drawn.append(
            f'<rect x="{x - wide / 2:.1f}" y="{y - high / 2:.1f}" width="{wide:.1f}" '
            f'height="{high:.1f}" rx="{corner:g}"/>'
        )
        y += PAD + FONT - 3 - high / 2
        for number, (part, text) in enumerate(lines):
            place = f'x="{x:.1f}" y="{y + number * LINE:.1f}"'
            drawn.append(f'<text class="{part}" {place}>{escape(text)}</text>')
        drawn.append("</g>")

    edge = 2  # so that no stroke is cut off
    width, height = width + 2 * edge, height + 2 * edge
    data = ""
    if stepped:
        told = [
            [step["node"], step["phase"], text]
            for step, text in zip(graph["steps"], _telling(graph, words), strict=True)
        ]
        data = f' data-steps="{escape(json.dumps(told, ensure_ascii=False))}"'
    label = escape(describe(graph, language, direction, limit))
    code = {"en": "en", "zh": "zh-CN"}[language]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="autograd-graph {direction}" role="img" '
        f'lang="{code}" aria-label="{label}" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-edge} {-edge} {width:.1f} {height:.1f}" style="width:100%;'
        f'max-width:{width:.0f}px;min-width:{width * SMALLEST / FONT:.0f}px"{data}>'
        f"<style>{STYLE}</style>{''.join(drawn)}</svg>\n"
    )


def show(
    result,
    names=None,
    saved=False,
    tape=None,
    language="en",
    direction="forward",
    path="graph.svg",
):
    """Show the graph of ``result``: in a notebook below the cell, else as the SVG file ``path``.

    Without ``names`` your own variables are used. The other arguments are those of :func:`read`
    and :func:`svg`. Returns None in a notebook, else the path of the file.
    """
    if names is None:
        caller = sys._getframe(1)
        names = caller.f_globals | caller.f_locals
    picture = svg(read(result, names, saved, tape), language, direction)
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import HTML, display

        display(HTML(f'<div style="overflow-x:auto">{picture}</div>'))
        return None
    Path(path).write_text(picture, encoding="utf-8")
    return Path(path)
