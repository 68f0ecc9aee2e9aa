"""Once the code has run, Sphinx and what is built on it work without our command."""

import json
import shutil
import sys

import pytest
from small_site import GRAPH, TUTORIAL, SmallSite, built, edit, ran

from course.words import LANGUAGES

MORE = """
# %% en: An exercise
# Multiply :math:`x` by :math:`x`: see :ref:`first`.
#
# .. math::
#
#    y = x^2

# %% zh: 练习
# 把 :math:`x` 乘以 :math:`x`：见 :ref:`first`。
#
# .. math::
#
#    y = x^2

# %% solution
print(x.is_leaf)
assert x.is_leaf
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A built site with everything that a page may hold."""
    site = SmallSite(tmp_path_factory.mktemp("whole"))
    site.add("part/10_first.py", TUTORIAL)
    site.add("part/20_second.py", TUTORIAL + GRAPH + MORE)
    site.add_calls()
    for language in LANGUAGES:
        home = site.home(language)
        home.write_text(f"{home.read_text()}\n```{{recorded-graph}} part/20_second\n```\n")
    assert built(site.build()) == ["10_first", "20_second"]
    return site


def sphinx(site, builder, out, language="zh", *options):
    """``python -m sphinx`` as the README gives it: the exit code and what it says."""
    words = ["-W", "-q", "--no-color", "-b", builder, "-c", site.root, "-t", language, *options]
    places = [site.root / "docs" / language, out]
    return ran([sys.executable, "-m", "sphinx", *map(str, (*words, *places))])


def files(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def times(folder, but):
    """When each file below ``folder`` was written; byte code and the folder ``but`` left out."""
    kept = files(folder).items()
    return {
        name: path.stat().st_mtime_ns
        for name, path in kept
        if not name.startswith(but) and path.suffix != ".pyc"
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_sphinx_makes_the_same_pages_and_writes_nothing_else(whole, tmp_path, language):
    sources = f"docs/{language}/tutorials"
    before, out = times(whole.root, sources), tmp_path / "out"
    assert sphinx(whole, "html", out, language, "-d", tmp_path / "doctrees") == (0, "")
    assert times(whole.root, sources) == before
    ours, theirs = files(whole.root / "build/html" / language), files(out)
    views = {name for name in ours if name.endswith(".both.html")}
    assert len(views) == 2 and ours.keys() - theirs.keys() == views
    assert len(theirs) > 30 and not theirs.keys() - ours.keys()
    assert not [name for name in theirs if theirs[name].read_bytes() != ours[name].read_bytes()]


def test_from_nothing_but_records_sphinx_makes_the_same_pages(whole, tmp_path):
    site = SmallSite(tmp_path / "site", recorded=whole)
    shutil.copytree(whole.root / "tutorials", site.root / "tutorials", dirs_exist_ok=True)
    shutil.copytree(whole.root / "docs", site.root / "docs", dirs_exist_ok=True)
    shutil.rmtree(site.root / "docs/zh/tutorials")
    out = tmp_path / "out"
    assert sphinx(site, "html", out) == (0, "")
    page = "tutorials/part/20_second.html"
    assert (out / page).read_bytes() == (whole.root / "build/html/zh" / page).read_bytes()


def test_the_text_builder_says_what_the_page_says(whole, tmp_path):
    assert sphinx(whole, "text", tmp_path) == (0, "")
    text = (tmp_path / "tutorials/part/20_second.txt").read_text(encoding="utf-8")
    parts = (
        "标题",
        "介绍的文字。",
        "torch.tensor(1.0)",
        "一条上升的线。",
        "torch.float32",
        "y = x^2",
    )
    found = [text.find(part) for part in (*parts, "print(x.is_leaf)")]
    assert -1 not in found and found == sorted(found) and "True" in text[found[-1] :]
    calls = (tmp_path / "calls.txt").read_text(encoding="utf-8")
    assert "torch.Tensor.is_leaf" in calls


def test_the_link_checker_reads_every_page(whole, tmp_path):
    """It asks no other host here: each address is left out."""
    done = sphinx(whole, "linkcheck", tmp_path, "zh", "-D", "linkcheck_ignore=http")
    assert done == (0, "")
    said = [json.loads(line) for line in (tmp_path / "output.json").read_text().splitlines()]
    assert {line["filename"] for line in said} >= {"calls.md"}
    assert {line["status"] for line in said} <= {"ignored", "unchecked", "local"}
    addresses = {line["uri"] for line in said}
    assert any(address.endswith("/torch.Tensor.is_leaf.html") for address in addresses)


def test_builders_share_what_they_have_read(whole, tmp_path):
    """``sphinx-build -M`` keeps one folder of doctrees for all builders."""
    shared = ("zh", "-d", tmp_path / "doctrees")
    assert sphinx(whole, "text", tmp_path / "text", *shared) == (0, "")
    assert sphinx(whole, "html", tmp_path / "out", *shared) == (0, "")
    for page in ("calls.html", "tutorials/part/20_second.html"):
        assert (tmp_path / "out" / page).read_bytes() == (
            whole.root / "build/html/zh" / page
        ).read_bytes()


def test_without_a_record_sphinx_names_the_file_and_the_command(whole, tmp_path):
    site = SmallSite(tmp_path / "site", recorded=whole)
    path = site.add("part/10_first.py", TUTORIAL)
    edit(path, ("[0, 1]", "[0, 1, 2]"))
    code, said = sphinx(site, "html", tmp_path / "out")
    assert code
    assert f"{path}:1: there is no record of this code: run 'make html'" in said
    assert not list((tmp_path / "out").rglob("*.html"))
