"""Every notebook of both languages is valid, executes, and reads as its page does.

The languages share their code, so those of one language are executed.
"""

import re

import nbformat
import pytest
from conftest import HOME, SCRIPTS, SITE, name
from docutils.core import publish_doctree
from nbclient import NotebookClient

from course.words import LANGUAGES, words
from pages.markdown import Markdown
from pages.script import code
from pages.site import AuthoringError

BOOKS = [(language, tutorial) for language in LANGUAGES for tutorial in SCRIPTS]
both = pytest.mark.parametrize(
    ("language", "tutorial"), BOOKS, ids=[f"{lang}/{name(t)}" for lang, t in BOOKS]
)

CHINESE = re.compile("[\u4e00-\u9fff]")
# What reStructuredText would leave behind; code spans are taken out first.
RESIDUE = re.compile(r"``|:\w+:`|^\.\. |`__?\b|<[^>]*>`_|^[=\-~]{4,}$|\|\w+\||problematic", re.M)


def read(site, language, tutorial):
    path = site / language / f"downloads/{name(tutorial)}.ipynb"
    return nbformat.read(path, as_version=4)


def prose(book):
    """The text of the notebook without code, formulas and addresses."""
    text = "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    text = re.sub(r"(`+) ?.+? ?\1", "", text)
    text = re.sub(r"\$\$.*?\$\$|(?<!\\)\$.+?(?<!\\)\$", "", text, flags=re.S)
    return re.sub(r"\]\([^)]*\)", "]", text)


PAGE = """\
称为*累积*（sum），**不是**``=``，见`文档 <https://pytorch.org/>`__。
斜率:math:`x^2`处处为正；写成 [c]。

.. note::

   一条说明。

   第二段。

.. math::

   a &= b \\\\
   c &= d

- 一
- 二，
  接着

1. 甲

=====  =====
名     值
=====  =====
``x``  a
=====  =====

.. code-block:: python

   x = 1
"""

MARKDOWN = """\
称为<strong>累积</strong>（sum），<strong>不是</strong>`=`，见[文档](https://pytorch.org/)。 \
斜率 $x^2$ 处处为正；写成 \\[c\\]。

> <strong>Note</strong>
>
> 一条说明。
>
> 第二段。

$$
\\begin{aligned}
a &= b \\\\
c &= d
\\end{aligned}
$$

- 一
- 二， 接着

1. 甲

| 名 | 值 |
| --- | --- |
| `x` | a |

```python
x = 1
```"""


def test_markdown_by_example():
    """Before the page's own transforms: those close up the ends of Chinese lines."""
    settings = {"character_level_inline_markup": True, "report_level": 1}
    page = publish_doctree(PAGE, settings_overrides=settings)
    markdown = Markdown("zh", HOME)
    assert markdown.blocks(page).replace("\n\n```\n", "\n\n```python\n") == MARKDOWN


def test_markdown_names_what_it_cannot_write():
    page = publish_doctree(".. topic:: Title\n\n   Text.")
    with pytest.raises(AuthoringError, match="no Markdown for 'topic'"):
        Markdown("en", HOME).blocks(page)


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_notebook_executes(site, tutorial):
    book = read(site, "zh", tutorial)
    NotebookClient(book, timeout=300, kernel_name="python3").execute()
    errors = [o for c in book.cells for o in c.get("outputs", ()) if o.output_type == "error"]
    assert not errors
    figures = sum(
        "image/png" in output.get("data", {})
        for cell in book.cells
        for output in cell.get("outputs", ())
    )
    assert figures == sum(cell.alt for cell in tutorial.cells) / 2


@both
def test_notebook_says_what_the_page_says(site, language, tutorial):
    book = read(site, language, tutorial)
    nbformat.validate(book)
    text = prose(book)
    assert not RESIDUE.findall(text)
    assert bool(CHINESE.search(text)) == (language == "zh")
    if language == "zh":
        said = re.sub(r"</?\w+>|https?:\S+", "", text)
        assert not re.findall(r"(?:\b[a-z]{2,} ){3,}", said), "English prose in a Chinese notebook"
        assert not re.search("[\u4e00-\u9fff，。：；] ?\n(?=[\u4e00-\u9fff])", text)


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_the_languages_have_the_code_of_the_tutorial(site, tutorial):
    """Cell by cell, in notebooks and scripts; one language is run for both."""
    expected = [code(cell) for cell in tutorial.cells if cell.is_code]
    for language in LANGUAGES:
        cells = read(site, language, tutorial).cells
        assert [cell.source for cell in cells if cell.cell_type == "code" and cell.source] == (
            expected
        )
        script = site / language / f"downloads/{name(tutorial)}.py"
        _, *parts = re.split(r"^# %%(.*)\n", script.read_text(encoding="utf-8"), flags=re.M)
        cells = zip(parts[::2], parts[1::2], strict=True)
        assert [text.strip("\n") for title, text in cells if title != " [markdown]"] == expected


@both
def test_exercises_leave_room_and_fold_the_solution(site, language, tutorial):
    cells = read(site, language, tutorial).cells
    folded = [i for i, c in enumerate(cells) if "solution" in c.metadata.get("tags", ())]
    assert len(folded) == sum(cell.kind == "solution" for cell in tutorial.cells)
    assert len(folded) >= tutorial.kind.exercises
    for i in folded:
        assert cells[i].metadata["jupyter"]["source_hidden"]
        assert cells[i - 2].cell_type == "code"
        assert cells[i - 2].source == ""
        assert cells[i - 1].source == f"<strong>{words(language)['solution']}</strong>"


def test_links_lead_to_the_site(site):
    """A cross-reference becomes the address of a page and a section that exist."""
    anchors = 0
    for language, tutorial in BOOKS:
        cells = read(site, language, tutorial).cells
        text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
        base = f"{HOME}{language}/"
        targets = re.findall(rf"\]\({base}([^)]*)\)", text)
        assert f"{tutorial.docname}.html" in targets, "where it can be read online"
        for target in targets:
            page, _, anchor = target.partition("#")
            html = (SITE / language / page).read_text(encoding="utf-8")
            assert not anchor or f'id="{anchor}"' in html, target
            anchors += bool(anchor)
        assert not re.search(r"\]\((?!https?://)", text)
    assert anchors, "no cross-reference was read"
