"""A small copy of the project, to build: what several test files need."""

import os
import re
import shutil
import subprocess
import sys

from conftest import ROOT

from course.sign import sign
from course.words import LANGUAGES

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

GRAPH = """
# %% en: A graph
# It is drawn.

# %% zh: 一张图
# 画出来。

# %%
# sphinx_gallery_graph = "y: saved"
x = torch.tensor(2.0, requires_grad=True)
y = x * x
"""

CALLS = "(calls)=\n# Calls\n\n```{calls}\n```\n\n```{calls} tensors\n```\n"


class SmallSite:
    """A copy of the project's machinery with the tutorials that a test gives it.

    What ran in the site ``recorded`` need not run in this one.
    """

    def __init__(self, root, recorded=None):
        self.root = root
        root.mkdir(exist_ok=True)
        shutil.copy(ROOT / "conf.py", root)
        for folder in ("_ext", "_theme", "_book", "tools"):
            unneeded = shutil.ignore_patterns("__pycache__", "test_*")
            shutil.copytree(ROOT / "docs" / folder, root / "docs" / folder, ignore=unneeded)
        for path in (ROOT / "docs").glob("*.toml"):
            shutil.copy(path, root / "docs")
        for language in LANGUAGES:
            home = self.home(language)
            home.parent.mkdir()
            home.write_text("(home)=\n# Home\n\n```{toctree}\ntutorials/index\n```\n")
        self.add("index.py", INDEX.format(about="parts: part", title="Course"))
        self.add("part/index.py", INDEX.format(about="kind: lesson", title="Part"))
        if recorded is not None:
            shutil.copytree(recorded.root / "build/records", root / "build/records")
            shutil.copy(recorded.root / "build/inventory.json", root / "build")

    def home(self, language):
        return self.root / f"docs/{language}/index.md"

    def add(self, name, text, signed=True):
        path = self.root / "tutorials" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if signed:
            sign(path)
        return path

    def add_calls(self):
        """Give the site its list of calls."""
        for language in LANGUAGES:
            home = self.home(language)
            home.write_text(home.read_text().replace("index\n", "index\ncalls\n"))
            home.with_name("calls.md").write_text(CALLS)

    def command(self, *words):
        return [sys.executable, str(self.root / "docs/_ext"), *(words or ("build", "--pages"))]

    def build(self, **environment):
        """Build both languages; return the exit code with everything that was said."""
        return ran(self.command(), **environment)

    def records(self):
        return sorted(path.parent for path in self.root.glob("build/records/*/record.json"))

    def page(self, language, name):
        path = self.root / f"build/html/{language}/tutorials/part/{name}.html"
        return path.read_text(encoding="utf-8")

    def pages(self):
        """Every page, figure and download of the site, for comparison."""
        html = self.root / "build/html"
        kept = (".html", ".png", ".svg", ".ipynb", ".py")
        found = (path for path in html.rglob("*") if path.suffix in kept)
        return {path.relative_to(html).as_posix(): path.read_bytes() for path in found}

    def written(self):
        """When each page was written."""
        html = self.root / "build/html"
        found = html.rglob("*.html")
        return {path.relative_to(html).as_posix(): path.stat().st_mtime_ns for path in found}


def edit(path, *replacements, signed=True):
    """Replace words in a file; the English of a tutorial is signed anew."""
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    if signed and "tutorials" in path.parts:
        sign(path)


def ran(command, **environment):
    """Run ``command``; return the exit code with everything that was said."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        timeout=120,  # where a worker of a cluster is without our code nothing ends
    )
    return done.returncode, done.stdout + done.stderr


def built(result):
    """Assert that a build went well and return the names of the scripts that it ran."""
    code, said = result
    assert code == 0, said
    return sorted(re.findall(r"^\[\d+/\d+\] part/(\w+): [\d.]+ s$", said, re.M))
