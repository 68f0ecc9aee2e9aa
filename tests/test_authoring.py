"""Every mistake an author can make is named with file, line and mend; signing mends what it may."""

import os
import re
import subprocess
import sys

import pytest
from conftest import COURSE, ROOT

from course.check import check_course, check_files
from course.sign import Unsigned, sign
from course.tutorial import Tutorial
from course.words import LANGUAGES

GOOD = """\
# %% about
# level: beginner
# tags: torch.sin

# %% en: A title
# One sentence about ``torch.sin`` and :math:`x^2`, see `docs <https://pytorch.org/>`__.
#
# - 3 items
# - or less

# %% zh SIGN1: 标题
# 一句话，说的是``torch.sin``和:math:`x^2`，见`文档 <https://pytorch.org/>`__。
#
# - 3 项
# - 或更少

# %%
x = 1

# %% en alt
# A curve.

# %% zh alt SIGN2
# 一条曲线。

# %% en: Exercise
# Add 1.

# %% zh SIGN3: 练习
# 加 1。

# %% solution
x += 1
assert x == 2

# %% en: Ask
# What is it now?
#
# - 3 things

# %% zh SIGN4: 提问
# 现在是多少？
#
# - 3 样

# %% predict
print(x)

# %% check
assert x == 2
"""


@pytest.fixture
def good(write):
    path = write(re.sub(" SIGN.", "", GOOD))
    sign(path)
    return path.read_text(encoding="utf-8")


def problems(path):
    return check_files([Tutorial.read(path)])


def command(*words):
    """The command as authors give it: its exit code and what it says."""
    words = [sys.executable, ROOT / "docs/_ext", *words]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_good_tutorial_passes(good, write):
    assert problems(write(good)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("# %% en: Exercise", "# %% fr: Exercise", 26, "unknown cell marker '# %% fr: Exercise'"),
        ("x = 1", '# sphinx_gallery_graph = "x: up"\nx = 1', 18, "a graph that cannot be read"),
        ("# %%\nx = 1", "# %% [markdown]\nx = 1", 17, "unknown cell marker"),
        ("# %% zh alt", "# %% zh", 20, "an English cell without its Chinese twin"),
        ("# A curve.\n", "# A curve.\n\n# %%\nx = 2\n", 20, "an English cell without its"),
        ("# %% en alt\n# A curve.\n", "", 21, "a Chinese cell without its English twin"),
        ("# %% en: Exercise\n", "# %% en\n", 29, "the English cell has no heading"),
        ("练习\n", "练习\n# 多一段。\n#\n", 29, "paragraphs: 1 in English, 2 in Chinese"),
        ("# - 或更少\n", "# 或更少\n", 11, "list items: 2 in English, 1 in Chinese"),
        ("是``torch.sin``", "是``torch.cos``", 11, "literal 'torch.cos': 0 in English, 1"),
        ("和:math:`x^2`", "和:math:`x^3`", 11, "formula 'x^3': 0 in English, 1"),
        ("文档 <https://pytorch.org/>", "文档 <https://x.org/>", 11, "link 'https://x.org/'"),
        ("# - 3 项", "# - 4 项", 11, "number '4': 0 in English, 1 in Chinese"),
        ("# 加 1。", "# 加 1，见:ref:`first-gradient`。", 29, "role :ref: 'first-gradient'"),
        ("# 加 1。", "# 加 1。\n#\n# .. note::\n#\n#    提示。", 29, "directive 'note'"),
        ("# Add 1.", "# Please add 1.", 29, "the English now reads"),
        ("x = 1", "x = 1  # one", 18, "prose in a code cell ('# one')"),
        ("x = 1", 'def f():\n    """Prose."""', 19, "a docstring is prose in a code cell"),
        ("x = 1", 'x = "一"', 18, "non-ASCII text in a code cell"),
        ("x = 1", 'x = """\n# %%\n"""', 19, "a cell marker inside a string"),
        ("x = 1", "x = (", 18, "Python cannot read it"),
        (
            "x = 1",
            "x = '#'\ny = (\n\n# %% en\n# A.\n\n# %% zh\n# 甲。\n\n# %%\n1)",
            17,
            "does not end",
        ),
        ("# %% en: A title", "# %% en", 5, "no title"),
        ("# %% about\n", "# %%\n", 1, "no '# %% about' cell"),
        ("level: beginner", "level: easy", 1, "level is 'easy'"),
        ("# tags", "# minutes: 5\n# tags", 1, "unknown key minutes"),
        ("tags: torch.sin", "tags: 正弦", 1, "tags is '正弦'"),
        ("# tags", "# tag", 1, "unknown key tag"),
        ("# Add 1.", "# Add 1.\nx = 2", 28, "code in a text cell"),
        ("# %% about", "import torch\n# %% about", 1, "text before the first cell"),
        (
            "x = 1\n\n# %% en alt",
            "x = 1\n\n# %% en\n# a\n\n# %% zh\n# a\n\n# %% en alt",
            26,
            "behind no",
        ),
        (
            "# %% en: Exercise",
            "# %%\nx = 2\n\n# %% solution\nx = 3\n\n# %% en: Exercise",
            29,
            "a solution",
        ),
        ("# Add 1.", "# Add 1 to requires_grad.", 26, "the name requires_grad stands without"),
        ("# Add 1.", "# Add `x`.", 26, "single backticks (`x`): write double backticks"),
        ("# Add 1.", "# Add [1](http://x.org).", 26, "a Markdown link ([1]()"),
        ("# Add 1.", "# .. note: Add 1.", 26, "a directive with one colon (.. note:)"),
        ("# Add 1.", "# Add 1，please.", 26, "Chinese in an English cell (，)"),
        ("# Add 1.", "# 加 1.", 26, "Chinese in an English cell (加)"),
        ("# %% en: Exercise", "# %% en: A title", 26, "a second heading 'A title' on this page"),
        ("# %% en: Exercise", "# %% en: Example", 26, "a second heading 'Example' on this page"),
        ("# level: beginner\n", "", 1, "level is missing: write one of"),
        ("# %%\nx", "# %%: Heading\nx", 17, "a code cell carries text in its marker"),
        ("# %% en: Exercise\n# Add 1.", "# %% en", 26, "an empty text cell"),
        ("en: A title", "en: A ``title``", 5, "code in the title: say it in words"),
        ("en: Exercise", "en: The root of :math:`x`", 26, "a formula in a heading"),
        ("and :math:`x^2`", "and :math:`\\tfrac{1}{2}`", 5, "TeX in the first paragraph (\\tfrac"),
        ("x = 1", "assert x == 1", 18, "an assertion in the code of a lesson: move it to a"),
        ("x = 1", "torch.testing.assert_close(x, 1)", 18, "an assertion in the code of a lesson"),
        ("x = 1", "raise AssertionError", 18, "an assertion in the code of a lesson"),
        ("x = 1", "try:\n    x\nexcept E:\n    assert x", 21, "an assertion in the code of a"),
        ("x = 1", "def f():\n    assert x", 19, "an assertion in the code of a lesson"),
        ("x = 1", f"x = {'1' * 69}", 18, "a line of code of 73 columns: break it"),
        ("x += 1", f"x = {'1' * 69}", 33, "a line of code of 73 columns: break it"),
        ("assert x == 2\n\n# %% en: Ask", "\n# %% en: Ask", 32, "a solution that asserts nothing"),
        (
            "# %% predict\nprint(x)",
            "# %% check\nassert x",
            46,
            "a check that stands behind no code",
        ),
        ("# %% solution", "# %% check", 32, "a check that stands behind no code"),
        ("\n# %% predict\nprint(x)\n", "", 46, "a check that stands behind no code"),
        (
            "assert x == 2\n\n# %% en",
            "assert x == 2\n\n# %% check\nassert x\n\n# %% en",
            36,
            "a check that stands",
        ),
        ("print(x)\n\n# %% check\nassert x == 2", "print(x)\n\n# %% check\nx", 49, "asserts noth"),
        (
            "print(x)\n\n# %% check\n",
            "print(x)\n\n# %% check\nx = 3\nassert x\n\n# %%\nprint(x)\n\n# %% check\n",
            53,
            "x is what the check in line 49 makes of it: make it in the lesson",
        ),
        (
            "print(x)\n\n# %% check\n",
            "print(x)\n\n# %% check\ny = 3\nassert x\n\n# %%\ny\n\n# %% check\n",
            53,
            "y is what the check in line 49 makes of it: make it in the lesson",
        ),
        ("# %% predict\nprint(x)", "# %% predict", 46, "a predict cell without code"),
        ("# %% predict\nprint(x)", "# %% predict\nx", 46, "a prediction that shows nothing"),
        (
            "is it now?",
            "is it now.",
            36,
            "a question to predict from that does not ask: end its last",
        ),
        ("是多少？", "是多少。", 41, "a question to predict from that does not ask: end its last"),
        ("# - 3 things", "# 3 things", 36, "a question to predict from that does not ask"),
        ("# %% predict", "# %%\ny = 0\n\n# %% predict", 49, "a prediction without a question: ask"),
        (
            "print(x)\n",
            "print(x)\n\n# %% en\n# So. And?\n\n# %% zh\n# 好。呢？\n\n# %% predict\nprint(x)\n",
            55,
            "a prediction whose question is covered with the answer of the one above: give it a",
        ),
    ],
)
def test_each_mistake_is_named(good, write, old, new, line, what):
    assert old in good
    path = write(good.replace(old, new, 1))
    found = problems(path)
    named = [text for text in found if text.startswith(f"{path}:{line}: ") and what in text]
    assert named, found
    mend = named[0].removeprefix(f"{path}:{line}: ").rpartition(": ")[2]
    assert len(mend) > 8


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    assert x\nexcept AssertionError as error:\n    print(error)",  # shown on purpose
        "def show():\n    print(x)\n\n\nshow()",  # prints by its own function
        '# sphinx_gallery_graph = "x"\nx = 1',
        "plt.plot([x])\nplt.show()",
    ],
)
def test_what_a_prediction_may_hold(good, write, code):
    assert problems(write(good.replace("print(x)", code))) == []


def test_each_problem_is_said_once(good, write):
    tutorial = Tutorial.read(write(good.replace("beginner", "easy")))
    assert len(check_files([tutorial])) == len(check_files([tutorial])) == 1


@pytest.mark.parametrize(
    ("about", "what"),
    [("", "kind is missing: write one of"), ("kind: poem", "kind is 'poem': write one of")],
)
def test_the_kind_of_a_part_is_known(write, about, what):
    index = f"# %% about\n# {about}\n\n# %% en: Part\n# Text.\n\n# %% zh: 部分\n# 文字。\n"
    path = write(index, "part/index.py")
    assert any(said.startswith(f"{path}:1: {what}") for said in problems(path))


def test_not_utf8(write):
    path = write("# %% about\n# é\n".encode("latin-1"))
    assert f"{path}:2: not UTF-8: save the file as UTF-8" in problems(path)


def test_two_tutorials_with_one_name(good, write):
    paths = [write(good, "a/10_same.py"), write(good, "b/20_same.py")]
    [said] = check_files([Tutorial.read(path) for path in paths])
    assert said.startswith(f"{paths[1]}:1: two tutorials named same (the other: 10_same.py in a)")


def test_signing_accepts_the_new_english(good, write):
    path = write(good.replace("# Add 1.", "# Please add 1."))
    assert len(problems(path)) == 1
    assert sign(path) == 1
    assert problems(path) == []
    assert sign(path) == 0


def test_rewrapping_needs_no_new_signature(good, write):
    assert problems(write(good.replace("# Add 1.", "# Add\n# 1."))) == []


def test_signing_refuses_other_mistakes_and_changes_nothing(good, write):
    path = write(good.replace("# 加 1。", "# 加 2。").replace("# Add 1.", "# Now add 1."))
    before = path.read_bytes()
    with pytest.raises(Unsigned, match="number '2'"):
        sign(path)
    assert path.read_bytes() == before


def test_the_command_reports_and_fails(good, write):
    assert command("check", write(good)) == (0, "1 files checked, nothing wrong\n")
    path = write(good.replace("beginner", "easy"))
    code, said = command("check", path)
    assert code == 1 and said.startswith(f"{path}:1: level is 'easy': write one of")
    assert "sign FILE ..." in command("nonsense")[1]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["sign"], "which files?"), (["sign", "nope.py"], "no such file")]
)
def test_signing_wants_files_that_are_there(arguments, said):
    assert command(*arguments)[0] == 1 and said in command(*arguments)[1]


def test_the_course_is_in_order():
    assert COURSE.scripts and check_course(COURSE) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_the_guide_is_a_tutorial(language, write):
    """What the guide shows passes the check once it is signed, and its code runs."""
    guide = (ROOT / f"docs/{language}/write.md").read_text(encoding="utf-8")
    path = write(re.search(r"```python\n(.*?)```", guide, re.S)[1], "25_clip_gradients.py")
    assert sign(path) == 5
    assert problems(path) == []
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    subprocess.run([sys.executable, "-W", "error", path], check=True, env=environment)


def test_the_code_of_the_project_is_in_style():
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--quiet", "."], ["format", "--check", "--quiet", "."]):
        subprocess.run([*ruff, *command], cwd=ROOT, check=True)
