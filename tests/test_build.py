"""Builds of a small site: strictness, isolation, and code that runs once."""

import ast
import contextlib
import fcntl
import hashlib
import importlib
import inspect
import json
import os
import pty
import re
import resource
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
from small_site import INDEX, TUTORIAL, SmallSite, built, edit, ran

from course.words import LANGUAGES


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A site whose script has run, for tests that are about what comes then."""
    site = SmallSite(tmp_path_factory.mktemp("recorded"))
    site.add("part/10_first.py", TUTORIAL)
    assert built(site.build()) == ["10_first"]
    return site


@pytest.fixture
def small(tmp_path):
    """A site without a tutorial."""
    return SmallSite(tmp_path)


@pytest.fixture
def ready(tmp_path, recorded):
    """A site that is not built yet, and has nothing to run."""
    site = SmallSite(tmp_path, recorded)
    site.add("part/10_first.py", TUTORIAL)
    return site


# Code runs once.


def test_code_runs_once_for_both_languages_and_every_edit_of_prose(small):
    first, second = (small.add(f"part/{name}.py", TUTORIAL) for name in ("10_one", "20_two"))
    assert built(small.build()) == ["10_one", "20_two"]
    assert "torch.float32" in small.page("en", "10_one")
    assert "torch.float32" in small.page("zh", "10_one")
    assert built(small.build()) == []

    edit(first, ("# More.", "# Much more."))
    assert built(small.build()) == []
    assert "Much more" in small.page("en", "10_one")

    edit(second, ("torch.tensor(1.0)", "torch.tensor(1)"))
    assert built(small.build()) == ["20_two"]
    assert "torch.int64" in small.page("zh", "20_two")
    assert len(small.records()) == 3

    code, said = ran(small.command("prune"))
    assert code == 0 and "1 old records removed" in said
    assert len(small.records()) == 2
    assert built(small.build()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_below_a_cell_stands_what_it_printed_and_drew_and_its_names_are_linked(recorded, language):
    page = BeautifulSoup(recorded.page(language, "10_first"), "html.parser").article
    codes = page.select(".highlight-Python")
    first, second = (code.get_text().strip() for code in codes)
    assert (first.count("import"), "print" in second) == (2, True)
    titles = [{link["title"] for link in code("a")} for code in codes]
    assert {"torch", "matplotlib.pyplot"} <= titles[0]
    assert {"print", "torch.tensor", "matplotlib.pyplot.plot"} <= titles[1]
    printed, drawn = page.select(".sphx-glr-script-out"), page("img")
    assert [out.get_text().strip() for out in printed] == ["torch.float32"]
    assert [image["src"].rpartition("/")[2] for image in drawn] == ["sphx_glr_10_first_001.svg"]
    order = [tag for tag in page.descendants if tag in (*codes, *printed, *drawn)]
    assert order[:2] == codes, "nothing below a cell that shows nothing"
    shown = {path.name for path in (recorded.root / "build/html/en/_images").iterdir()}
    assert shown == {"sphx_glr_10_first_001.svg", "sphx_glr_10_first_thumb.png"}


@pytest.mark.parametrize("what", ["figure", "outcome", "nothing left"])
def test_a_damaged_record_is_noticed_and_made_again(ready, what):
    (record,) = ready.records()
    if what == "figure":
        figure = next(record.glob("*.svg"))
        figure.write_bytes(figure.read_bytes()[:-10])
    elif what == "outcome":
        edit(record / "record.json", ("torch.float32", "torch.float64"))
    else:
        (record / "record.json").write_text("")
    assert built(ready.build()) == ["10_first"]
    assert ready.records() == [record]
    assert "torch.float32" in ready.page("en", "10_first")
    assert built(ready.build()) == []


def test_a_full_disk_keeps_no_record(small):
    """No file may grow beyond a bound, as where nothing is left: the record would be larger."""
    long = TUTORIAL.replace("print(", 'print("far" * 100_000)\nprint(')
    small.add("part/10_first.py", long)
    bound = 250_000
    done = subprocess.run(
        small.command(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bound, bound)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode and "File too large" in done.stderr
    assert not list((small.root / "build/records").iterdir())
    assert not list(small.root.glob("build/html/**/*.html"))
    assert built(small.build()) == ["10_first"]
    assert "farfarfar" in small.page("en", "10_first")


def test_scripts_do_not_reach_each_other(small):
    leak = "torch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
    leak += "torch.leaked = 1\nplt.rcParams['lines.linewidth'] = 9\n"
    small.add("part/10_first.py", TUTORIAL.replace("import torch\n", f"import torch\n\n{leak}"))
    look = (
        "width = plt.rcParams['lines.linewidth']\n"
        "print(hasattr(torch, 'leaked'), torch.is_grad_enabled(), width)\n"
        "names = 'torch._dynamo', 'run.figures', 'autograd_graph'\n"
        "there = [name in sys.modules for name in names]\n"
        "print(torch.get_num_threads(), *there, 'PYTHONPATH' in os.environ)"
    )
    second = TUTORIAL.replace("print(", f"{look}\nprint(")
    small.add(
        "part/20_second.py",
        second.replace("import torch\n", "import os\nimport sys\n\nimport torch\n"),
    )
    built(small.build())
    assert "torch.float64" in small.page("en", "10_first")
    share = max(1, joblib.cpu_count() // 2)
    ready = "True True True False"  # what the server has imported, and nothing of its own
    assert f"False True 1.5\n{share} {ready}\ntorch.float32" in small.page("en", "20_second")


def test_workers_of_a_cluster_run_the_scripts(small, tmp_path_factory):
    """With a scheduler's address in the environment, its workers run and the records come back."""
    who = TUTORIAL.replace("import torch\n", "import os\n\nimport torch\n").replace(
        "print(torch.tensor(1.0).dtype)", 'print("on", os.environ["WHO"])'
    )
    names = ["10_one", "20_two", "30_three"]
    for name in names:
        small.add(f"part/{name}.py", who)
    with cluster(tmp_path_factory.mktemp("cluster"), WHO="a-worker") as address:
        assert built(small.build(DASK_SCHEDULER_ADDRESS=address, WHO="here")) == names
    assert all("on a-worker" in small.page("zh", name) for name in names)
    assert built(small.build()) == []


@contextlib.contextmanager
def cluster(folder, **environment):
    """A scheduler and two workers, which have none of our code; gives the scheduler's address."""
    knows = folder / "scheduler.json"
    common = ["--scheduler-file", str(knows), "--no-dashboard"]
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0", *common]
    worker = ["worker", "--nworkers", "2", "--nthreads", "1", *common]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:]],
            cwd=folder,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            | environment,
            stderr=subprocess.DEVNULL,
        )
        for words in (scheduler, worker)
    ]
    try:
        for _ in range(300):
            with contextlib.suppress(OSError, ValueError):
                address = json.loads(knows.read_text())["address"]
                break
            time.sleep(0.1)
        else:
            pytest.fail("the scheduler did not start")
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


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


def test_sphinx_gallerys_own_settings_hold(small):
    """A script that conf.py expects to fail is shown with its error; a comment sets one file."""
    expected = '"expected_failing_examples": ["tutorials/part/10_first.py"], "image_scrapers"'
    edit(small.root / "conf.py", ('"image_scrapers"', expected))
    failing = TUTORIAL.replace("plt.plot", "int('no')\nplt.plot", 1)
    small.add("part/10_first.py", failing[: failing.index("\n# %% en alt")])
    shown = "# sphinx_gallery_capture_repr_block = ('__repr__',)\ntorch.ones(2)\n"
    small.add("part/20_second.py", TUTORIAL.replace("import torch\n", f"import torch\n\n{shown}"))
    assert built(small.build()) == ["10_first", "20_second"]
    page = small.page("zh", "10_first")
    assert "ValueError" in page and str(small.root) not in page
    assert "tensor([1., 1.])" in small.page("en", "20_second")
    assert "sphinx_gallery" not in small.page("en", "20_second").split("<article")[1]
    script = small.root / "build/html/en/downloads/part/20_second.py"
    assert "sphinx_gallery" not in script.read_text()


# What is wrong fails the build, and is named.


def test_a_failing_cell_names_the_bilingual_script_and_its_line(ready):
    (other,) = ready.records()
    failing = TUTORIAL.replace("plt.plot", "int('no')\nplt.plot")
    path = ready.add("part/20_second.py", failing)
    line = failing.split("\n").index("int('no')") + 1
    code, said = ready.build()
    assert code
    assert f"{path}: cell 2\n" in said
    assert f'{path}", line {line}' in said
    assert "ValueError" in said
    assert ready.records() == [other]
    assert not list(ready.root.glob("build/html/**/*.html"))


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ('import warnings\n\nwarnings.warn("old", stacklevel=1)', "UserWarning: old"),
        ("import os\n\nos._exit(7)", "the process ended with exit code 7"),
    ],
)
def test_a_warning_or_a_death_in_a_script_fails_the_build(small, code, what):
    text = TUTORIAL.replace("import torch\n", f"import torch\n\n{code}\n")
    path = small.add("part/10_first.py", text)
    failed, said = small.build()
    assert failed and what in said and str(path) in said
    assert small.records() == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        (TUTORIAL[TUTORIAL.index("\n# %% en alt") :], "", 21, "a figure without a text"),
        ("plt.plot([0, 1])\nplt.show()\n", "", 21, "a text alternative without a figure"),
        ("# More.", "# More :math:`\\nonsense`.", 15, "the formula \\nonsense"),
        ("# More.", "# More :ref:`nowhere`.", 15, "undefined label: 'nowhere'"),
        ("# More.", "# More [1]_.", 15, "Unknown target name"),
        (
            "print(",
            '# sphinx_gallery_graph = "y"\nprint(',
            22,
            "the graph of y: no tensor",
        ),
    ],
)
def test_what_only_a_build_can_see_fails_it(ready, old, new, line, what):
    text = TUTORIAL.replace(old, new)
    if "More" in new:
        text = text.replace("# 更多。", f"# 更多 {new.removeprefix('# More ')}")
    path = ready.add("part/10_first.py", text)
    code, said = ready.build()
    assert code
    assert what in said
    assert "Traceback" not in said and "Versions" not in said
    assert f"{path}:{line}: " in said


def test_an_authoring_error_fails_the_build_before_anything_runs(small):
    small.add("part/10_first.py", TUTORIAL, signed=False)
    code, said = small.build()
    assert code
    assert "part/10_first.py:8: the English now reads" in said
    assert small.records() == []


def test_parts_that_do_not_agree_are_named(ready):
    ready.add("other/10_second.py", TUTORIAL)
    code, said = ready.build()
    assert code
    assert "the parts listed are ['part']" in said


@pytest.mark.parametrize("gone", ["index.py", "part/index.py"])
def test_a_missing_index_is_named(small, gone):
    small.add("part/10_first.py", TUTORIAL)
    (small.root / "tutorials" / gone).unlink()
    listed = [] if gone == "index.py" else ["part"]
    code, said = ran(small.command("check"))
    assert code and "Traceback" not in said
    assert f"{small.root}/tutorials/index.py:1: the parts listed are {listed}, " in said
    assert "all folders ['part']: make them agree" in said


NOTE = """
KINDS["note"] = Kind(
    about={"source": ("https://.+", "write where it is from")},
    predictions=0,
    exercises=0,
    shows=False,
)
"""


def test_another_kind_of_page_is_held_to_its_own_rules(small):
    kinds = small.root / "docs/_ext/course/kinds.py"
    kinds.write_text(kinds.read_text() + NOTE)
    edit(small.root / "tutorials/index.py", ("parts: part", "parts: part, notes"))
    lesson = small.add("part/10_first.py", TUTORIAL)
    files = [lesson, *small.root.glob("tutorials/**/index.py")]
    index = small.add("notes/index.py", INDEX.format(about="kind: note", title="Notes"), False)
    about = TUTORIAL.index("# level"), TUTORIAL.index("\n# %% en: Title")
    plain = TUTORIAL[: about[0]] + "# source: https://here\n" + TUTORIAL[about[1] :]
    note = small.add("notes/10_note.py", plain, signed=False)

    code, said = ran(small.command("sign", index, note))
    assert code == 0, said
    assert ran(small.command("check")) == (0, f"{len(files) + 2} files checked, nothing wrong\n")

    edit(note, ("https://here", "here"), signed=False)
    edit(lesson, ("# tags", "# source: https://here\n# tags"), signed=False)
    code, said = ran(small.command("check"))
    assert code and sorted(said.splitlines()) == [
        f"{note}:1: source is 'here': write where it is from",
        f"{lesson}:1: unknown key source: remove it",
    ]

    edit(note, ("source: here", "source: https://here"), signed=False)
    edit(lesson, ("# source: https://here\n", ""), signed=False)
    assert built(small.build()) == ["10_first"]  # of this part
    assert (small.root / "build/html/zh/tutorials/notes/10_note.html").is_file()


def test_an_unknown_kind_of_page_is_named(small):
    small.add("part/10_first.py", TUTORIAL)
    index = small.root / "tutorials/part/index.py"
    edit(index, ("kind: lesson", "kind: poem"), signed=False)
    code, said = ran(small.command("check"))
    assert code and said == f"{index}:1: kind is 'poem': write one of lesson\n"


def test_a_text_alternative_may_hold_any_character(ready):
    alt = 'A "line" of x < 1 & <b>y</b>.'
    text = TUTORIAL.replace("A rising line.", alt).replace("一条上升的线。", f"一条线：{alt}")
    ready.add("part/10_first.py", text)
    built(ready.build())
    figure = BeautifulSoup(ready.page("en", "10_first"), "html.parser").select_one("article img")
    assert figure["alt"] == alt
    book = (ready.root / "build/html/en/downloads/part/10_first.ipynb").read_text()
    assert "&lt;b&gt;y&lt;/b&gt;" in book


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("## Unlabelled", "the section 'Unlabelled' has no label"),
        ("```{calls} nothing\n```", "no group 'nothing' in calls.toml: write one of gradients, "),
        ("```{calls}\n```", "the calls are listed on the page 'calls' alone"),
        ("```{recorded-graph} part/10_first\n```", "10_first is no tutorial that draws a graph: "),
        ("{ref}`nowhere`", "undefined label: 'nowhere'"),
    ],
)
def test_what_is_wrong_on_a_page_is_named_in_every_build(ready, text, what):
    """Sphinx would not warn again of a page that it has read already."""
    home = ready.home("en")
    home.write_text(f"{home.read_text()}\n{text}\n")
    for _ in range(2):
        code, said = ready.build()
        assert code
        assert what in said and "docs/en/index.md" in said
        assert "Traceback" not in said


# A build trusts nothing that an earlier one left unfinished.


def test_a_killed_build_leaves_nothing_that_the_next_one_trusts(small):
    path = small.add("part/10_first.py", TUTORIAL)
    began = time.monotonic()
    built(small.build())
    whole = time.monotonic() - began
    expected, text = small.pages(), path.read_text()
    for number, share in enumerate((0.3, 0.6, 0.8, 0.95)):
        path.write_text(text.replace("[0, 1]", f"[0, 1, {number}]"))
        process = subprocess.Popen(small.command(), stdout=subprocess.DEVNULL)
        time.sleep(share * whole)
        process.kill()
        process.wait()
    path.write_text(text)
    built(small.build())
    assert small.pages() == expected


def test_what_an_interrupted_build_wrote_is_written_again(ready):
    built(ready.build())
    expected = ready.pages()
    (ready.root / "build/html/en/index.html").write_text("half a pa")
    assert built(ready.build()) == []
    assert ready.pages() != expected, "it is trusted where nothing says that it is half"
    (ready.root / "build/en.begun").touch()
    assert built(ready.build()) == []
    assert ready.pages() == expected


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


# What is built again, and what is gone.


def fresh(small):
    """Every page of a build that finds nothing but records."""
    for folder in ("build/html", "build/doctrees", "docs/en/tutorials", "docs/zh/tutorials"):
        shutil.rmtree(small.root / folder)
    assert built(small.build()) == []
    return small.pages()


def test_a_build_of_what_has_changed_equals_a_fresh_one(ready):
    """Pages show titles of others: in their contents, at their end and in references."""
    first = ready.root / "tutorials/part/10_first.py"
    second = TUTORIAL.replace("# More.", "# More: :ref:`first`, :ref:`first-a-section`.")
    second = second.replace("# 更多。", "# 更多：:ref:`first`、:ref:`first-a-section`。")
    second = ready.add("part/20_second.py", second)
    middle, part = second.with_name("15_middle.py"), second.with_name("index.py")
    ready.add_calls()
    built(ready.build())
    for change in (
        lambda: edit(first, ("en: Title", "en: New title"), ("标题", "新标题")),
        lambda: edit(first, ("introduction.", "abstract."), ("介绍的", "开头的")),
        lambda: ready.add("part/15_middle.py", TUTORIAL),
        middle.unlink,
        lambda: edit(part, ("Part", "Whole"), ("标题", "整")),
    ):
        change()
        built(ready.build())
        followed = ready.pages()
        expected = fresh(ready)
        assert followed.keys() == expected.keys()
        assert not [name for name in expected if followed[name] != expected[name]]
    edit(first, ("A section", "Another section"))
    code, said = ready.build()
    assert code and f"{second}:15: (en) WARNING: undefined label: 'first-a-section'" in said


def test_the_list_of_calls_follows_the_code_and_the_headings(ready):
    path = ready.root / "tutorials/part/10_first.py"
    ready.add_calls()
    built(ready.build())
    page = ready.root / "build/html/en/calls.html"
    assert "10_first.html#a-section" not in page.read_text()
    edit(path, ("(1.0).dtype", "(1.0).is_leaf"))
    built(ready.build())
    assert "10_first.html#a-section" in page.read_text()
    assert "calls.html#torch-Tensor-is_leaf" in ready.page("zh", "10_first")
    written = page.stat().st_mtime_ns
    edit(path, ("# More.", "# Much more."))
    built(ready.build())
    assert page.stat().st_mtime_ns == written
    edit(path, ("A section", "Another section"))
    built(ready.build())
    assert "Another section" in page.read_text()


def test_a_change_of_what_pages_are_made_of_writes_each_again(ready):
    built(ready.build())
    for name, again in {
        "docs/_ext/pages/chinese.py": True,
        "docs/_ext/carry/bundles.py": False,
        "docs/words.toml": True,
        "docs/_book/book.css": False,
        "docs/_theme/autograd/static/site.js": True,
    }.items():
        path, before = ready.root / name, ready.written()
        path.write_text(f"{path.read_text()}\n")
        assert built(ready.build()) == []
        after = ready.written()
        pages = [page for page in before if re.match("(en|zh)/.*index.html|.*first.html", page)]
        assert len(pages) == 8
        assert {page: after[page] > before[page] for page in pages} == dict.fromkeys(pages, again)


def test_a_figure_that_is_gone_leaves_nothing(ready):
    """A figure that is heavy as SVG is shown as PNG; what showed it before is removed."""
    built(ready.build())
    many = "plt.scatter(torch.rand(5000), torch.rand(5000))"
    edit(ready.root / "tutorials/part/10_first.py", ("plt.plot([0, 1])", many))
    assert built(ready.build()) == ["10_first"]
    shown = {path.name for path in (ready.root / "build/html/en/_images").iterdir()}
    assert shown == {"sphx_glr_10_first_001.png", "sphx_glr_10_first_thumb.png"}


def test_a_tutorial_that_is_gone_leaves_nothing(ready):
    gone = ready.add("part/20_second.py", TUTORIAL)
    built(ready.build())
    there = {path for path in ready.root.rglob("*20_second*") if "records" not in path.parts}
    assert {path.suffix for path in there} >= {".py", ".rst", ".html", ".ipynb", ".zip", ".svg"}
    gone.unlink()
    built(ready.build())
    left = list((ready.root / "docs").rglob("*20_second*"))
    left += ready.root.glob("build/html/**/*20_second*")
    assert not left


def test_the_search_follows_every_build(ready):
    first = ready.root / "tutorials/part/10_first.py"
    second = ready.add("part/20_two.py", TUTORIAL)

    def found():
        static = ready.root / "build/html/en/_static"
        return {path.name: path.read_text() for path in static.glob("search-*.js")}

    built(ready.build())
    whole = found()
    edit(first, ("# More.", "# Much more."))
    built(ready.build())
    assert sum(text.count("Much more.") for text in found().values()) == 1
    second.unlink()
    built(ready.build())
    assert "20_two" not in "".join(found().values()) and "Much more." in "".join(found().values())
    edit(first, ("# Much more.", "# More."))
    ready.add("part/20_two.py", TUTORIAL)
    built(ready.build())
    assert found() == whole


def test_live_builds_what_a_save_changes_and_reloads_the_browser(ready):
    path = ready.root / "tutorials/part/10_first.py"
    ready.add("part/20_second.py", TUTORIAL)
    built(ready.build())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = ready.root / "live.log"
    with open(log, "w") as said:
        process = subprocess.Popen(
            ready.command("live"),
            env=os.environ | {"PORT": str(port)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )

    def page(language):
        with contextlib.suppress(OSError):
            address = f"http://127.0.0.1:{port}/{language}/tutorials/part/10_first.html"
            return urllib.request.urlopen(address, timeout=5).read().decode()
        return ""

    def wait_for(text, language, builds):
        for _ in range(300):
            if text in page(language) and log.read_text().split("\n").count("built") == builds:
                return True
            time.sleep(0.2)
        return False

    try:
        assert wait_for("More.", "en", 1)
        assert "livereload.js" in page("en")
        before = ready.written()
        path.write_text(path.read_text().replace("# 更多。", "# 还有更多。"))
        assert wait_for("还有更多", "zh", 2)
        after = ready.written()
        assert after.keys() == before.keys()
        written = {name for name in after if after[name] != before[name]}
        # Sphinx writes the page that lists a page whose source has changed.
        assert written - {f"{language}/search.html" for language in LANGUAGES} == {
            "zh/tutorials/part/10_first.html",
            "zh/tutorials/part/10_first.both.html",
            "en/tutorials/part/10_first.both.html",
            "zh/tutorials/part/index.html",
        }
        path.write_text(path.read_text().replace("# More.", "# More. Unsigned."))
        for _ in range(100):
            if "not built; waiting" in log.read_text():
                break
            time.sleep(0.1)
        assert re.search(rf"^{path}:\d+: the English now reads", log.read_text(), re.M)
        path.write_text(path.read_text().replace("# More. Unsigned.", "# More."))
        assert wait_for("More.", "en", 3)
        edit(ready.root / "docs/words.toml", ("入门", "初学"))
        assert wait_for("初学", "zh", 4)
    finally:
        process.terminate()
        process.wait()
    assert not re.search(r"^\[\d", log.read_text(), re.M), "a script has run"


# What is Sphinx-Gallery's, and not promised to us.

# What runs the cells, and what of it shapes an outcome; by the digest of the source.
KNOWN = {
    "directives.ImageSg": "50551796e24b",
    "directives.imgsgnode": "ba4e5005bf40",
    "gen_gallery._fill_gallery_conf_defaults": "01894b45cd25",
    "gen_gallery._update_gallery_conf_builder_inited": "4e964502f8a6",
    "gen_rst._LoggingTee": "d4c8a64e5010",
    "gen_rst._check_input": "cedf3ac23be1",
    "gen_rst._exec_and_get_memory": "a3084801382d",
    "gen_rst._get_code_output": "8aac9efcf9b0",
    "gen_rst.execute_code_block": "a2e5b17255db",
    "gen_rst.execute_script": "2c4a6db705f9",
    "gen_rst.handle_exception": "3723666149ca",
    "py_source_parser.Block": "5a0d7e0bd6bf",
    "py_source_parser.extract_file_config": "edb109c1ffe7",
    "py_source_parser.remove_config_comments": "933dc448bd06",
    "py_source_parser.remove_ignore_blocks": "04aaf10ee4dc",
    "scrapers.ImagePathIterator": "0ea573242a38",
    "scrapers.clean_modules": "9cb377ccabcc",
    "scrapers.figure_rst": "663aa52b4841",
    "scrapers.matplotlib_scraper": "7bd377ee1e2a",
    "scrapers.save_figures": "3d3cdfd7611b",
}


def of_gallery(code):
    """The names of Sphinx-Gallery's that ``code`` imports, uses or mentions."""
    modules = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sphinx_gallery"):
            for alias in node.names:
                if node.module == "sphinx_gallery":
                    modules[alias.asname or alias.name] = alias.name
                else:
                    yield f"{node.module.removeprefix('sphinx_gallery.')}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname and alias.name.startswith("sphinx_gallery."):
                    modules[alias.asname] = alias.name.removeprefix("sphinx_gallery.")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\bsphinx_gallery\.(\w+\.\w+)", node.value)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            dotted = re.fullmatch(r"sphinx_gallery\.(\w+)", owner)
            if module := modules.get(owner) or (dotted and dotted[1]):
                yield f"{module}.{node.attr}"


def test_the_names_of_sphinx_gallerys_are_found():
    code = (
        '"""Stands for ``sphinx_gallery.gen_rst.execute_script``."""\n'
        "from sphinx_gallery import gen_rst as g\n"
        "from sphinx_gallery.scrapers import clean_modules\n"
        "import sphinx_gallery.gen_gallery\n"
        "import sphinx_gallery.utils as u\n"
        "def f(x):\n    return g._check_input(x._own, sphinx_gallery_conf)\n"
        "sphinx_gallery.gen_gallery._dotted(u._renamed)\n"
    )
    assert set(of_gallery(code)) == {
        "gen_rst.execute_script",
        "gen_rst._check_input",
        "scrapers.clean_modules",
        "gen_gallery._dotted",
        "utils._renamed",
    }


def test_what_we_use_of_sphinx_gallery_is_known():
    used = {
        name
        for path in (ROOT / "docs/_ext").rglob("*.py")
        for name in of_gallery(path.read_text(encoding="utf-8"))
    }
    assert {"gen_rst.execute_script", "gen_rst._LoggingTee"} <= used
    assert not used - KNOWN.keys(), "see what it does, and write it into KNOWN"


def digest(name):
    """A digest of the source of what ``name`` stands for, or of its signature if it has none."""
    module, _, attribute = name.partition(".")
    known = getattr(importlib.import_module(f"sphinx_gallery.{module}"), attribute)
    try:
        text = inspect.getsource(known)
    except OSError:
        text = str(inspect.signature(known))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", KNOWN)
def test_sphinx_gallery_is_still_as_we_know_it(name):
    """If this fails, Sphinx-Gallery has changed what we call, or stand for in run/script.py.

    Read the change, see that docs/_ext still does what it says, and write the new digest here.
    """
    assert digest(name) == KNOWN[name]
