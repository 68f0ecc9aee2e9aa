"""Build the site: check, run what has no record, render both languages, carry the rest."""

import contextlib
import fcntl
import importlib
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

from course.check import check_course
from course.tutorial import Course
from course.words import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
HTML = BUILD / "html"


def settings():
    """What conf.py says, by name."""
    from sphinx.config import eval_config_file
    from sphinx.util.tags import Tags

    return eval_config_file(ROOT / "conf.py", Tags())


def kept():
    """The records of the runs."""
    from run.record import Records

    conf = settings()
    return Records(conf["records_dir"], conf["sphinx_gallery_conf"])


@contextlib.contextmanager
def only_build():
    """Let one build at a time work in ``build``.

    The lock goes with the processes that hold the file open, however they end; the builds of
    the languages inherit it, so that none outlives a killed parent unseen.
    """
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another build is at work here; waiting for it to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(*options):
    """Build what has changed; ``--pages`` leaves out the zips and the books."""
    from carry import bundles, root, side_by_side

    course = Course()
    if problems := check_course(course):
        sys.exit("\n".join(problems))
    with only_build():
        run(course, kept())
        render()
        try:
            side_by_side.write_views(HTML, course)
        except side_by_side.Mismatch as error:
            sys.exit(str(error))
        root.write_root(HTML, course, settings()["site_url"])
        if "--pages" not in options:
            bundles.bundle(BUILD)


def run(course, records):
    """Run the scripts that have no record; end with those that failed."""
    missing = [script for script in course.scripts if not records.read(script)]
    if not missing:
        return
    from run import inventory, runner, schedule

    runner.start_server()
    import_sphinx()  # on the other core, while the server imports torch
    failures = schedule.run_and_keep(missing, records)
    if failures:
        sys.exit("\n".join(["the code of a tutorial failed; no page was built", *failures]))
    inventory.addresses(BUILD)


def render():
    """Render each language with a strict build of its own, forked from this process.

    Both share what is imported here, and they inherit the lock.
    """
    import_sphinx()
    from pages.messages import at_source

    builds, failed = {}, False
    for language in LANGUAGES:
        begun, said = BUILD / f"{language}.begun", tempfile.TemporaryFile("w+")  # noqa: SIM115
        # What an interrupted build wrote may be half a page, and Sphinx does not warn twice of
        # a page that it has read: the next build reads and writes every page.
        fresh = ["-E", "-a"] if begun.exists() else []
        begun.touch()
        process = multiprocessing.get_context("fork").Process(
            target=sphinx_build, args=(language, fresh, said)
        )
        process.start()
        builds[begun] = process, said
    for begun, (process, said) in builds.items():
        process.join()
        said.seek(0)
        print(at_source(said.read()), end="", flush=True)
        failed |= bool(process.exitcode)
        if not process.exitcode:
            begun.unlink()
    if failed:
        sys.exit("the site was not built")


def import_sphinx():
    """Import what a build of a language imports, for both."""
    for name in ("myst_parser.sphinx_", "pydata_sphinx_theme", "sphinx.cmd.build", "pages"):
        importlib.import_module(name)


def sphinx_build(language, options, said):
    """``python -m sphinx`` for one language; what it says goes into the file ``said``."""
    from sphinx.cmd.build import build_main

    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    strict = ["-W", "--keep-going", "-q", "--no-color", "-c", ROOT]
    places = ["-d", BUILD / "doctrees" / language, ROOT / "docs" / language, HTML / language]
    sys.exit(build_main([str(word) for word in (*strict, "-t", language, *options, *places)]))


def live():
    """Serve the site; on every save build what it changes, and reload the browser.

    What builds import stays imported; a change of the code and lists behind them starts anew.
    """
    from livereload import Server

    from run import runner

    def rebuild():
        try:
            build("--pages")
            print("built", flush=True)
        except SystemExit as failed:
            print(f"{failed}\nnot built; waiting for the next save", flush=True)

    def start_anew():
        os.execv(sys.executable, [sys.executable, *sys.argv])

    runner.start_server()
    rebuild()
    server = Server()
    for pattern in ("tutorials/**/*.py", "docs/en/*.md", "docs/zh/*.md", "docs/_theme/**/*.*"):
        server.watch(str(ROOT / pattern), rebuild)
    for pattern in ("conf.py", "docs/*.toml", "docs/_ext/**/*.py", "docs/tools/*.py"):
        server.watch(str(ROOT / pattern), start_anew)
    server.serve(root=str(HTML), port=os.environ.get("PORT", 8000), host="127.0.0.1")


def calls():
    """Print how many of autograd's calls the tutorials use."""
    from run.used import share

    course, records = Course(), kept()
    if missing := [script.shown for script in course.scripts if not records.read(script)]:
        sys.exit(
            f"{missing[0]}:1: there is no record of this code: run 'make html', which makes it"
        )
    print("\n".join(share(course, records)))


def links():
    """Write the addresses that the site leads to, official pages above all, for a reviewer."""
    from carry.page import in_order, left_for

    (ROOT / "docs/links.txt").write_text(left_for(in_order(HTML / "en")), encoding="utf-8")


def prune():
    with only_build():
        print(f"{kept().prune(Course().scripts)} old records removed")
