"""Graphs on pages: drawn where a cell asks, stepped through, and given to readers as a file."""

import re
import shutil
import subprocess
import sys

import pytest
import torch
from browsing import uncover
from bs4 import BeautifulSoup
from conftest import ROOT, SCRIPTS, SITE, name
from small_site import GRAPH, TUTORIAL, SmallSite, built

from autograd_graph import Tape, steps, svg
from course.asks import request
from course.words import LANGUAGES
from run.graphs import Drawer, Undrawable

CHINESE = re.compile("[\u3400-\u9fff]")
ASKING = {
    name(tutorial): [
        cell for cell in tutorial.cells if cell.is_code and request("\n".join(cell.lines))
    ]
    for tutorial in SCRIPTS
}
ADDRESSES = {tutorial.name: name(tutorial) for tutorial in SCRIPTS}
STEPPED = [
    script for script, cells in ASKING.items() if any("steps" in str(c.lines) for c in cells)
]


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("x = 1", None),
        ('# sphinx_gallery_graph = "y"', (["y"], set())),
        ('y = 1\n# sphinx_gallery_graph = "y, z: saved, steps"', (["y", "z"], {"saved", "steps"})),
    ],
)
def test_what_a_cell_asks_for(code, asked):
    assert request(code) == asked


@pytest.mark.parametrize(
    "comment",
    [
        "# sphinx_gallery_graph",
        "# sphinx_gallery_graph = y",
        '# sphinx_gallery_graph = "y: sideways"',
        '# sphinx_gallery_graph = "y: steps, backward"',
        '# sphinx_gallery_graph = "y"\n# sphinx_gallery_graph = "z"',
    ],
)
def test_a_comment_that_cannot_be_read_is_refused(comment):
    with pytest.raises(ValueError, match="sphinx_gallery_graph"):
        request(comment)


def test_graphs_of_results_that_are_not_there_are_refused():
    drawer = Drawer([])
    with pytest.raises(Undrawable, match="the graph of y: no "):
        drawer.drawn('# sphinx_gallery_graph = "y"', {"y": 3.0})


def test_what_draws_and_what_watches_decide_what_runs_again(tmp_path):
    small = SmallSite(tmp_path)
    small.add("part/10_plain.py", TUTORIAL)
    small.add("part/20_asking.py", TUTORIAL + GRAPH)
    assert built(small.build()) == ["10_plain", "20_asking"]
    assert "autograd-figure" in small.page("zh", "20_asking")
    for changed, again in {
        "docs/tools/autograd_graph.py": ["20_asking"],
        "docs/_ext/run/watch.py": ["10_plain", "20_asking"],
        "docs/_ext/pages/links.py": [],
    }.items():
        path = small.root / changed
        path.write_text(f"{path.read_text()}\nCHANGED = True\n")
        assert built(small.build()) == again, changed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("script", [script for script, cells in ASKING.items() if cells])
def test_a_page_shows_what_its_cells_ask_for(site, script, language):
    page = SITE / language / f"tutorials/{script}.html"
    document = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    drawings = document.select("figure.autograd-figure svg[role=img]")
    assert len(drawings) == len(ASKING[script])
    for drawing in drawings:
        assert bool(CHINESE.search(drawing["aria-label"])) == (language == "zh")
        assert len(drawing["aria-label"]) > 20
    assert "sphinx_gallery_graph" not in document.get_text()
    for suffix in (".py", ".ipynb"):
        download = SITE / language / "downloads" / f"{script}{suffix}"
        assert "sphinx_gallery" not in download.read_text(encoding="utf-8")


def test_the_three_graphs_that_teach_can_be_stepped():
    teaching = ("first_gradient", "one_training_step", "vector_jacobian_product")
    assert {ADDRESSES[script] for script in teaching} <= set(STEPPED)


@pytest.mark.parametrize("script", STEPPED)
def test_a_graph_is_stepped_with_the_keyboard(visit, script):
    page = visit(f"zh/tutorials/{script}.html", viewport={"width": 390, "height": 844})
    uncover(page)
    figure = page.locator("figure.autograd-figure:has(.autograd-control)").first
    told = figure.get_by_role("status")
    following = figure.get_by_role("button", name="下一步")
    following.focus()
    page.keyboard.press("Enter")
    assert told.inner_text().startswith("前向")
    assert figure.locator(".now.node").count() == 1
    assert figure.locator(".later.node").count() == figure.locator(".node").count() - 1
    total = int(figure.locator(".autograd-steps span").inner_text().split("/")[1])
    for _ in range(total - 2):
        page.keyboard.press("ArrowRight")
    assert told.inner_text().startswith("反向")
    assert not figure.locator(".later.node").count()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert not figure.locator(".waiting.now").count(), "the finished picture"


def test_the_steps_of_the_sine_are_those_of_its_run(visit):
    page = visit(f"en/tutorials/{ADDRESSES['first_gradient']}.html")
    uncover(page)
    figure = page.locator("figure.autograd-figure").first
    following, said = figure.get_by_role("button", name="Next"), []
    for _ in range(7):
        following.click()
        said.append(figure.get_by_role("status").inner_text())
    assert "x = 0" in said[0] and "b = sin x = 0" in said[1]
    assert re.search("ḡ = 2.*cos x = 2", said[6])


def test_without_javascript_a_page_shows_the_finished_picture(visit):
    page = visit(f"en/tutorials/{STEPPED[0]}.html", java_script_enabled=False)
    figure = page.locator("figure.autograd-figure").first
    assert not figure.locator("button").count()
    assert all(text.is_visible() for text in figure.locator("svg text").all())


@pytest.mark.parametrize("width", [390, 1280])
def test_a_graph_stays_in_its_box(visit, width):
    for script, cells in ASKING.items():
        if cells:
            page = visit(f"en/tutorials/{script}.html", viewport={"width": width, "height": 844})
            uncover(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def blocks(language):
    text = (ROOT / f"docs/{language}/graph.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.S)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_readers_file_does_what_its_page_says(site, tmp_path, language):
    """In an empty folder, with the file from the site and nothing else of ours."""
    shutil.copy(site / language / "downloads/autograd_graph.py", tmp_path)
    for code in blocks(language):
        (tmp_path / "script.py").write_text(code, encoding="utf-8")
        command = [sys.executable, "-W", "error", "script.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
    assert "SinBackward" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
    model = (tmp_path / "model.svg").read_text(encoding="utf-8")
    assert "model.weight" in model
    assert bool(CHINESE.search(model)) == (language == "zh")


def test_both_pages_of_the_readers_file_have_the_same_code():
    def plain(code):
        return re.sub(r', language="zh"|, "zh"', "", code)

    assert [plain(code) for code in blocks("zh")] == blocks("en")


# Stepping, on a page that holds nothing but a graph


def sine_times():
    """The recorded graph of s·sin s with s = w·x."""
    w, x = (torch.tensor(value, requires_grad=True) for value in (2.0, 0.5))
    with Tape() as tape:
        s = w * x
        z = torch.sin(s) * s
        z.backward()
    return steps(z, {"w": w, "x": x, "s": s, "z": z}, tape=tape)


@pytest.fixture
def stepping(site, tmp_path, browser):
    """Open a page with the graph of s·sin s, in a language, with and without JavaScript."""
    contexts = []

    def open_page(language="en", **options):
        static = site / language[:2] / "_static"
        path = tmp_path / "page.html"
        path.write_text(
            f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
            f'<link rel="stylesheet" href="{(static / "site.css").as_uri()}">'
            f'<link rel="stylesheet" href="{(static / "graph.css").as_uri()}">'
            f'<script defer src="{(static / "steps.js").as_uri()}"></script>'
            f'<figure class="autograd-figure"><div class="autograd-scroll">'
            f"{svg(sine_times(), language[:2])}</div></figure>",
            encoding="utf-8",
        )
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def seen(page, kind):
    """The visible texts of a kind in the picture."""
    texts = page.locator(f"svg .{kind}")
    return [
        texts.nth(i).text_content()
        for i in range(texts.count())
        if texts.nth(i).evaluate("element => getComputedStyle(element).visibility") == "visible"
    ]


FINISHED = ["grad = 0.6909", "grad = 2.764", "ḡ = 1.382", "ḡ = 1", "ḡ = 1"]


def test_without_javascript_the_finished_picture_stands_there(stepping):
    page = stepping(java_script_enabled=False)
    assert page.locator("svg .gradient").all_text_contents() == FINISHED
    assert page.locator("svg .value").all_text_contents() == ["s = 1", "0.8415", "z = 0.8415"]
    assert page.locator("button").count() == 0


def test_values_come_forward_then_gradients_flow_back(stepping):
    page = stepping()
    told = page.get_by_role("status")
    assert seen(page, "gradient") == FINISHED and "finished picture" in told.inner_text()
    page.get_by_role("button", name="Start over").click()
    assert seen(page, "gradient") == seen(page, "value") == [] and told.inner_text() == ""
    following = page.get_by_role("button", name="Next")
    for _ in range(4):
        following.click()
    assert told.inner_text() == "Forward: SinBackward, sin s = 0.8415."
    assert seen(page, "value") == ["s = 1", "0.8415"] and seen(page, "gradient") == []
    assert page.locator("svg .node.now .title").all_text_contents() == ["SinBackward"]
    for _ in range(3):
        following.click()
    assert told.inner_text() == "Backward: SinBackward receives ḡ = 1. To s: ḡ·cos s = 0.5403."
    assert seen(page, "gradient") == ["ḡ = 1", "ḡ = 1"]
    assert page.locator(".autograd-steps span").inner_text() == "7 / 10"
    # The arrows that the gradient has taken are turned over.
    assert len(seen(page, "head.back")) == 3
    page.get_by_role("button", name="Back").click()
    assert seen(page, "gradient") == ["ḡ = 1"] and len(seen(page, "head.back")) == 2


def test_keys_step_while_a_button_has_the_focus(stepping):
    page = stepping("zh-CN")
    page.keyboard.press("ArrowRight")
    assert page.locator(".autograd-steps span").inner_text() == "10 / 10"
    page.get_by_role("button", name="下一步").focus()
    for key, place in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        assert page.locator(".autograd-steps span").inner_text() == f"{place} / 10"
    assert page.get_by_role("status").inner_text() == "前向：叶子 w = 2。"
    page.keyboard.press("End")
    assert seen(page, "gradient") == FINISHED


def test_play_goes_to_the_end_by_itself(stepping):
    page = stepping()
    page.clock.install()
    page.get_by_role("button", name="Play").click()
    assert page.locator(".autograd-steps span").inner_text() == "1 / 10"
    page.clock.run_for(2500)
    assert page.locator(".autograd-steps span").inner_text() == "2 / 10"
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(10_000)
    assert page.locator(".autograd-steps span").inner_text() == "2 / 10"
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(30_000)
    assert page.locator(".autograd-steps span").inner_text() == "10 / 10"
    assert page.get_by_role("button", name="Play").count() == 1


@pytest.mark.parametrize("motion, moves", [("reduce", "0s"), ("no-preference", "0.25s")])
def test_who_wants_no_motion_gets_none(stepping, motion, moves):
    page = stepping(reduced_motion=motion)
    page.get_by_role("button", name="Next").click()
    node = page.locator("svg .node").first
    assert node.evaluate("node => getComputedStyle(node).transitionDuration") == moves


def test_on_a_phone_buttons_fit_a_finger_and_letters_are_readable(stepping):
    page = stepping(viewport={"width": 390, "height": 844}, has_touch=True)
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box["width"] >= 44 and box["height"] >= 44
    page.get_by_role("button", name="Next").tap()
    assert page.locator(".autograd-steps span").inner_text() == "1 / 10"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    scale = "svg => 13 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width"
    assert page.locator("svg").evaluate(scale) >= 11.9


def test_a_wide_picture_scrolls_in_its_own_box(stepping):
    page = stepping(viewport={"width": 160, "height": 800})
    box = page.locator(".autograd-scroll")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    scale = "svg => 13 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width"
    assert page.locator("svg").evaluate(scale) >= 11.9
