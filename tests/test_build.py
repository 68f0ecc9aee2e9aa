"""Builds of a small site: strictness, isolation, and code that runs once."""

import contextlib
import fcntl
import hashlib
import inspect
import json
import os
import platform
import pty
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import joblib
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from sphinx_gallery import gen_rst

from bilingual import sign
from record import Records

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
        for folder in ("_ext", "_static", "_templates", "_locale"):
            shutil.copytree(ROOT / "docs" / folder, root / "docs" / folder)
        for name in ("calls.toml", "inventory.txt"):
            shutil.copy(ROOT / "docs" / name, root / "docs")
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

    def command(self):
        return [sys.executable, str(self.root / "docs/_ext/build.py")]

    def build(self, **environment):
        """Build both languages; return the exit code with everything that was said."""
        done = subprocess.run(
            self.command(),
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )
        return done.returncode, done.stdout + done.stderr

    def records(self):
        return sorted(path.parent for path in self.root.glob("build/records/*/record.json"))

    def page(self, language, name):
        path = self.root / f"build/html/{language}/tutorials/part/{name}.html"
        return path.read_text(encoding="utf-8")


@pytest.fixture
def small(tmp_path):
    return SmallSite(tmp_path)


def built(result):
    """Assert that a build went well and return the names of the scripts that it ran."""
    code, said = result
    assert code == 0, said
    return re.findall(r"^\[\d+/\d+\] part/(\w+): [\d.]+ s$", said, re.M)


def test_code_runs_once_for_both_languages_and_every_edit_of_prose(small):
    first, second = (small.add(f"part/{name}.py", TUTORIAL) for name in ("10_one", "20_two"))
    assert sorted(built(small.build())) == ["10_one", "20_two"]
    assert "torch.float32" in small.page("en", "10_one")
    assert "torch.float32" in small.page("zh", "10_one")
    assert built(small.build()) == []

    first.write_text(first.read_text().replace("# More.", "# Much more."))
    sign(first)
    assert built(small.build()) == []
    assert "Much more" in small.page("en", "10_one")

    second.write_text(second.read_text().replace("torch.tensor(1.0)", "torch.tensor(1)"))
    assert built(small.build()) == ["20_two"]
    assert "torch.int64" in small.page("zh", "20_two")
    assert len(small.records()) == 3

    done = subprocess.run([*small.command(), "--prune"], capture_output=True, text=True, check=True)
    assert "1 old records removed" in done.stdout
    assert built(small.build()) == []


def test_a_record_tells_each_cell(small):
    small.add("part/10_first.py", TUTORIAL.replace("print(", "print(7)\nprint("))
    built(small.build())
    (record,) = small.records()
    kept = json.loads((record / "record.json").read_text())["outcome"]
    imports, cell = kept["cells"]
    assert imports["text"] == "" and imports["figures"] == []
    assert cell["text"] == "7\ntorch.float32"
    assert cell["figures"] == ["sphx_glr_10_first_001.svg"]
    assert cell["seconds"] > 0 and cell["error"] is None
    named = [name for noted in cell["named"].values() for name in noted.get("names", ())[:1]]
    assert {"torch.tensor", "matplotlib.pyplot.plot"} <= set(named)
    assert kept["versions"]["python"] == platform.python_version()
    assert kept["device"]
    assert set(kept["figures"]) == {"sphx_glr_10_first_001.png", "sphx_glr_10_first_001.svg"}


def test_the_list_of_calls_follows_the_code_and_the_headings(small):
    path = small.add("part/10_first.py", TUTORIAL)
    for language in ("en", "zh"):
        home = small.root / f"docs/{language}/index.md"
        home.write_text(home.read_text().replace("index\n", "index\ncalls\n"))
        text = "(calls)=\n# Calls\n\n```{calls}\n```\n\n```{calls} tensors\n```\n"
        (small.root / f"docs/{language}/calls.md").write_text(text)
    built(small.build())
    page = small.root / "build/html/en/calls.html"
    assert "10_first.html#a-section" not in page.read_text()
    path.write_text(path.read_text().replace("(1.0).dtype", "(1.0).is_leaf"))
    built(small.build())
    assert "10_first.html#a-section" in page.read_text()
    assert "calls.html#torch-Tensor-is_leaf" in small.page("zh", "10_first")
    written = page.stat().st_mtime_ns
    built(small.build())
    assert page.stat().st_mtime_ns == written
    path.write_text(path.read_text().replace("A section", "Another section"))
    sign(path)
    built(small.build())
    assert "Another section" in page.read_text()


@pytest.mark.parametrize("what", ["figure", "outcome", "nothing left"])
def test_a_damaged_record_is_noticed_and_made_again(small, what):
    small.add("part/10_first.py", TUTORIAL)
    built(small.build())
    (record,) = small.records()
    if what == "figure":
        figure = next(record.glob("*.svg"))
        figure.write_bytes(figure.read_bytes()[:-10])
    elif what == "outcome":
        path = record / "record.json"
        path.write_text(path.read_text().replace("torch.float32", "torch.float64"))
    else:
        (record / "record.json").write_text("")
    assert built(small.build()) == ["10_first"]
    assert small.records() == [record]
    assert "torch.float32" in small.page("en", "10_first")


def everything(small):
    """Every page and figure of the site, for comparison."""
    return {
        path.relative_to(small.root): path.read_bytes()
        for path in small.root.glob("build/html/**/*")
        if path.suffix in (".html", ".png", ".svg", ".ipynb", ".py")
    }


def test_a_killed_build_leaves_nothing_that_the_next_one_trusts(small):
    path = small.add("part/10_first.py", TUTORIAL)
    began = time.monotonic()
    built(small.build())
    whole = time.monotonic() - began
    expected, text = everything(small), path.read_text()
    for number, share in enumerate((0.3, 0.6, 0.8, 0.95)):
        path.write_text(text.replace("[0, 1]", f"[0, 1, {number}]"))
        process = subprocess.Popen(small.command(), stdout=subprocess.DEVNULL)
        time.sleep(share * whole)
        process.kill()
        process.wait()
    path.write_text(text)
    built(small.build())
    assert everything(small) == expected


def test_what_an_interrupted_build_wrote_is_written_again(small):
    small.add("part/10_first.py", TUTORIAL)
    built(small.build())
    expected = everything(small)
    (small.root / "build/html/en/index.html").write_text("half a pa")
    (small.root / "build/en.begun").touch()
    assert built(small.build()) == []
    assert everything(small) == expected


def test_two_builds_at_once_wait_for_each_other(small):
    small.add("part/10_first.py", TUTORIAL)
    with open_lock(small.root):
        waiting = subprocess.Popen(small.command(), stdout=subprocess.PIPE, text=True)
        assert "another build is at work here" in waiting.stdout.readline()
        assert not small.records()
    said, _ = waiting.communicate(timeout=120)
    assert built((waiting.returncode, said)) == ["10_first"]


@contextlib.contextmanager
def open_lock(root):
    (root / "build").mkdir()
    with open(root / "build/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_full_disk_keeps_no_record(tmp_path):
    class Full(dict):
        def items(self):
            yield "figure.png", b"half"
            raise OSError(28, "No space left on device")

    records = Records(tmp_path)
    with pytest.raises(OSError, match="No space"):
        records.write("name", {"figures": Full()})
    assert records.read("name") is None
    assert not list(tmp_path.iterdir())


def test_a_failed_build_is_not_forgotten(small):
    """Sphinx would not warn again of a page that it has read already."""
    small.add("part/10_first.py", TUTORIAL)
    home = small.root / "docs/en/index.md"
    home.write_text(home.read_text() + "\n{ref}`nowhere`\n")
    for _ in range(2):
        code, said = small.build()
        assert code and "undefined label: 'nowhere'" in said


def test_workers_of_a_cluster_run_the_scripts(small, monkeypatch):
    """With a scheduler's address in the environment, its workers run and the records come back."""
    from dask.distributed import LocalCluster

    who = TUTORIAL.replace("import torch\n", "import os\n\nimport torch\n").replace(
        "print(torch.tensor(1.0).dtype)", 'print("on", os.environ["WHO"])'
    )
    names = ["10_one", "20_two", "30_three"]
    for name in names:
        small.add(f"part/{name}.py", who)
    monkeypatch.setenv("WHO", "a-worker")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        assert sorted(built(small.build(DASK_SCHEDULER_ADDRESS=address, WHO="here"))) == names
    assert all("on a-worker" in small.page("zh", name) for name in names)
    assert built(small.build()) == []


def test_a_terminal_shows_what_runs_and_what_is_left(small):
    small.add("part/10_first.py", TUTORIAL)
    main, other = pty.openpty()
    process = subprocess.Popen(small.command(), stdout=other, stderr=other)
    os.close(other)
    said = b""
    with contextlib.suppress(OSError):  # how a closed terminal ends on Linux
        while chunk := os.read(main, 4096):
            said += chunk
    assert process.wait() == 0
    assert b"running part/10_first" in said
    assert b"0 more to run" in said


def test_live_builds_again_on_save_and_reloads_the_browser(small):
    small.add("part/10_first.py", TUTORIAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*small.command(), "--live"],
        env=os.environ | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def page(language):
        with contextlib.suppress(OSError):
            address = f"http://127.0.0.1:{port}/{language}/tutorials/part/10_first.html"
            return urllib.request.urlopen(address, timeout=5).read().decode()
        return ""

    def wait_for(text, language):
        for _ in range(300):
            if text in page(language):
                return True
            time.sleep(0.2)
        return False

    try:
        assert wait_for("More.", "en")
        assert "livereload.js" in page("en")
        path = small.root / "tutorials/part/10_first.py"
        path.write_text(path.read_text().replace("# 更多。", "# 还有更多。"))
        assert wait_for("还有更多", "zh")
    finally:
        process.terminate()
        process.wait()


def test_scripts_do_not_reach_each_other(small):
    leak = "torch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
    leak += "torch.leaked = 1\nplt.rcParams['lines.linewidth'] = 9\n"
    small.add("part/10_first.py", TUTORIAL.replace("import torch\n", f"import torch\n\n{leak}"))
    look = (
        "print(hasattr(torch, 'leaked'), torch.is_grad_enabled(), plt.rcParams['lines.linewidth'])"
        "\nprint(torch.get_num_threads())"
    )
    small.add("part/20_second.py", TUTORIAL.replace("print(", f"{look}\nprint("))
    built(small.build())
    assert "torch.float64" in small.page("en", "10_first")
    share = max(1, joblib.cpu_count() // 2)
    assert f"False True 1.5\n{share}\ntorch.float32" in small.page("en", "20_second")


def test_a_failing_cell_names_the_bilingual_script_and_its_line(small):
    small.add("part/20_second.py", TUTORIAL)
    built(small.build())
    (other,) = small.records()
    shutil.rmtree(small.root / "build/html")
    path = small.add("part/10_first.py", TUTORIAL.replace("plt.plot", "assert 1 == 2\nplt.plot"))
    line = path.read_text(encoding="utf-8").split("\n").index("assert 1 == 2") + 1
    code, said = small.build()
    assert code
    assert f"{path}: cell 2\n" in said
    assert f'{path}", line {line}' in said
    assert "AssertionError" in said
    assert [record.name for record in small.records()] == [other.name]
    assert not list(small.root.glob("build/html/**/*.html"))


def test_sphinx_gallerys_own_settings_hold(small):
    """A script that conf.py expects to fail is shown with its error; a comment sets one file."""
    conf = small.root / "conf.py"
    expected = '"expected_failing_examples": ["tutorials/part/10_first.py"], "image_scrapers"'
    conf.write_text(conf.read_text().replace('"image_scrapers"', expected, 1))
    small.add("part/10_first.py", TUTORIAL.replace("plt.plot", "assert 1 == 2\nplt.plot", 1))
    shown = "# sphinx_gallery_capture_repr_block = ('__repr__',)\ntorch.ones(2)\n"
    small.add("part/20_second.py", TUTORIAL.replace("import torch\n", f"import torch\n\n{shown}"))
    text = small.root / "tutorials/part/10_first.py"
    text.write_text(text.read_text()[: text.read_text().index("\n# %% en alt")])
    assert sorted(built(small.build())) == ["10_first", "20_second"]
    page = small.page("zh", "10_first")
    assert "AssertionError" in page and str(small.root) not in page
    assert "tensor([1., 1.])" in small.page("en", "20_second")
    assert "sphinx_gallery" not in small.page("en", "20_second").split("<article")[1]
    script = small.root / "build/html/en/downloads/part/20_second.py"
    assert "sphinx_gallery" not in script.read_text()


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
        ("# More.", "# More :math:`\\nonsense`.", 16, "the formula \\nonsense"),
        ("# More.", "# More :ref:`nowhere`.", 16, "undefined label: 'nowhere'"),
        ("# More.", "# More [1]_.", 16, "Unknown target name"),
        (
            "print(",
            '# sphinx_gallery_graph = "y"\nprint(',
            23,
            "the graph of y: no tensor",
        ),
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
    assert "Traceback" not in said and "Versions" not in said
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


def test_a_text_alternative_may_hold_any_character(small):
    alt = 'A "line" of x < 1 & <b>y</b>.'
    text = TUTORIAL.replace("A rising line.", alt).replace("一条上升的线。", f"一条线：{alt}")
    small.add("part/10_first.py", text)
    built(small.build())
    figure = BeautifulSoup(small.page("en", "10_first"), "html.parser").select_one("article img")
    assert figure["alt"] == alt
    book = (small.root / "build/html/en/downloads/part/10_first.ipynb").read_text()
    assert "&lt;b&gt;y&lt;/b&gt;" in book


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("## Unlabelled", "the section 'Unlabelled' has no label"),
        ("```{calls} nothing\n```", "no group 'nothing' in calls.toml: write one of gradients, "),
        ("```{recorded-graph} part/10_first\n```", "10_first is no tutorial that draws a graph: "),
    ],
)
def test_what_is_wrong_on_a_page_is_named(small, text, what):
    small.add("part/10_first.py", TUTORIAL)
    home = small.root / "docs/en/index.md"
    home.write_text(f"{home.read_text()}\n{text}\n")
    code, said = small.build()
    assert code
    assert what in said


def test_a_change_of_our_extensions_writes_every_page_again(small):
    small.add("part/10_first.py", TUTORIAL)
    built(small.build())
    page = small.root / "build/html/en/index.html"
    before = page.stat().st_mtime_ns
    extension = small.root / "docs/_ext/chinese.py"
    extension.write_text(f"{extension.read_text()}\n# changed\n")
    assert built(small.build()) == []
    assert page.stat().st_mtime_ns > before


def test_a_figure_that_is_gone_leaves_nothing(small):
    """A figure that is heavy as SVG is shown as PNG; what showed it before is removed."""
    path = small.add("part/10_first.py", TUTORIAL)
    built(small.build())
    many = "plt.scatter(torch.rand(5000), torch.rand(5000))"
    path.write_text(path.read_text().replace("plt.plot([0, 1])", many))
    assert built(small.build()) == ["10_first"]
    shown = {path.name for path in (small.root / "build/html/en/_images").iterdir()}
    assert shown == {"sphx_glr_10_first_001.png", "sphx_glr_10_first_thumb.png"}


def test_a_tutorial_that_is_gone_leaves_nothing(small):
    small.add("part/10_first.py", TUTORIAL)
    gone = small.add("part/20_second.py", TUTORIAL)
    built(small.build())
    gone.unlink()
    built(small.build())
    left = list((small.root / "docs/en/tutorials").rglob("*20_second*"))
    left += small.root.glob("build/html/**/*20_second*")
    assert not left


def test_the_search_follows_every_build(small):
    first, second = (small.add(f"part/{name}.py", TUTORIAL) for name in ("10_one", "20_two"))
    index = small.root / "build/html/en/_static/search-index.js"
    built(small.build())
    whole = index.read_bytes()
    first.write_text(first.read_text().replace("# More.", "# Much more."))
    sign(first)
    built(small.build())
    assert index.read_text().count("Much more.") == 1
    second.unlink()
    built(small.build())
    assert "20_two" not in index.read_text() and "Much more." in index.read_text()
    first.write_text(first.read_text().replace("# Much more.", "# More."))
    sign(first)
    small.add("part/20_two.py", TUTORIAL)
    built(small.build())
    assert index.read_bytes() == whole


def test_sphinx_gallery_still_runs_scripts_as_we_know_it():
    """``runner`` wraps these functions and ``record`` stands for the first.

    If this fails, Sphinx-Gallery has changed them: read the change, see that runner.py and
    record.py still do what they say, and write the new digest here.
    """
    wrapped = [gen_rst.execute_script, gen_rst.execute_code_block, gen_rst._get_code_output]
    source = "".join(map(inspect.getsource, wrapped))
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == "d2f7edd157ac"
