"""Graphs on pages: drawn where a cell asks, stepped through, and given to readers as a file."""

import re
import shutil
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT, SCRIPTS, SITE, name

import graphs
import record
from tutorial import LANGUAGES, Tutorial

CHINESE = re.compile("[\u3400-\u9fff]")
ASKING = {
    name(tutorial): [
        cell for cell in tutorial.cells if cell.is_code and graphs.request("\n".join(cell.lines))
    ]
    for tutorial in SCRIPTS
}
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
    assert graphs.request(code) == asked


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
        graphs.request(comment)


def test_graphs_of_results_that_are_not_there_are_refused():
    with graphs.Drawer([]) as drawer, pytest.raises(graphs.Undrawable, match="the graph of y: no "):
        drawer.drawn('# sphinx_gallery_graph = "y"', {"y": 3.0})


def test_a_change_of_what_notes_or_draws_makes_new_records(write, monkeypatch, tmp_path):
    plain = Tutorial.read(write("# %%\nx = 1\n"))
    asking = Tutorial.read(write('# %%\n# sphinx_gallery_graph = "x"\nx = 1\n'))
    before = record.key(plain, {}), record.key(asking, {})
    (tmp_path / "other.py").write_text("")
    monkeypatch.setattr(graphs, "SOURCES", [tmp_path / "other.py"])
    assert record.key(plain, {}) == before[0]
    assert record.key(asking, {}) != before[1]
    monkeypatch.setattr(record, "NAMES", tmp_path / "other.py")
    assert record.key(plain, {}) != before[0]


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
    assert {
        "basics/20_first_gradient",
        "training/10_one_training_step",
        "matrices/10_vector_jacobian_product",
    } <= set(STEPPED)


@pytest.mark.parametrize("script", STEPPED)
def test_a_graph_is_stepped_with_the_keyboard(visit, script):
    page = visit(f"zh/tutorials/{script}.html", viewport={"width": 390, "height": 844})
    figure = page.locator("figure.autograd-figure").first
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
    page = visit("en/tutorials/basics/20_first_gradient.html")
    figure = page.locator("figure.autograd-figure").first
    following, said = figure.get_by_role("button", name="Next"), []
    for _ in range(4):
        following.click()
        said.append(figure.get_by_role("status").inner_text())
    assert "x = 0" in said[0] and "y = sin x = 0" in said[1]
    assert re.search("ḡ = 1.*cos x = 1", said[2])


def test_without_javascript_the_finished_picture_stands_there(visit):
    page = visit(f"en/tutorials/{STEPPED[0]}.html", java_script_enabled=False)
    figure = page.locator("figure.autograd-figure").first
    assert not figure.locator("button").count()
    assert all(text.is_visible() for text in figure.locator("svg text").all())


@pytest.mark.parametrize("width", [390, 1280])
def test_a_graph_stays_in_its_box(visit, width):
    for script, cells in ASKING.items():
        if cells:
            page = visit(f"en/tutorials/{script}.html", viewport={"width": width, "height": 844})
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
