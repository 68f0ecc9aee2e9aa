"""The graphs that readers and pages draw: they say what autograd did, and leave no trace in it."""

import gc
import json
import re
import shutil
import subprocess
import sys
import warnings
import weakref
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
import torch
from nbclient import NotebookClient

import autograd_graph
from autograd_graph import RULES, Tape, describe, read, steps, svg


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def leaf(*values):
    return torch.tensor(values[0] if len(values) == 1 else values, requires_grad=True)


def sine_times():
    """The recorded graph of s·sin s with s = w·x."""
    w, x = leaf(2.0), leaf(0.5)
    with Tape() as tape:
        s = w * x
        z = torch.sin(s) * s
        z.backward()
    return steps(z, {"w": w, "x": x, "s": s, "z": z}, tape=tape)


def labels(graph):
    return [node.get("label", "leaf") for node in graph["nodes"]]


def arrows(graph):
    """Edges as pairs of labels, with the names of leaves."""
    words = {n["id"]: n.get("label") or n["outputs"][0].get("name") for n in graph["nodes"]}
    return [(words[edge["source"]], words[edge["target"]]) for edge in graph["edges"]]


def output(graph, name):
    found = [o for n in graph["nodes"] for o in n["outputs"] if o.get("name") == name]
    assert len(found) == 1
    return found[0]


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.variable = "what AccumulateGrad calls its leaf"
        return 2 * x, 3 * x

    @staticmethod
    def backward(ctx, a, b):
        (x,) = ctx.saved_tensors
        return 2 * a + 3 * b + 0 * x


class Sin(torch.autograd.Function):
    """Named like an operation of PyTorch, with a gradient of its own."""

    @staticmethod
    def forward(ctx, x):
        return x.sin()

    @staticmethod
    def backward(ctx, grad):
        return 7 * grad


# What is read


def test_one_operation():
    x = leaf(0.0)
    y = torch.sin(x)
    y.backward()
    assert read(y, {"x": x, "y": y}) == {
        "nodes": [
            {
                "id": "n0",
                "operation": "torch::autograd::AccumulateGrad",
                "kind": "leaf",
                "outputs": [
                    {
                        "output": 0,
                        "name": "x",
                        "shape": [],
                        "dtype": "float32",
                        "value": "0",
                        "grad": "1",
                    }
                ],
            },
            {
                "id": "n1",
                "operation": "SinBackward0",
                "kind": "operation",
                "label": "SinBackward",
                "several": False,
                "outputs": [
                    {"output": 0, "name": "y", "shape": [], "dtype": "float32", "value": "0"}
                ],
                "formula": "sin x",
                "rules": ["ḡ·cos x"],
            },
        ],
        "edges": [{"source": "n0", "output": 0, "target": "n1", "input": 0}],
        "results": [{"node": "n1", "output": 0}],
    }


def test_branches_share_one_node_and_keep_every_arrow():
    x = leaf(2.0)
    s = x * x
    z = s.sin() * s
    graph = read(z, {"x": x, "s": s})
    assert labels(graph) == ["leaf", "MulBackward", "SinBackward", "MulBackward"]
    edges = [(e["source"], e["target"], e["input"]) for e in graph["edges"]]
    assert edges == [
        ("n0", "n1", 0),
        ("n0", "n1", 1),
        ("n1", "n2", 0),
        ("n2", "n3", 0),
        ("n1", "n3", 1),
    ]


def test_operations_stand_in_the_order_in_which_they_ran():
    x = leaf(1.0)
    late = [x.cos(), x.sin()]
    assert labels(read(late[1] * late[0])) == ["leaf", "CosBackward", "SinBackward", "MulBackward"]


def test_views_are_called_by_their_subscript():
    x = torch.arange(12.0).reshape(3, 4).requires_grad_()
    names = {"x": x}
    for view, text in (
        (x[1], "x[1]"),
        (x[-1], "x[-1]"),
        (x[:, 2], "x[:, 2]"),
        (x[1:3], "x[1:3]"),
        (x[:, ::2], "x[:, ::2]"),
        (x.t(), "xᵀ"),
    ):
        assert read(view, names)["nodes"][-1]["formula"] == text
    assert output(read(x[1].sum(), names), "x[1]")["shape"] == [4]


def test_writing_into_a_view_rebases_its_base():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    y[:2].mul_(2)
    graph = read(y.sum(), {"x": x, "y": y})
    assert labels(graph) == ["leaf", "MulBackward", "CopySlices", "SumBackward"]
    assert output(graph, "y")["value"] == "[2, 4, 3]"


def test_a_custom_function_shows_its_class_and_no_rule():
    x = leaf(1.0, 2.0)
    first, second = Double.apply(x)
    graph = read(first + second, {"x": x, "second": second}, saved=True)
    assert labels(graph) == ["leaf", "Double", "AddBackward"]
    assert [e["output"] for e in graph["edges"]] == [0, 0, 1]
    node = graph["nodes"][1]
    assert "rules" not in node and node["several"]
    assert [o["output"] for o in node["outputs"]] == [0, 1]
    assert node["saved"] == [
        {"name": "saved[0]", "shape": [2], "dtype": "float32", "value": "[1, 2]"}
    ]
    own = read(Sin.apply(x))["nodes"][1]
    assert own["label"] == "Sin" and "rules" not in own


def test_of_several_outputs_those_that_matter_are_told():
    p, q, r = leaf(1.0, 2.0, 3.0).unbind()
    graph = read(p * r, {"q": q, "r": r})
    assert [o["output"] for o in graph["nodes"][1]["outputs"]] == [0, 1, 2]
    assert [e["output"] for e in graph["edges"]] == [0, 0, 2]
    del q
    assert [o["output"] for o in read(p * r)["nodes"][1]["outputs"]] == [0, 2]


def test_a_detached_part_is_not_in_the_graph():
    x, w = leaf(2.0), leaf(3.0)
    hidden = x.exp()
    graph = read(hidden.detach() * w, {"x": x, "w": w, "hidden": hidden})
    assert arrows(graph) == [("w", "MulBackward")]
    assert graph["edges"][0]["input"] == 1 and graph["nodes"][1]["rules"][0] is None


def test_double_backward():
    x = leaf(2.0)
    y = x**3
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    graph = read(g, {"x": x, "g": g})
    assert ("x", "PowBackward") in arrows(graph) and output(graph, "g")["value"] == "12"
    (second,) = torch.autograd.grad(g, x, retain_graph=True)
    assert output(steps(g, {"x": x}), "x")["flow"] == f"{second.item():g}"


def test_several_results():
    x = leaf(2.0)
    a, b = x.sin(), x.cos()
    graph = read([a, b], {"x": x, "a": a, "b": b})
    assert graph["results"] == [{"node": "n1", "output": 0}, {"node": "n2", "output": 0}]
    assert describe(graph).startswith("Autograd graph of a and b: 2 operations, 1 leaf.")


def test_a_leaf_is_a_graph_of_its_own():
    x = leaf(2.0)
    assert labels(read(x)) == ["leaf"]
    assert "x" in svg(read(x, {"x": x}))
    assert [s["phase"] for s in steps(x)["steps"]] == ["forward", "backward"]


def test_names_of_modules_and_which_name_counts():
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    p = model[0].bias
    loss = model(torch.ones(3)).sum()
    names = {"_1": p, "model": model, "p": p, "loss": loss, "again": loss, "other": 3}
    graph = read(loss, names)
    found = {o["name"] for n in graph["nodes"] for o in n["outputs"] if "name" in o}
    assert {"model.0.weight", "model.0.bias", "loss"} <= found and not found & {"p", "_1", "again"}


def test_retained_gradients_are_told_and_others_not_asked_for():
    x = leaf(1.0, 2.0)
    kept, dropped = x * 2, x * 3
    kept.retain_grad()
    (kept * dropped).sum().backward()
    graph = read((kept * dropped).sum(), {"x": x, "kept": kept, "dropped": dropped})
    assert output(graph, "kept")["grad"] == "[3, 6]"
    assert "grad" not in output(graph, "dropped")


def test_saved_tensors_say_when_they_are_freed_or_changed():
    x = leaf(1.0, 2.0)
    y = x.exp()
    entry = {"name": "result", "shape": [2], "dtype": "float32", "value": "[2.718, 7.389]"}
    assert read(y, saved=True)["nodes"][1]["saved"] == [entry]
    assert "saved" not in read(y)["nodes"][1]
    y.sum().backward()
    assert read(y, saved=True)["nodes"][1]["saved"] == [{"name": "result", "state": "freed"}]

    y = x.exp()
    z = y.sum()
    y.detach().add_(1)
    told = read(z, {"x": x}, saved=True)
    assert told["nodes"][1]["saved"] == [{"name": "result", "state": "changed"}]
    assert "changed since" in describe(told) and "已被改动" in svg(told, "zh")


@pytest.mark.parametrize(
    "tensor, shown",
    [
        (torch.tensor([1 + 2j, 0.5], dtype=torch.complex64), "[1+2j, 0.5+0j]"),
        (torch.tensor([]), "[]"),
        (torch.tensor([float("nan"), float("inf")]), "[nan, inf]"),
        (torch.tensor([[1.0, 2.0], [3.0, 1e-7]]), "[[1, 2], [3, 1e-07]]"),
        (torch.zeros(7), None),
        (torch.zeros(2, device="meta"), None),
    ],
)
def test_values(tensor, shown):
    x = tensor.requires_grad_()
    graph = read(x * 2, {"x": x})
    assert output(graph, "x").get("value") == shown
    assert output(graph, "x")["shape"] == list(tensor.shape)
    assert json.loads(json.dumps(graph, allow_nan=False)) == graph
    ElementTree.fromstring(svg(graph))


def test_no_rule_is_told_where_it_would_be_wrong():
    x = leaf(1.0, 2.0)
    assert "rules" not in read(torch.add(x, x, alpha=3))["nodes"][-1]
    assert "rules" not in read(x.cumprod(0))["nodes"][-1]
    assert "rules" not in read(x.to(torch.complex64).sin())["nodes"][-1]
    wide = read(torch.ones(3, 2) * x + x, {"x": x})["nodes"][-1]
    assert wide["rules"] == ["ḡ", "Σ ḡ"]


def test_errors_name_the_mend():
    x = leaf(1.0, 2.0)
    with torch.no_grad():
        lost = x * 2
    for tensor in (lost, torch.ones(2), (x * 2).detach(), torch.tensor([1, 2])):
        with pytest.raises(ValueError, match="set requires_grad=True on an input"):
            read(tensor)
    with pytest.raises(TypeError, match="not to float"):
        read([x.sum(), 1.0])
    with pytest.raises(ValueError, match="name the result"):
        read([])
    with pytest.raises(ValueError, match="give grad_outputs"):
        steps(x * 2)
    with pytest.raises(ValueError, match=re.escape("have [(2,)]: make them equal")):
        steps(x * 2, grad_outputs=torch.ones(3))
    with pytest.raises(ValueError, match="use 'en' or 'zh'"):
        svg(read(x), "fr")
    with pytest.raises(ValueError, match="use 'forward' or 'backward'"):
        svg(read(x), direction="up")
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"inside 'with Tape\(\) as tape:'"):
        steps(y)


def test_without_pygraphviz_the_error_says_how_to_get_it(monkeypatch):
    graph = read(leaf(1.0).sin())
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(ImportError, match=r"pip install pygraphviz==2\.0\.4"):
        svg(graph)
    pinned = (Path(__file__).parents[2] / "requirements.txt").read_text()
    assert "pygraphviz==2.0.4\n" in pinned


def test_a_view_whose_history_is_lost_does_no_harm():
    x = leaf(1.0, 2.0)
    y = x * 1
    part = y.unbind()[0]
    y.mul_(2)
    with pytest.raises(RuntimeError):
        part.grad_fn  # noqa: B018
    assert output(read(y, {"part": part, "y": y}), "y")["value"] == "[2, 4]"


# Leaving no trace


def test_reading_and_stepping_change_nothing():
    x = leaf(1.0, 2.0)
    x.grad = torch.tensor([5.0, 5.0])
    h = x.exp()
    h.retain_grad()
    hidden = [h * 2]  # retained, and under no name
    hidden[0].retain_grad()
    calls = []
    x.register_hook(lambda grad: calls.append("tensor"))
    h.grad_fn.register_hook(lambda *_: calls.append("node"))
    x.register_post_accumulate_grad_hook(lambda _: calls.append("accumulated"))
    y = hidden[0].sum()
    names = {"x": x, "h": h, "y": y}
    versions = [t._version for t in names.values()]

    graph = read(y, names, saved=True)
    assert calls == []
    assert read(y, names, saved=True) == graph
    steps(y, names)
    assert sorted(calls) == ["node", "tensor"]  # one run, as is said
    assert x.grad.tolist() == [5, 5] and h.grad is None and hidden[0].grad is None
    assert [t._version for t in names.values()] == versions
    assert read(y, names, saved=True) == graph

    calls.clear()
    y.backward()
    assert sorted(calls) == ["accumulated", "node", "tensor"]
    assert hidden[0].grad.tolist() == [1, 1]


def test_our_hooks_are_gone_after_a_run_that_fails(monkeypatch):
    seen = []
    real = autograd_graph._facts
    x = leaf(1.0)

    def stop(grad):
        raise KeyError("stopped by a hook")

    y = (x * 2).sin()
    handle = x.register_hook(stop)
    with pytest.raises(KeyError):
        steps(y)
    handle.remove()
    monkeypatch.setattr(autograd_graph, "_facts", lambda t: seen.append(t) or real(t))
    y.backward()
    assert seen == [] and x.grad is not None


def test_nothing_is_kept_alive():
    tape = Tape()
    with tape:
        x = leaf(1.0, 2.0)
        scale = torch.tensor([3.0, 4.0])
        y = (x * scale).exp()
        total = y.sum()
        total.backward()
    graph = steps(total, {"x": x, "y": y, "scale": scale}, tape=tape)
    text = svg(graph)
    watched = [weakref.ref(t) for t in (x, y, scale, total)]
    del x, y, scale, total
    gc.collect()
    assert [ref() for ref in watched] == [None] * 4
    assert graph and text and tape.runs == 1


def test_equal_runs_give_equal_bytes():
    def run():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
        x = torch.randn(5, 4)
        with Tape() as tape:
            loss = model(x).square().mean()
            loss.backward()
        graph = steps(loss, {"model": model, "x": x, "loss": loss}, saved=True, tape=tape)
        return json.dumps(graph, ensure_ascii=False) + svg(graph, "zh")

    assert run() == run()


def test_a_deep_graph_is_read_and_shows_its_frame():
    x = leaf(1.0, 2.0)
    y = x
    for _ in range(3000):
        y = y.sin()
    graph = read(y, {"x": x, "y": y})
    assert len(graph["nodes"]) == 3001
    for language, words in (("en", "too large to draw"), ("zh", "太大，无法逐个画出")):
        picture = svg(graph, language)
        assert words in picture and "3000 × SinBackward" in picture
        assert "3000 × SinBackward" in describe(graph, language)
        assert len(ElementTree.fromstring(picture).findall(".//{*}rect")) == 3
    assert "too large" in svg(read(x.sin().sin(), {"x": x}), limit=2)
    assert "too large" not in svg(read(x.sin().sin(), {"x": x}), limit=3)


# The tape and the steps


def test_the_tape_gives_values_that_have_no_name():
    x = leaf(3.0)
    with Tape() as tape:
        y = (x * 2 + 1) ** 2
        u, v = Double.apply(y.sin())
        product = u * v
    values = {
        n["label"]: n["outputs"][0]["value"]
        for n in read(product, {"x": x}, tape=tape)["nodes"]
        if n["kind"] == "operation"
    }
    assert values["AddBackward"] == "7" and values["PowBackward"] == "49"
    assert values["Double"] == f"{2 * torch.tensor(49.0).sin().item():.4g}"
    assert "value" not in read(product, {"x": x})["nodes"][1]["outputs"][0]


def test_the_tape_knows_constants_by_value_or_by_name():
    x, t = leaf(3.0, 4.0), torch.tensor([1.0, 1.0])
    with Tape() as tape:
        y = 2 * (x - t)
    formulas = [n.get("formula") for n in read(y, {"x": x, "t": t}, tape=tape)["nodes"]]
    assert formulas == [None, "x − t", "(x − t)·2"]
    with Tape() as tape:
        y = torch.where(x > 3, x, 0.0)
    assert read(y, {"x": x}, tape=tape)["nodes"][1]["formula"] == "c·x + (1 − c)·u₂"


def test_the_tape_sees_inside_a_view_that_is_written_to():
    x = leaf(1.0, 2.0)
    with Tape() as tape:
        y = x * 1
        y[0].mul_(5)
        z = y * y
    graph = read(z, {"x": x}, tape=tape)
    assert graph["nodes"][2]["label"] == "CopySlices"
    assert graph["nodes"][2]["outputs"][0]["value"] == "[5, 2]"


def test_the_tape_bears_functional_transforms():
    x = leaf(1.0, 2.0)
    with Tape() as tape:
        y = torch.func.vmap(lambda t: t.sin() * t)(x)
        torch.func.jacrev(torch.sin)(x)
    assert read(y, {"x": x}, tape=tape)["nodes"][-1]["outputs"][0]["value"] == "[0.8415, 1.819]"


def network():
    torch.manual_seed(1)
    w, v, x = (torch.randn(2, 2).requires_grad_() for _ in range(3))
    h = (w @ x).tanh()
    loss = (v @ h * h + x).square().sum()
    return loss, {"w": w, "v": v, "x": x, "h": h, "loss": loss}


def test_steps_follow_autograd_itself():
    loss, names = network()
    visits = []
    nodes = autograd_graph._walk([torch.autograd.graph.get_gradient_edge(loss)])
    handles = [
        node.register_prehook(lambda _, number=number: visits.append(f"n{number}"))
        for number, node in enumerate(nodes)
    ]
    with Tape() as tape:
        loss.backward(retain_graph=True)
    for handle in handles:
        handle.remove()
    recorded, own = steps(loss, names, tape=tape), steps(loss, names)
    for graph in (recorded, own):
        back = [s["node"] for s in graph["steps"] if s["phase"] == "backward"]
        assert back == visits
        forward = [s["node"] for s in graph["steps"] if s["phase"] == "forward"]
        assert forward == [node["id"] for node in graph["nodes"]]
    assert recorded["steps"] == own["steps"]
    inner = torch.autograd.grad(loss, [names[n] for n in "wvxh"])
    for name, grad in zip("wvxh", inner, strict=True):
        assert output(own, name)["flow"] == autograd_graph._facts(grad)["value"]


@pytest.mark.parametrize(
    "run",
    [
        lambda y, x, v: y.backward(v),
        lambda y, x, v: torch.autograd.backward(y, v),
        lambda y, x, v: torch.autograd.backward([y], grad_tensors=[v]),
        lambda y, x, v: torch.autograd.grad(y, x, v),
        lambda y, x, v: torch.autograd.grad(outputs=[y], inputs=[x], grad_outputs=[v]),
    ],
)
def test_the_tape_records_the_run_of_the_reader(run):
    x, v = leaf(1.0, 2.0, 3.0), torch.tensor([1.0, 10.0])
    with Tape() as tape:
        y = torch.stack([x[0] * x[1], x[1] + x[2] ** 2])
        run(y, x, v)
    graph = steps(y, {"x": x, "y": y}, tape=tape)  # the graph is freed by now
    assert output(graph, "y")["flow"] == "[1, 10]"
    assert output(graph, "x")["flow"] == "[2, 11, 60]"
    assert graph["steps"][-1] == {
        "node": "n0",
        "phase": "backward",
        "incoming": ["[2, 11, 60]"],
        "outgoing": [],
    }


def test_of_two_runs_the_last_is_told():
    x = leaf(2.0)
    with Tape() as tape:
        y = x.square()
        y.backward(retain_graph=True)
        y.backward(torch.tensor(10.0))
    graph = steps(y, {"x": x, "y": y}, tape=tape)
    assert output(graph, "x")["flow"] == "40" and output(graph, "x")["grad"] == "44"


def test_a_run_to_the_middle_steps_through_that_part():
    x = leaf(2.0)
    with Tape() as tape:
        h = x.sin()
        y = h.square()
        torch.autograd.grad(y, h)
    back = [s["node"] for s in steps(y, tape=tape)["steps"] if s["phase"] == "backward"]
    assert back == ["n2"]


# The rules, read as a reader reads them

A, B = torch.tensor([0.4, 0.7, 1.3]), torch.tensor([1.2, 0.8, 0.5])
TIED = torch.tensor([1.2, 0.7, 0.5])  # smaller, equal and larger than A
SIGNED = torch.tensor([-0.4, 0.7, -1.3])
M, K = torch.tensor([[0.4, 1.0], [0.7, 0.2]]), torch.tensor([[0.3, 0.9], [1.1, 0.6]])
CHOICE = torch.tensor([True, False, True])
LONE = A[None, :, None]


def written(a, b):
    base = a * 1
    base[1:].copy_(b[1:])
    return base


functional = torch.nn.functional
CASES = {
    "Add": (torch.add, A, B),
    "Sub": (torch.sub, A, B),
    "Rsub1": (lambda a: 3 - a, A),
    "Mul": (torch.mul, A, B),
    "Div": (torch.div, A, B),
    "Neg": (torch.neg, A),
    "Reciprocal": (torch.reciprocal, A),
    "Pow": (lambda a: a**3, A),
    "Pow1": (torch.pow, A, B),
    "Pow2": (lambda a: 2**a, A),
    "Sqrt": (torch.sqrt, A),
    "Rsqrt": (torch.rsqrt, A),
    "Exp": (torch.exp, A),
    "Log": (torch.log, A),
    "Log2": (torch.log2, A),
    "Log1P": (torch.log1p, A),
    "Sin": (torch.sin, A),
    "Cos": (torch.cos, A),
    "Tan": (torch.tan, A),
    "Atan": (torch.atan, A),
    "Sinh": (torch.sinh, A),
    "Cosh": (torch.cosh, A),
    "Tanh": (torch.tanh, A),
    "Sigmoid": (torch.sigmoid, A),
    "Softplus": (functional.softplus, A),
    "Relu": (torch.relu, SIGNED),
    "Abs": (torch.abs, SIGNED),
    "Maximum": (torch.maximum, A, TIED),
    "Minimum": (torch.minimum, A, TIED),
    "Dot": (torch.dot, A, B),
    "Mv": (torch.mv, M, K[0]),
    "Mm": (torch.mm, M, K),
    "Bmm": (torch.bmm, M[None], K[None]),
    "Addmm": (torch.addmm, K[0], M, K),
    "T": (torch.t, M),
    "Transpose": (lambda a: a.mT, M),
    "Sum": (torch.sum, A),
    "Sum1": (lambda a: a.sum(0), A),
    "Mean": (torch.mean, A),
    "Mean1": (lambda a: a.mean(0), A),
    "Prod": (torch.prod, A),
    "Cumsum": (lambda a: a.cumsum(0), A),
    "LinalgVectorNorm": (torch.linalg.vector_norm, A),
    "View": (lambda a: a.view(3, 1), A),
    "UnsafeView": (lambda a: a[None].expand(2, 3).reshape(6), A),
    "Unsqueeze": (lambda a: a.unsqueeze(0), A),
    "Squeeze": (torch.squeeze, LONE),
    "Squeeze1": (lambda a: a.squeeze(0), LONE),
    "Squeeze2": (lambda a: a.squeeze((0, 2)), LONE),
    "Clone": (torch.clone, A),
    "ToCopy": (torch.Tensor.double, A),
    "Expand": (lambda a: a.expand(4, 3), A),
    "Select": (lambda a: a[1], A),
    "Slice": (lambda a: a[1:], A),
    "Index": (lambda a: a[[0, 0, 1]], A),
    "Unbind": (lambda a: a.unbind()[1], A),
    "Split": (lambda a: a.split(2)[0], A),
    "Stack": (lambda a, b: torch.stack([a, b]), A, B),
    "Cat": (lambda a, b: torch.cat([a, b]), A, B),
    "Where": (lambda a, b: torch.where(CHOICE, a, b), A, B),
    "Softmax": (lambda a: a.softmax(0), A),
    "LogSoftmax": (lambda a: a.log_softmax(0), A),
    "MseLoss": (functional.mse_loss, A, B),
    "NllLoss": (lambda a: functional.nll_loss(a, torch.tensor([1])), A[None]),
    "CopySlices": (written, A, B),
}
SUMS = {
    "MseLoss": (lambda a, b: functional.mse_loss(a, b, reduction="sum"), A, B),
    "NllLoss": (lambda a: functional.nll_loss(a, torch.tensor([1]), reduction="sum"), A[None]),
}


def put(gradient, shape, where):
    """A gradient put in its place, zero elsewhere."""
    whole = torch.zeros(shape)
    whole[where] = gradient
    return whole


# Rules that are pictures of an array, in words that Python understands.
PICTURES = {
    ("Sum", "(ḡ, …, ḡ)"): lambda g: g.expand(3),
    ("Sum1", "(ḡ, …, ḡ)"): lambda g: g.expand(3),
    ("Mean", "(ḡ, …, ḡ)/n"): lambda g: g.expand(3) / 3,
    ("Mean1", "(ḡ, …, ḡ)/n"): lambda g: g.expand(3) / 3,
    ("Expand", "Σ ḡ"): lambda g: g.sum(0),
    ("Addmm", "Σ ḡ"): lambda g: g.sum(0),
    ("Select", "(0, ḡ, 0)"): lambda g: put(g, 3, 1),
    ("Slice", "(0, ḡ, 0)"): lambda g: put(g, 3, slice(1, 3)),
    ("Index", "(0, Σ ḡ, 0)"): lambda g: torch.stack([g[0] + g[1], g[2], 0 * g[0]]),
    ("Unbind", "(ḡ₁, …, ḡₙ)"): lambda g: put(g, 3, 1),
    ("Split", "(ḡ₁, …, ḡₙ)"): lambda g: put(g, 3, slice(0, 2)),
    ("Cumsum", "Σ_(j≥i) ḡⱼ"): lambda g: torch.stack([g[i:].sum() for i in range(3)]),
    ("Cat", "ḡ[…]"): lambda g: g.reshape(2, 3),
    ("NllLoss", "(0, −ḡ/n, 0)"): lambda g: put(-g, (1, 3), (0, 1)),
    ("NllLoss", "(0, −ḡ, 0)"): lambda g: put(-g, (1, 3), (0, 1)),
    ("CopySlices", "(ḡ, f′·ḡ, ḡ)"): lambda g: put(g[0], 3, 0),
    ("CopySlices", "f′·ḡ[…]"): lambda g: g[1:],
}
NAMES = ("cos", "sin", "cosh", "sinh", "tan", "tanh", "exp", "sqrt", "sgn")
WORDS = {name: getattr(torch, name) for name in NAMES}
WORDS |= {"ln": lambda t: torch.as_tensor(t).log(), "norm": torch.linalg.vector_norm}
WORDS |= {"softmax": lambda t: t.softmax(0), "σ": torch.sigmoid, "n": 3, "c": CHOICE.float()}


def python(rule, times):
    """A rule as Python: ``ḡ·cos a`` becomes ``g*cos(a)``."""
    text = rule.replace("ḡ", "g").replace("−", "-").replace("·", times).replace("^", "**")
    text = re.sub(r"\[(.)( > | < )(.+?)\]", r"(\1\2\3)", text)  # one where it holds, else zero
    text = re.sub(r"‖(\w)‖", r"norm(\1)", text)
    text = re.sub(r"(\w+)([²³]) (\w)", r"\1(\3)\2", text)
    text = re.sub(r"√(\w)", r"sqrt(\1)", text)
    text = re.sub(r"\b(cos|sin|cosh|sinh|tan|tanh|exp|ln|sgn|softmax) (\w)", r"\1(\2)", text)
    for picture, code in (("Π a", "a.prod()"), ("Σ p*g", "(p*g).sum()"), ("Σ g", "g.sum()")):
        text = text.replace(picture, code)
    return text.replace("²", "**2").replace("³", "**3").replace("ᵀ", ".mT")


@pytest.mark.parametrize(
    "key, case", [*CASES.items(), *SUMS.items()], ids=[*CASES, *(f"{k}-sum" for k in SUMS)]
)
def test_rules_give_the_gradients_of_autograd(key, case):
    function, *inputs = case
    inputs = [t.clone().requires_grad_() for t in inputs]
    with Tape() as tape:
        result = function(*inputs)
    node = result.grad_fn
    assert autograd_graph._key(node) == key

    real = {}
    handle = node.register_hook(lambda out, _: real.update(enumerate(out)))
    start = torch.linspace(0.5, 2, result.numel()).reshape(result.shape).to(result.dtype)
    result.backward(start, retain_graph=True)
    handle.remove()

    count = len(node.next_functions)
    told = read(result, dict(zip("abd", inputs, strict=False)), tape=tape)["nodes"][-1]
    assert told["formula"] and len(told["rules"]) == count == len(real)
    matrices = key in ("Mm", "Mv", "Bmm", "Addmm")
    values = {n: t.detach() for n, t in zip("abd", inputs, strict=False)}
    values |= {"g": start, "p": result.detach()}
    if key == "Mv":  # vectors are columns
        values |= {"g": start[:, None], "b": values["b"][:, None]}
    for place, rule in enumerate(told["rules"]):
        if real[place] is None:
            continue
        if (key, rule) in PICTURES:
            found = PICTURES[key, rule](start)
            found = found[place] if key == "Cat" else found
        else:
            found = eval(python(rule, "@" if matrices else "*"), WORDS | values)
        found = found.to(real[place].dtype).reshape(real[place].shape)
        torch.testing.assert_close(found, real[place])


def test_every_rule_is_checked():
    assert set(CASES) | {"Mul1"} == set(RULES)
    x = leaf(2.0)
    (g,) = torch.autograd.grad(x**3, x, create_graph=True)
    graph = read(g, {"x": x})
    scaled = next(n for n in graph["nodes"] if n["operation"] == "MulBackward1")
    assert scaled["rules"] == ["ḡ·c"]  # the number is not known, and not told


# Words and pictures


def test_the_text_says_what_the_picture_says():
    graph = sine_times()
    assert describe(graph) == (
        "Autograd graph of z: 3 operations, 2 leaves. The arrows point in the direction of the "
        "computation. Leaf w = 2, grad = 0.6909. Leaf x = 0.5, grad = 2.764. MulBackward makes "
        "s = 1 from w and x; ḡ = 1.382. SinBackward makes 0.8415 from s; ḡ = 1. MulBackward makes "
        "z = 0.8415 from SinBackward and s; ḡ = 1."
    )
    assert describe(graph, "zh", "backward") == (
        "z 的计算图：3 个运算，2 个叶子。箭头指向梯度的去向。"
        "叶子 w = 2，grad = 0.6909。叶子 x = 0.5，grad = 2.764。"
        "MulBackward（它算出了 z = 0.8415）把梯度传给 SinBackward 和 s；ḡ = 1。"
        "SinBackward（它算出了 0.8415）把梯度传给 s；ḡ = 1。"
        "MulBackward（它算出了 s = 1）把梯度传给 w 和 x；ḡ = 1.382。"
    )
    for language in ("en", "zh"):
        for direction in ("forward", "backward"):
            text = describe(graph, language, direction)
            root = ElementTree.fromstring(svg(graph, language, direction))
            assert root.get("aria-label") == text and root.get("role") == "img"
            drawn = {t.text for t in root.iterfind(".//{*}text")}
            for part in ("s = 1", "0.8415", "grad = 2.764", "ḡ = 1.382", "SinBackward"):
                assert part in drawn and part in text
            assert not root.findall(".//*[@id]")
    told = [text for _, _, text in json.loads(ElementTree.fromstring(svg(graph)).get("data-steps"))]
    assert told[2] == "Forward: MulBackward, s = w·x = 1."
    assert told[5] == (
        "Backward: MulBackward receives ḡ = 1. To SinBackward: ḡ·s = 1. To s: ḡ·(sin s) = 0.8415."
    )
    assert told[7] == (
        "Backward: MulBackward receives ḡ = 1.382, the sum over 2 arrows. To w: ḡ·x = 0.6909. "
        "To x: ḡ·w = 2.764."
    )
    told = json.loads(ElementTree.fromstring(svg(graph, "zh")).get("data-steps"))
    assert told[6][2] == "反向：SinBackward 收到 ḡ = 1。传给 s：ḡ·cos s = 0.5403。"
    assert "data-steps" not in svg(graph, direction="backward")


def boxes(picture):
    root = ElementTree.fromstring(picture)
    return {
        group.get("data-node"): {k: float(v) for k, v in group.find("{*}rect").items()}
        for group in root.iterfind(".//{*}g[@data-node]")
    }


def test_the_computation_flows_downward_and_gradients_too_if_asked():
    y = torch.stack([leaf(1.0, 2.0).sum(), leaf(3.0)])
    graph = read(y)
    for direction, sign in (("forward", 1), ("backward", -1)):
        placed = boxes(svg(graph, direction=direction))
        for edge in graph["edges"]:
            assert sign * (placed[edge["target"]]["y"] - placed[edge["source"]]["y"]) > 0


def test_boxes_do_not_overlap_and_the_picture_holds_them():
    loss, names = network()
    picture = svg(read(loss, names, saved=True))
    left, top, width, height = map(float, ElementTree.fromstring(picture).get("viewBox").split())
    placed = list(boxes(picture).values())
    for number, a in enumerate(placed):
        assert a["x"] > left and a["x"] + a["width"] < left + width
        assert a["y"] > top and a["y"] + a["height"] < top + height
        for b in placed[:number]:
            apart = abs(a["x"] - b["x"]) - (a["width"] if a["x"] < b["x"] else b["width"])
            under = abs(a["y"] - b["y"]) - (a["height"] if a["y"] < b["y"] else b["height"])
            assert max(apart, under) > 0


def test_a_model_of_two_layers_fits_a_phone():
    layers = {"layer1": torch.nn.Linear(1000, 100), "layer2": torch.nn.Linear(100, 10)}
    with Tape() as tape:
        prediction = layers["layer2"](torch.relu(layers["layer1"](torch.randn(16, 1000))))
        loss = (prediction - torch.randn(16, 10)).square().sum()
        loss.backward()
    graph = steps(loss, {**layers, "prediction": prediction, "loss": loss}, tape=tape)
    assert len(graph["nodes"]) == 12
    smallest = int(re.search(r"min-width:(\d+)px", svg(graph))[1])
    assert smallest <= 390 - 2 * 16  # the page has margins of 16 pixels


def test_names_cannot_break_the_picture():
    x = leaf(1.0)
    picture = svg(read(x.sin(), {'<x> & "y"': x}))
    assert '<x> & "y" = 1' in {
        t.text for t in ElementTree.fromstring(picture).iterfind(".//{*}text")
    }


# What a reader takes home


def test_the_file_works_alone_as_a_script(tmp_path):
    shutil.copy(autograd_graph.__file__, tmp_path)
    script = (
        "import torch; from autograd_graph import show\n"
        "x = torch.tensor(0.5, requires_grad=True)\n"
        "def inside():\n    y = torch.sin(x)\n    return show(y, language='zh')\n"
        "print(inside())"
    )
    (tmp_path / "own.py").write_text(script)
    ran = subprocess.run(
        [sys.executable, "own.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("graph.svg\n", "")
    text = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert "SinBackward 由 x 得到 y = 0.4794。" in ElementTree.fromstring(text).get("aria-label")


def test_in_a_notebook_the_picture_stands_below_the_cell(tmp_path):
    shutil.copy(autograd_graph.__file__, tmp_path)
    code = (
        "import torch\nfrom autograd_graph import show\n"
        "x = torch.tensor(0.5, requires_grad=True)\nshow(x * x)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    context = {"metadata": {"path": str(tmp_path)}}
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        NotebookClient(notebook, kernel_name="python3", resources=context).execute()
    (shown,) = notebook.cells[0].outputs
    assert "<svg" in shown["data"]["text/html"]
    assert not (tmp_path / "graph.svg").exists()
