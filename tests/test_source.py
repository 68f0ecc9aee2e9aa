"""The projection by example, and that Sphinx-Gallery reads it as meant."""

import pytest
from conftest import SCRIPTS, name
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from tutorial import LANGUAGES, Tutorial, joined, project, unbroken

SCRIPT = """\
# %% about
# level: beginner
# minutes: 5
# tags: torch.sin

# %% en: The sine
# What :math:`\\sin` does.

# %% zh 000000: 正弦
# :math:`\\sin`
# 做什么。

# %%
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

ENGLISH = '''\
r"""
.. cell 1 text

.. _example:

The sine
================

What :math:`\\sin` does.
"""

# %%
# .. cell 3 code

x = 1

# %%
# .. alt A sin curve of x.

# %%
# .. cell 6 code

y = 2

# %%
# .. cell 7 text
#
# .. _example-an-exercise:
#
# An exercise!
# ------------------------
#
# Add.

# %%
# .. cell 9 solution

x += y
'''


def test_the_english_script(write):
    assert project(Tutorial.read(write(SCRIPT)), "en") == ENGLISH


def test_the_chinese_script_has_the_same_code_and_labels(write):
    chinese = project(Tutorial.read(write(SCRIPT)), "zh")
    assert ".. alt 一条 sin 曲线，自变量是 x。" in chinese
    assert "# 练习\n# ----\n" in chinese
    for part in (".. _example-an-exercise:", "\n\nx = 1\n", ".. cell 9 solution\n\nx += y\n"):
        assert part in chinese
    assert "Add." not in chinese


def test_a_summary_is_one_line(write):
    tutorial = Tutorial.read(write(SCRIPT))
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
def test_sphinx_gallery_finds_every_code_cell(tutorial, language, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(project(tutorial, language), encoding="utf-8")
    blocks = split_code_and_text_blocks(path)[1]
    found = [block.content.strip() for block in blocks if block.type == "code"]
    assert found == ["\n".join(cell.lines).strip() for cell in tutorial.cells if cell.is_code]
