"""Builds of a small site: strictness, isolation, and code that runs once."""

import json
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from bilingual import sign

INDEX = """\
# %% about
# {about}

# %% en: {title}
# Text.

# %% zh: 标题
# 文字。
"""

TUTORIAL = """\
# %% about
# level: beginner
# minutes: 1
# tags: torch.tensor

# %% en: Title
# Words of an introduction.

# %% zh: 标题
# 介绍的文字。

# %%
import matplotlib.pyplot as plt
import torch

# %% en: A section
# More.

# %% zh: 一节
# 更多。

# %%
print(torch.tensor(1.0).dtype)
plt.plot([0, 1])
plt.show()

# %% en alt
# A rising line.

# %% zh alt
# 一条上升的线。
"""


class SmallSite:
    """A copy of the project's machinery with the tutorials that a test gives it."""

    def __init__(self, root):
        self.root = root
        shutil.copy(ROOT / "conf.py", root)
        for folder in ("_ext", "_static", "_templates"):
            shutil.copytree(ROOT / "docs" / folder, root / "docs" / folder)
        for language in ("en", "zh"):
            home = root / f"docs/{language}/index.md"
            home.parent.mkdir()
            home.write_text("(home)=\n# Home\n\n```{toctree}\ntutorials/index\n```\n")
        self.add("index.py", INDEX.format(about="parts: part", title="Course"))
        self.add("part/index.py", INDEX.format(about="", title="Part"))

    def add(self, name, text, signed=True):
        path = self.root / "tutorials" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if signed:
            sign(path)
        return path

    def build(self, language="en"):
        """Build strictly and return the exit code with everything that was said."""
        tag = ["-t", "zh"] if language == "zh" else []
        command = [sys.executable, "-m", "sphinx", "-W", "-q", "-c", ".", *tag]
        places = [f"docs/{language}", f"build/html/{language}"]
        done = subprocess.run(
            [*command, *places], cwd=self.root, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def records(self):
        return sorted(path.parent for path in self.root.glob("build/records/*/outputs.json"))

    def page(self, language, name):
        path = self.root / f"build/html/{language}/tutorials/part/{name}.html"
        return path.read_text(encoding="utf-8")


@pytest.fixture
def small(tmp_path):
    return SmallSite(tmp_path)


def test_code_runs_once_for_both_languages_and_every_edit_of_prose(small):
    path = small.add("part/10_first.py", TUTORIAL)
    assert small.build("en") == (0, "")
    (record,) = small.records()
    outputs = record / "outputs.json"
    kept = json.loads(outputs.read_text())
    kept["outputs"][1] = kept["outputs"][1].replace("torch.float32", "from-the-record")
    outputs.write_text(json.dumps(kept))
    assert small.build("zh") == (0, "")
    assert "from-the-record" in small.page("zh", "10_first")

    path.write_text(path.read_text().replace("# More.", "# Much more."))
    sign(path)
    assert small.build("en") == (0, "")
    assert "Much more" in small.page("en", "10_first")
    assert "from-the-record" in small.page("en", "10_first")
    assert small.records() == [record]

    path.write_text(path.read_text().replace("torch.tensor(1.0)", "torch.tensor(1)"))
    assert small.build("en") == (0, "")
    assert "torch.int64" in small.page("en", "10_first")
    assert len(small.records()) == 2


def test_scripts_do_not_reach_each_other(small):
    leak = "torch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
    small.add("part/10_first.py", TUTORIAL.replace("import torch\n", f"import torch\n\n{leak}"))
    small.add("part/20_second.py", TUTORIAL)
    assert small.build() == (0, "")
    assert "torch.float64" in small.page("en", "10_first")
    assert "torch.float32" in small.page("en", "20_second")


def test_a_failing_cell_names_the_bilingual_script_and_its_line(small):
    path = small.add("part/10_first.py", TUTORIAL.replace("plt.plot", "assert 1 == 2\nplt.plot"))
    line = path.read_text(encoding="utf-8").split("\n").index("assert 1 == 2") + 1
    code, said = small.build()
    assert code
    assert f'{path}", line {line}' in said
    assert "AssertionError" in said
    assert small.records() == []
    assert not list((small.root / "build/records").iterdir())


def test_a_warning_fails_the_build(small):
    loud = 'import warnings\n\nwarnings.warn("deprecated", stacklevel=1)\n'
    small.add("part/10_first.py", TUTORIAL.replace("import torch\n", f"import torch\n\n{loud}"))
    code, said = small.build()
    assert code
    assert "UserWarning: deprecated" in said


def test_a_process_that_dies_is_said_to_have_died(small):
    dying = "import os\n\nos._exit(7)\n"
    small.add("part/10_first.py", TUTORIAL.replace("import torch\n", f"import torch\n\n{dying}"))
    code, said = small.build()
    assert code
    assert "the process ended with exit code 7" in said


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        (TUTORIAL[TUTORIAL.index("\n# %% en alt") :], "", 22, "a figure without a text"),
        ("plt.plot([0, 1])\nplt.show()\n", "", 22, "a text alternative without a figure"),
        ("# More.", "# More :math:`\\nonsense`.", "", "'\\\\nonsense'"),
        ("# More.", "# More :ref:`nowhere`.", "", "undefined label: 'nowhere'"),
        ("# More.", "# More [1]_.", "", "Unknown target name"),
    ],
)
def test_what_only_a_build_can_see_fails_it(small, old, new, line, what):
    text = TUTORIAL.replace(old, new)
    if "More" in new:
        text = text.replace("# 更多。", f"# 更多 {new.removeprefix('# More ')}")
    path = small.add("part/10_first.py", text)
    code, said = small.build()
    assert code
    assert what in said
    assert not line or f"{path}:{line}: " in said


def test_an_authoring_error_fails_the_build_before_anything_runs(small):
    small.add("part/10_first.py", TUTORIAL, signed=False)
    code, said = small.build()
    assert code
    assert "part/10_first.py:9: the English now reads" in said
    assert small.records() == []


def test_parts_that_do_not_agree_are_named(small):
    small.add("part/10_first.py", TUTORIAL)
    small.add("other/10_second.py", TUTORIAL)
    code, said = small.build()
    assert code
    assert "the parts listed are ['part']" in said


def test_a_section_needs_a_label(small):
    small.add("part/10_first.py", TUTORIAL)
    home = small.root / "docs/en/index.md"
    home.write_text(home.read_text() + "\n## Unlabelled\n")
    code, said = small.build()
    assert code
    assert "the section 'Unlabelled' has no label" in said


def test_a_tutorial_that_is_gone_leaves_nothing(small):
    small.add("part/10_first.py", TUTORIAL)
    gone = small.add("part/20_second.py", TUTORIAL)
    assert small.build() == (0, "")
    gone.unlink()
    assert small.build() == (0, "")
    left = list((small.root / "docs/en/tutorials").rglob("*20_second*"))
    left += (small.root / "build/html/en/downloads").rglob("*20_second*")
    assert not left
