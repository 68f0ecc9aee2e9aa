"""The page of a tutorial that Sphinx reads, by example: what stands on it, and where."""

import re
from textwrap import dedent

import pytest
from conftest import SCRIPTS, name
from docutils.core import publish_doctree

from course.text import joined, unbroken
from course.tutorial import Cell, Tutorial
from course.words import LANGUAGES
from pages.script import cell_at, code, page

SCRIPT = """\
# %% about
# level: beginner
# tags: torch.sin

# %% en: The sine
# What :math:`\\sin` does.

# %% zh 000000: 正弦
# :math:`\\sin`
# 做什么。

# %%
# sphinx_gallery_graph = "x"
x = 1

# %% en alt
# A ``sin`` curve
# of :math:`x`.

# %% zh alt 000000
# 一条``sin``曲线，
# 自变量是:math:`x`。

# %%
y = 2

# %% en: An exercise!
# Add.

# %% zh 000000: 练习
# 加。

# %% solution
x += y
"""
DRAWN = {"en": "<svg>a graph</svg>", "zh": "<svg>一张图</svg>"}
OUTCOME = {
    "cells": [
        {"rst": "\nfirst output\n\n", "graph": DRAWN, "named": {}},
        {"rst": "", "graph": None, "named": {}},
        {"rst": "\nlast output\n\n", "graph": None, "named": {}},
    ]
}
SHOWN = {
    "en": (".. _example:", "The sine", "What :math:`\\sin` does.", "A sin curve of x.", "Add."),
    "zh": (".. _example:", "正弦", "做什么。", "一条 sin 曲线，自变量是 x。", "加。"),
}


@pytest.fixture
def tutorial(write):
    return Tutorial.read(write(SCRIPT))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_on_the_page_stands_in_the_order_of_the_cells(tutorial, language):
    label, title, introduction, alternative, exercise = SHOWN[language]
    order = [
        label,
        f"\n{title}\n===",
        introduction,
        "    x = 1\n",
        "first output",
        DRAWN[language],
        alternative,
        "    y = 2\n",
        ".. _example-an-exercise:",
        exercise,
        "    x += y\n",
        "last output",
    ]
    text = page(tutorial, language, OUTCOME)
    found = [text.find(part) for part in order]
    assert -1 not in found and found == sorted(found)
    assert all(text.count(part) == 1 for part in order)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_holds_nothing_of_the_other_language_nor_what_a_cell_asks_for(tutorial, language):
    text = page(tutorial, language, OUTCOME)
    other = next(key for key in LANGUAGES if key != language)
    assert not [words for words in SHOWN[other][1:] if words in text]
    assert DRAWN[other] not in text
    assert "sphinx_gallery_graph" not in text


def labels(text):
    return re.findall(r"^\.\. _([^:]+):$", text, re.M)


def test_both_pages_have_the_same_labels_and_the_same_code(tutorial):
    english, chinese = (page(tutorial, language, OUTCOME) for language in LANGUAGES)
    assert labels(english) == labels(chinese)
    assert {"example", "example-an-exercise"} <= set(labels(english))
    assert blocks(english) == blocks(chinese) == ["x = 1", "y = 2", "x += y"]


def blocks(text):
    """The code blocks of a page."""
    found = re.findall(r"^\.\. code-block:: Python\n\n((?: {4}.*\n|\n)+)", text, re.M)
    return [dedent(block).strip("\n") for block in found]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_of_the_page_leads_to_its_cell(tutorial, language):
    """Sphinx's messages are said of the author's file by this."""
    text = page(tutorial, language, OUTCOME)
    lines = text.split("\n")
    first, second = ("What", "Add.") if language == "en" else ("做什么", "加。")
    kinds = {first: language, "    x = 1": "code", second: language, "    x += y": "solution"}
    for start, kind in kinds.items():
        number = next(number for number, line in enumerate(lines, 1) if start in line)
        cell = tutorial.cells[cell_at(text, number)]
        assert (cell.kind, start.strip() in "\n".join(cell.lines)) == (kind, True)
    assert tutorial.cells[cell_at(text, 1)].kind == "en", "above the first cell"


def test_a_summary_is_one_line(tutorial):
    assert tutorial.summary("en") == "What :math:`\\sin` does."
    assert tutorial.summary("zh") == ":math:`\\sin`做什么。"


@pytest.mark.parametrize(
    ("lines", "closed"),
    [
        ("梯度\n累积", "梯度累积"),
        ("调用 PyTorch\n的函数", "调用 PyTorch 的函数"),
        ("值是 3。\nPyTorch 会", "值是 3。PyTorch 会"),
        ("函数\n（function）", "函数（function）"),
        ("two\nwords", "two words"),
        ("调用\n``backward``", "调用``backward``"),
        ("见\n:ref:`x`", "见:ref:`x`"),
    ],
)
def test_chinese_lines_close_up(lines, closed):
    assert unbroken(lines) == closed


def test_english_lines_keep_their_spaces():
    assert joined(["two ", " words"], "en") == "two words"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_the_page_shows_the_code_of_every_cell(tutorial, language):
    """Of the whole course: what is asked of Sphinx-Gallery or of us is left out."""
    cells = [cell for cell in tutorial.cells if cell.is_code]
    printed = {"check": ""}
    outcome = {
        "cells": [
            {"rst": printed.get(cell.kind, "output"), "graph": None, "named": {}} for cell in cells
        ]
    }
    found = blocks(page(tutorial, language, outcome))
    assert found == [code(cell) for cell in cells]
    for shown, cell in zip(found, cells, strict=True):
        plain = [line for line in cell.lines if not line.startswith("# sphinx_gallery_")]
        assert shown == "\n".join(plain).strip("\n")


def test_a_page_can_be_read_and_has_the_label_that_sphinx_gallery_gives_it(write):
    """Without a warning; other sites' links lead to that label."""
    tutorial = Tutorial.read(write(SCRIPT, "part/10_example.py"))
    for language in LANGUAGES:
        document = publish_doctree(
            page(tutorial, language, OUTCOME).replace(".. rst-class:: ", ".. class:: "),
            settings_overrides={"halt_level": 2, "report_level": 5},
        )
        explicit = {label for label, own in document.nametypes.items() if own}
        assert explicit == {
            "sphx_glr_tutorials_part_10_example.py",
            "example",
            "example-an-exercise",
        }


def test_what_a_cell_prints_is_no_mark_and_what_is_to_be_ignored_is_not_shown(write):
    ignored = "# sphinx_gallery_start_ignore\nz = 3\n# sphinx_gallery_end_ignore\n"
    tutorial = Tutorial.read(write(SCRIPT.replace("y = 2\n", f"y = 2\n{ignored}")))
    printed = {"rst": "::\n\n    .. cell 9\n", "graph": None}
    text = page(tutorial, "en", {"cells": [printed] * 3})
    line = text.split("\n").index("    .. cell 9") + 1
    assert tutorial.cells[cell_at(text, line)].lines[1] == "x = 1"
    assert "z = 3" not in text and "sphinx_gallery" not in text


def test_minutes_are_counted_from_english_words_and_lessons_code(tutorial):
    words, lines = tutorial.minutes, "".join(f"x{number} = 1\n\n" for number in range(60))
    tutorial.cells[1].lines.append("word " * 1000)
    assert (words, tutorial.minutes) == (1, 6)
    for kind, minutes in (("check", 6), ("solution", 6), ("predict", 16), ("code", 26)):
        tutorial.cells.append(Cell(kind, 100, lines=lines.split("\n")))
        assert tutorial.minutes == minutes
