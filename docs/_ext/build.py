"""Build the site: check the tutorials, run the code that has no record, render both languages.

    python docs/_ext/build.py            build
    python docs/_ext/build.py --live     build, serve, and build again whenever a file is saved
    python docs/_ext/build.py --prune    remove the records that no tutorial uses any more

Scripts run side by side on the cores of this machine or, with ``DASK_SCHEDULER_ADDRESS`` set,
on the workers of that Dask cluster.
"""

import contextlib
import fcntl
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def settings():
    """What conf.py says of a run and of where its records are kept."""
    from sphinx.config import eval_config_file
    from sphinx.util.tags import Tags

    conf = eval_config_file(ROOT / "conf.py", Tags())
    return conf["running"], conf["records_dir"]


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


class Progress:
    """Say what runs and what is left: a moving line in a terminal, plain lines elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.running = total, 0, []
        self.status = None
        if sys.stdout.isatty():
            from rich.console import Console

            self.status = Console().status("")
            self.status.start()

    def started(self, name):
        self.running.append(name)
        self.show()

    def finished(self, name, outcome):
        self.done += 1
        if name in self.running:
            self.running.remove(name)
        said = f"{outcome['seconds']:.1f} s" if not outcome["failure"] else "failed"
        print(f"[{self.done}/{self.total}] {name}: {said}", flush=True)
        self.show()

    def show(self):
        if self.status:
            left = self.total - self.done - len(self.running)
            self.status.update(f"running {', '.join(self.running)}; {left} more to run")

    def end(self):
        if self.status:
            self.status.stop()


def job(tutorial, running, threads):
    """The runner's job for ``tutorial``."""
    from runner import Job
    from tutorial import project

    lines = tuple(
        cell.line + next(i for i, line in enumerate(cell.lines, 1) if line.strip())
        for cell in tutorial.cells
        if cell.is_code
    )
    name = f"{tutorial.path.parent.name}/{tutorial.path.stem}"
    return Job(name, str(tutorial.path), project(tutorial, "en"), lines, running, threads)


def run(missing, running):
    """Run the tutorials in ``missing`` side by side; yield each with its outcome as it ends."""
    import joblib

    import runner

    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    cores = joblib.cpu_count()
    at_once = min(cores, len(missing))
    threads = 1 if address else max(1, cores // at_once)
    jobs = [job(tutorial, running, threads) for tutorial in missing]
    by_name = {job.name: tutorial for job, tutorial in zip(jobs, missing, strict=True)}
    progress = Progress(len(missing))

    def forked(job):
        progress.started(job.name)
        return runner.forked(job)

    with contextlib.ExitStack() as stack:
        stack.callback(progress.end)
        if address:
            from dask.distributed import Client

            client = stack.enter_context(Client(address))
            for name in ("figures", "autograd_graph", "graphs", "names", "runner"):
                client.upload_file(str(Path(__file__).with_name(f"{name}.py")))
            stack.enter_context(joblib.parallel_config("dask", wait_for_workers_timeout=60))
            call = runner.spawned
        else:
            stack.enter_context(joblib.parallel_config("threading", n_jobs=at_once))
            call = forked
        calls = (joblib.delayed(call)(job) for job in jobs)
        for name, outcome in joblib.Parallel(return_as="generator_unordered")(calls):
            if not outcome["failure"] and outcome["versions"] != runner.versions():
                outcome["failure"] = (
                    f"it ran with {outcome['versions']} and this build is for "
                    f"{runner.versions()}: give the workers what requirements.txt pins"
                )
            progress.finished(name, outcome)
            yield by_name[name], outcome


def run_and_keep(missing, running, records):
    """Run ``missing``; keep the record of each that succeeds; end with those that failed."""
    from record import RUNNING, key

    failures = []
    try:
        for tutorial, outcome in run(missing, running):
            if outcome["failure"]:
                place = (
                    ""
                    if outcome["failure"].startswith(f"{tutorial.path}:")
                    else f"{tutorial.path}: "
                )
                failures.append(place + outcome["failure"])
            else:
                records.write(key(tutorial, running), outcome)
    finally:
        (records.folder / RUNNING).unlink()
    if failures:
        sys.exit("\n".join(["the code of a tutorial failed; no page was built", *failures]))


def start_languages(keys):
    """Start the strict build of each language, forked from this process.

    Both share what is imported here. They wait where they need a record that is being made, and
    they inherit the lock.
    """
    import matplotlib.pyplot  # noqa: F401 (Sphinx-Gallery imports it)
    import myst_parser.sphinx_  # noqa: F401
    import pydata_sphinx_theme  # noqa: F401
    import sphinx.cmd.build
    import sphinx_gallery.gen_gallery  # noqa: F401

    compile_words()
    builds = {}
    for language in ("en", "zh"):
        # What an interrupted build wrote may be half a page, and Sphinx does not warn twice of
        # a page that it has read: the next build reads and writes every page.
        begun = BUILD / f"{language}.begun"
        fresh = ["-E", "-a"] if begun.exists() else []
        begun.touch()
        tag = ["-t", "zh"] if language == "zh" else []
        options = [
            "-W",
            "--keep-going",
            "-q",
            "--no-color",
            "-c",
            ROOT,
            "-d",
            BUILD / "doctrees" / language,
        ]
        places = [ROOT / "docs" / language, BUILD / "html" / language]
        arguments = [str(word) for word in (*options, *tag, *fresh, *places)]
        said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (read when the process has ended)
        target = (sphinx.cmd.build.build_main, arguments, keys, os.getpid(), said)
        process = multiprocessing.get_context("fork").Process(target=in_child, args=target)
        process.start()
        builds[begun] = process, said
    return builds


def in_child(build_main, arguments, keys, starter, said):
    """Build one language; courteously, for scripts that are still to be run go first."""
    import record

    os.nice(10)
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    record.EXPECTED.update(keys=keys, starter=starter)
    sys.exit(build_main(arguments))


def finish_languages(builds):
    """Wait for the builds, and print what each said when it has ended."""
    failed = False
    for begun, (process, said) in builds.items():
        process.join()
        said.seek(0)
        print(at_source(said.read()), end="", flush=True)
        failed |= bool(process.exitcode)
        if not process.exitcode:
            begun.unlink()
    if failed:
        sys.exit("the site was not built")


def at_source(said):
    """Sphinx's messages with the bilingual script and the line of its cell for each place.

    Sphinx reads what Sphinx-Gallery wrote; an author has never seen that file. A mistake of an
    author's needs no versions, no list of extensions and no traceback of ours around it.
    """
    from tutorial import Tutorial

    if mistake := re.search(r"AuthoringError: (.+?)\n+The full traceback", said, re.S):
        said = said.partition("\nAuthoring error!")[0] + mistake[1].strip() + "\n"

    def place(match):
        rendered, language, name, line = Path(match[1]), match[2], match[3], int(match[4])
        path = ROOT / "tutorials" / f"{name}.py"
        if not path.is_file() or not rendered.is_file():
            return match[0]
        above = "\n".join(rendered.read_text(encoding="utf-8").split("\n")[:line])
        number = int((re.findall(r"^\.\. cell (\d+) ", above, re.M) or [1])[-1])
        return f"{path}:{Tutorial.read(path).cells[number].line}: ({language})"

    return re.sub(r"(\S*/docs/(en|zh)/tutorials/(\S+)\.rst):(\d+):", place, said)


def compile_words():
    """Compile the theme's words that have no Chinese translation of their own."""
    from babel.messages import mofile, pofile

    source = ROOT / "docs/_locale/zh_CN.po"
    target = BUILD / "locale/zh_CN/LC_MESSAGES/sphinx.mo"
    if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as po, open(target, "wb") as mo:
            mofile.write_mo(mo, pofile.read_po(po))


def build():
    import both
    import runner
    from bilingual import Problems, checked
    from record import RUNNING, Records, key
    from tutorial import tutorials

    try:
        found = checked(tutorials())
    except Problems as problems:
        sys.exit(str(problems))
    with only_build():
        running, folder = settings()
        records = Records(folder)
        scripts = [tutorial for tutorial in found if not tutorial.is_index]
        keys = {f"{t.path.parent.name}/{t.path.stem}": key(t, running) for t in scripts}
        missing = [t for t, k in zip(scripts, keys.values(), strict=True) if not records.read(k)]
        if missing:
            records.folder.mkdir(parents=True, exist_ok=True)
            (records.folder / RUNNING).touch()
            runner.start_server()
        builds = start_languages(keys)
        if missing:
            try:
                run_and_keep(missing, running, records)
            except BaseException:
                for process, _ in builds.values():
                    process.terminate()
                raise
        finish_languages(builds)
        try:
            both.write_views(BUILD / "html", keys)
        except both.Mismatch as error:
            sys.exit(str(error))


def prune():
    from record import Records, key
    from tutorial import tutorials

    running, folder = settings()
    with only_build():
        used = {key(t, running) for t in tutorials() if not t.is_index}
        print(f"{Records(folder).prune(used)} old records removed")


def live():
    """Serve the site; on every save build it again and reload the browser."""
    from livereload import Server

    def rebuild():
        done = subprocess.run([sys.executable, __file__], check=False)
        print("built" if not done.returncode else "not built; waiting for the next save")

    rebuild()
    server = Server()
    for pattern in ("tutorials/**/*.py", "docs/*/*.md", "docs/_*/**/*.*", "conf.py"):
        server.watch(str(ROOT / pattern), rebuild)
    server.serve(root=str(BUILD / "html"), port=os.environ.get("PORT", 8000), host="127.0.0.1")


if __name__ == "__main__":
    actions = {"--live": live, "--prune": prune}
    actions[sys.argv[1]]() if sys.argv[1:] else build()
