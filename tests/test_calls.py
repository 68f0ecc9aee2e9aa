"""Names in code lead to their documentation, and the list of calls says what the code uses."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys

import pytest
import torch
from bs4 import BeautifulSoup
from conftest import ROOT, SCRIPTS, SITE, name

import build
from carry.page import in_order, left_for
from course.text import slug
from course.words import words
from pages import calls
from pages.links import links, marked
from pages.script import code
from run import inventory, names
from run.used import CALLS as LIST
from run.used import listed, used

GROUPS, REASONS = listed()
EXCLUDED = {name for excluded in REASONS.values() for name in excluded}
CALLS = [call for group in GROUPS.values() for call in group]
ADDRESSES = inventory.addresses(build.BUILD)
EXTENSIONS = ROOT / "docs/_ext"

PLANTED = """\
import os.path
import math as m
import torch
import matplotlib.pyplot as plt
from textwrap import fill
from torch.autograd import functional
from torch.autograd.functional import jacobian as matrix

x = torch.tensor([1.0, 2.0], requires_grad=True)
(x**2).sum().backward(retain_graph=True)
print(fill("torch.sin(x) print"), m.pi, x.grad)  # torch.cos
functional.jacobian(torch.sin, x)
matrix(torch.cos, x.detach())
line = plt.plot([1, 2])
optimizer = torch.optim.SGD([x], lr=0.1)
(
    optimizer
    .zero_grad()
)
print(x._version, os.path.basename("a"))
for mixed in (x, 1.5):
    mixed.real


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


def never_called(x):
    return torch.tan(x), m.sin(x), x.grad, print(x)


Square.apply(x).sum().backward()
torch_again = torch
torch = None
x = 3
try:
    m.nope, m.__name__, torch.exp(x)
except AttributeError:
    getattr(x, "backward", None)
"""
LINKED = """\
os.path os.path
math math
torch torch
matplotlib.pyplot matplotlib.pyplot
fill textwrap.fill
functional torch.autograd.functional
jacobian torch.autograd.functional.jacobian
torch.tensor torch.tensor
sum torch.Tensor.sum
backward torch.Tensor.backward
print print
fill textwrap.fill
m.pi math.pi
grad torch.Tensor.grad
functional.jacobian torch.autograd.functional.jacobian
torch.sin torch.sin
matrix torch.autograd.functional.jacobian
torch.cos torch.cos
detach torch.Tensor.detach
plt.plot matplotlib.pyplot.plot
torch.optim.SGD torch.optim.SGD
zero_grad torch.optim.Optimizer.zero_grad
print print
os.path.basename os.path.basename
torch.autograd.Function torch.autograd.Function
staticmethod staticmethod
save_for_backward torch.autograd.function.FunctionCtx.save_for_backward
staticmethod staticmethod
m.sin math.sin
print print
sum torch.Tensor.sum
backward torch.Tensor.backward
torch torch
AttributeError AttributeError
getattr getattr"""


@pytest.fixture(scope="module")
def planted():
    """The code of a cell as Sphinx-Gallery runs it, with what was noted of it."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, json; from run import runner; code = sys.stdin.read(); print(json.dumps("
            "runner.attempt(runner.Job('part/10_one', 'one.py', code, ((1, code),), {}, 1)),"
            " default=str))",
        ],
        input=PLANTED,
        capture_output=True,
        text=True,
        check=True,
        cwd=EXTENSIONS,
    )
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert not outcome["failure"], outcome["failure"]
    return outcome["cells"][0]


def test_names_are_linked_and_nothing_else_is(planted):
    found = links(PLANTED, planted["named"], {}, ADDRESSES, "en")
    shown = [f"{PLANTED[start:end]} {full}" for start, end, full, _ in found]
    assert shown == LINKED.splitlines()
    assert [ADDRESSES[full] for *_, full, _ in found] == [address for *_, address in found]


def test_layout_and_comments_of_the_code_do_not_matter(planted):
    loose = PLANTED.replace("m.pi, x.grad)  # torch.cos", "m.pi,\n    # torch\n    x.grad)\n\n")
    found = links(loose, planted["named"], {}, ADDRESSES, "en")
    assert [f"{loose[start:end]} {full}" for start, end, full, _ in found] == LINKED.splitlines()


def test_chinese_pages_lead_to_the_chinese_documentation_of_python():
    assert inventory.address(ADDRESSES, ["math.pi"], "zh") == (
        "math.pi",
        "https://docs.python.org/zh-cn/3/library/math.html#math.pi",
    )
    assert inventory.address(ADDRESSES, ["torch.nope", "torch._C"], "en") is None


def test_a_link_that_would_cross_a_token_is_left_out():
    markup = '<div><pre><span></span>a<span class="k">b &lt;</span>c</pre></div>'
    assert 'title="n"' not in marked(markup, [(0, 2, "n", "t")], set())
    linked = marked(markup, [(1, 4, "n", "t"), (4, 5, "n", "t")], set())
    assert '<span class="k"><a class="call" href="t" title="n">b &lt;</a></span>' in linked
    assert '<a class="call" href="t" title="n" tabindex="-1">c</a>' in linked


def test_the_code_that_runs_is_noted_with_its_arguments(planted):
    found = used(planted["named"], set(CALLS))
    assert found == {
        "torch.Tensor.backward",
        "torch.Tensor.backward(retain_graph=)",
        "torch.Tensor.grad",
        "torch.Tensor.detach",
        "torch.Tensor._version",
        "torch.optim.Optimizer.zero_grad",
        "torch.autograd.functional.jacobian",
        "torch.autograd.Function",
        "torch.autograd.Function.forward",
        "torch.autograd.Function.backward",
        "torch.autograd.Function.apply",
        "torch.autograd.function.FunctionCtx.save_for_backward",
        "torch.autograd.function.BackwardCFunction.saved_tensors",
    }


def resolve(call):
    """The object that the list names, in the installed torch."""
    call = call.partition("(")[0]
    root = torch.ones(2, requires_grad=True)
    nodes = [(root**2).grad_fn, (root**2).grad_fn.next_functions[0][0]]
    owner, _, attribute = call.rpartition(".")
    if owner == "torch.autograd.graph.Node" and attribute in ("variable", "_saved_*"):
        found = [name for node in nodes for name in dir(node) if name.startswith(attribute[:-1])]
        return found[0]
    found = names.at(call)
    assert found is not None or hasattr(names.at(owner), attribute), call
    return found


def test_the_list_names_what_the_installed_torch_has():
    for call in CALLS:
        resolve(call)
    assert len(CALLS) == len(set(CALLS)) == len({calls.anchor(call) for call in CALLS})
    for call in CALLS:
        argument = re.search(r"\((\w+)=\)", call)
        if argument:
            assert argument[1] in inspect.signature(resolve(call)).parameters, call


def test_every_public_call_is_listed_or_excluded_with_a_reason():
    public = set()
    for module in [
        "torch.autograd",
        "torch.autograd.anomaly_mode",
        "torch.autograd.forward_ad",
        "torch.autograd.function",
        "torch.autograd.functional",
        "torch.autograd.grad_mode",
        "torch.autograd.gradcheck",
        "torch.autograd.graph",
        "torch.autograd.profiler",
        "torch.func",
        "torch.profiler",
        "torch.utils.checkpoint",
    ]:
        public |= {f"{module}.{name}" for name in importlib.import_module(module).__all__}
    for owner in ("torch.autograd.Function", "torch.autograd.graph.Node"):
        public |= {f"{owner}.{name}" for name in vars(names.at(owner)) if name[0] != "_"}
    public |= {
        f"torch.autograd.function.FunctionCtx.{name}"
        for name in dir(torch.autograd.function.FunctionCtx)
        if name[0] != "_"
    }
    about = re.compile("grad|backward|hook|leaf|detach|inference|^data$|output_nr|_version")
    for owner in [
        "torch",
        "torch.Tensor",
        "torch.nn.Module",
        "torch.optim.Optimizer",
        "torch.nn.utils",
    ]:
        public |= {
            f"{owner}.{name}"
            for name in dir(names.at(owner))
            if about.search(name) and (name[0] != "_" or name == "_version")
        }
    for function in ("torch.Tensor.backward", "torch.autograd.backward", "torch.autograd.grad"):
        parameters = list(inspect.signature(names.at(function)).parameters)
        public |= {f"{function}({name}=)" for name in parameters[1:]}
    objects = [found for call in CALLS if (found := resolve(call)) and "(" not in call]
    accounted = {*CALLS, *EXCLUDED}
    missing = {
        name
        for name in public - accounted
        if not inspect.ismodule(names.at(name))
        and ("(" in name or not any(names.at(name) is found for found in objects))
    }
    assert not sorted(missing), f"list these in {LIST} or exclude them with a reason"
    assert not EXCLUDED & set(CALLS)
    assert public >= EXCLUDED, "no such public name: remove it from the excluded ones"


def test_the_inventory_is_the_same_from_a_fresh_process():
    """The build makes it in a process that has imported much of torch already."""
    code = "import json; from run import inventory; print(json.dumps(inventory.made()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=EXTENSIONS
    )
    assert json.loads(done.stdout) == ADDRESSES


@pytest.mark.parametrize("kept", [None, "", '{"made of": ["torch 1.0"], "addresses": {}}'])
def test_the_inventory_is_made_where_it_is_missing_or_of_other_versions(tmp_path, kept):
    path, times = tmp_path / "inventory.json", []
    if kept is not None:
        path.write_text(kept)
    code = f"from run import inventory; print(len(inventory.addresses({str(tmp_path)!r})))"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=EXTENSIONS
        )
        assert int(done.stdout) == len(ADDRESSES)
        times.append(path.stat().st_mtime_ns)
    assert json.loads(path.read_text())["addresses"] == ADDRESSES
    assert times[0] == times[1], "it is kept"
    assert [left.name for left in tmp_path.iterdir()] == [path.name]


def test_the_addresses_that_pages_lead_to_are_listed_for_review(site):
    kept = (ROOT / "docs/links.txt").read_text(encoding="utf-8")
    assert kept == left_for(in_order(site / "en")), "run 'make links' and look at what has changed"
    assert "  generated/torch.Tensor.backward.html\n" in kept


def test_no_link_leads_to_a_private_name():
    assert not [name for name in ADDRESSES if re.search(r"(^|\.)_", name)]


def page(language, docname):
    path = SITE / language / f"{docname}.html"
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_every_import_and_library_call_of_a_tutorial_is_linked(site, tutorial, language):
    """An independent reading: what follows ``torch.`` and the like as plain text of the code."""
    article = page(language, f"tutorials/{name(tutorial)}").article
    blocks = [div.pre for div in article.select(".highlight-Python")]
    codes = [code(cell) for cell in tutorial.cells if cell.is_code]
    assert [block.get_text().strip("\n") for block in blocks] == codes
    linked = {(link.get_text(), link["title"]) for block in blocks for link in block("a")}
    for node in (node for cell in codes for node in ast.walk(ast.parse(cell))):
        if isinstance(node, ast.Import):
            assert {(alias.name, alias.name) for alias in node.names} <= linked
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            written = ast.unparse(node.func)
            full = re.sub(r"^plt\.", "matplotlib.pyplot.", written)
            if full in ADDRESSES:
                assert (written, full) in linked
    for link in article.select("pre a"):
        assert link["title"] in ADDRESSES
        assert ("zh-cn" in link["href"]) == (language == "zh" and "docs.python" in link["href"])
        assert link["title"].split(".")[-1] == link.get_text().split(".")[-1] or (
            f"{link.get_text()} =" not in article.get_text()
        )
    stops = [link["href"] for link in article.select("pre a:not([tabindex])")]
    assert len(stops) == len(set(stops))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_list_of_calls_says_what_the_code_uses(site, language):
    """Compared with a reading of the code itself, by the names at the ends of the calls."""
    index = page(language, "calls")
    entries = {term["id"]: term.find_next("dd") for term in index.select("dl.calls dt")}
    text = index.get_text()
    for call in CALLS:
        assert call in text
    for tutorial in SCRIPTS:
        section, where = "", {}
        for cell in tutorial.cells:
            if cell.kind == "en" and cell.heading:
                section = slug(cell.heading) if where else ""
                where[section] = where.get(section, "")
            elif cell.is_code and cell.kind != "check":
                where[section] += "\n".join(cell.lines) + "\n"
        for call in CALLS:
            last = re.escape(call.partition("(")[0].rpartition(".")[2].rstrip("*"))
            entry = entries.get(calls.anchor(call))
            links = entry.select(f'a[href*="{name(tutorial)}.html"]') if entry else []
            for link in links:
                anchor = link["href"].partition("#")[2]
                assert anchor or where[""] or len(links) > 1
                assert not anchor or re.search(rf"\b{last}", where[anchor]), (call, anchor)
            if (
                call.startswith(("torch.autograd.f", "torch.func.", "torch.no_grad"))
                and "(" not in call
            ):
                plain = re.escape(call).replace(r"torch\.func\.", r"(torch\.)?func\.")
                plain = plain.replace(r"torch\.autograd\.functional", "functional")
                using = {
                    anchor for anchor, code in where.items() if re.search(rf"\b{plain}\(", code)
                }
                linked = {link["href"].partition("#")[2] for link in links}
                assert using - {""} <= linked, (call, using - linked)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_a_tutorial_ends_with_its_calls(site, tutorial, language):
    document = page(language, f"tutorials/{name(tutorial)}")
    last = document.select("article section")[-1]
    assert last.h2.contents[0] == words(language)["calls_title"]
    index = page(language, "calls")
    links = last.select("p a")
    assert links
    for link in links:
        target = link["href"].partition("#")[2]
        entry = index.find(id=target)
        assert entry.get_text() == link.get_text()
        assert entry.find_next("dd").select(f'a[href*="{name(tutorial)}.html"]')
    book = SITE / language / f"downloads/{name(tutorial)}.ipynb"
    assert words(language)["calls_title"] not in book.read_text(encoding="utf-8")


def test_the_share_is_printed():
    done = subprocess.run(
        [sys.executable, "docs/_ext", "calls"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    lines = {line[:12].strip(): line.split()[-4:] for line in done.stdout.splitlines()}
    assert lines.keys() == {*GROUPS, "in all"}
    count, _, total, share = lines["in all"]
    assert int(total) == len(CALLS) and share == f"{int(count) / int(total):.0%}"
    assert sum(int(lines[group][0]) for group in GROUPS) == int(count) > 0
