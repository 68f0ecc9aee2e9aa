"""Run all scripts that have no record, side by side, and say what runs and what is left.

They share the cores of this machine or, with ``DASK_SCHEDULER_ADDRESS`` set, the workers of that
Dask cluster.
"""

import contextlib
import os
import sys
import tempfile
import zipfile
from pathlib import Path

import joblib

from run import READERS, record, runner

FOLDERS = (Path(__file__).parents[1], READERS)  # what a worker imports from


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


def job(tutorial, settings, threads):
    """The runner's job for ``tutorial``."""
    cells = []
    for cell in (cell for cell in tutorial.cells if cell.is_code):
        first = next(i for i, line in enumerate(cell.lines) if line.strip())
        cells.append((cell.line + 1 + first, "\n".join(cell.lines).strip("\n")))
    name = f"{tutorial.part}/{tutorial.path.stem}"
    path, source = str(tutorial.path), tutorial.source
    return runner.Job(name, path, source, tuple(cells), settings, threads)


def outcomes(tutorials, settings):
    """Run ``tutorials``; yield each with its outcome as it ends."""
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    cores = joblib.cpu_count()
    at_once = min(cores, len(tutorials))
    threads = 1 if address else max(1, cores // at_once)
    jobs = [job(tutorial, settings, threads) for tutorial in tutorials]
    by_name = {job.name: tutorial for job, tutorial in zip(jobs, tutorials, strict=True)}
    progress = Progress(len(tutorials))

    def forked(job):
        progress.started(job.name)
        return runner.forked(job)

    with contextlib.ExitStack() as stack:
        stack.callback(progress.end)
        if address:
            from dask.distributed import Client

            client = stack.enter_context(Client(address))
            client.upload_file(packed(stack.enter_context(tempfile.TemporaryDirectory())))
            stack.enter_context(joblib.parallel_config("dask", wait_for_workers_timeout=60))
            call = runner.spawned
        else:
            stack.enter_context(joblib.parallel_config("threading", n_jobs=at_once))
            call = forked
        calls = (joblib.delayed(call)(job) for job in jobs)
        for name, outcome in joblib.Parallel(return_as="generator_unordered")(calls):
            if not outcome["failure"] and outcome["versions"] != record.versions():
                outcome["failure"] = (
                    f"it ran with {outcome['versions']} and this build is for "
                    f"{record.versions()}: give the workers what requirements.txt pins"
                )
            progress.finished(name, outcome)
            yield by_name[name], outcome


def packed(folder):
    """A zip of what a worker imports: the stages ``course`` and ``run``, and the readers' tools."""
    path = Path(folder, "autograd_run.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for root in FOLDERS:
            for pattern in ("course/*.py", "run/*.py", "autograd_*.py"):
                for source in root.glob(pattern):
                    archive.write(source, source.relative_to(root))
    return str(path)


def run_and_keep(tutorials, records):
    """Run ``tutorials``, keep the record of each that succeeds; return what failed, and where."""
    failures = []
    for tutorial, outcome in outcomes(tutorials, records.settings):
        if not outcome["failure"]:
            records.write(tutorial, outcome)
        elif outcome["failure"].startswith(f"{tutorial.path}:"):
            failures.append(outcome["failure"])
        else:
            failures.append(f"{tutorial.path}: {outcome['failure']}")
    return failures
