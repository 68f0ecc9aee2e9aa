"""Run the code of one tutorial, in a process of its own, cell by cell as Sphinx-Gallery does.

Run as a program it reads a pickled ``Job`` from standard input and writes the pickled outcome: so
a cluster's workers run scripts.
"""

import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

from run.graphs import Drawer, Undrawable
from run.record import versions
from run.watch import Watch


@dataclass(frozen=True)
class Job:
    """A script to run.

    ``name`` is its part and stem, ``path`` its file, ``cells`` the first line and the code of each
    code cell in its text ``source``, ``settings`` Sphinx-Gallery's, and ``threads`` the run's share
    of the cores.
    """

    name: str
    path: str
    source: str
    cells: tuple[tuple[int, str], ...]
    settings: dict
    threads: int


def execute(job):
    """Run ``job`` in this process; return its outcome, a dictionary of plain data.

    ``cells`` holds for each code cell its output ``rst`` as Sphinx-Gallery shows it, ``graph``, the
    drawing that it asks for in each language, or ``None``, and what its names are, ``named``.
    ``figures`` has the bytes of each figure and of the card, ``versions`` and ``device`` what ran
    it, and ``failure`` the traceback of a cell that should not have failed, or the line of an
    ``except`` that should have run, else ``None``.
    """
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        os.environ.pop(display, None)
    import torch

    from run.figures import draw_card
    from run.script import Script

    torch.set_num_threads(job.threads)
    began, watch, cells = time.perf_counter(), Watch(), []
    drawer = Drawer([code for _, code in job.cells])
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        script = Script(job, folder)
        with drawer.recording, script.opened():
            for line, code in job.cells:
                watch.begin()
                rst = script.run(line, code, watch)
                try:
                    graph = None if script.has_failed else drawer.drawn(code, script.namespace)
                except Undrawable as error:
                    raise Undrawable(f"{job.path}:{line}: {error}") from error
                cells.append({"rst": rst, "graph": graph})
        draw_card(script.images, script.source.stem, script.file_conf.get("thumbnail_number", 1))
        for cell, named in zip(cells, watch.cells(), strict=True):
            cell["named"] = named
        return {
            "versions": versions(),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "seconds": time.perf_counter() - began,
            "cells": cells,
            "failure": script.failure() or untaken(job, watch),
            "figures": {path.name: path.read_bytes() for path in sorted(script.images.iterdir())},
        }


def untaken(job, watch):
    """What is wrong with each ``except`` that did not run, or ``None``."""
    return (
        "\n".join(
            f"{job.path}:{line}: an except that did not run: nothing in its try raises such an "
            "error; show what fails, or leave the try out"
            for line in watch.untaken()
        )
        or None
    )


def attempt(job):
    """``execute``, with whatever goes wrong around the script as the failure."""
    try:
        return execute(job)
    except Undrawable as error:
        return {"failure": str(error)}
    except BaseException:
        return {"failure": traceback.format_exc()}


def child(send, job, log):
    os.dup2(os.open(log, os.O_WRONLY), 2)  # what C++ says there is no output of a cell
    send.send(attempt(job))
    send.close()


def start_server():
    """Start, and not wait for, the server that imports torch once and forks for each script."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["run.server"])
    # While it imports, a server of Python 3.11 does not look where this process does.
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        forkserver.ensure_running()


def forked(job):
    """Run ``job`` in a process forked from a server that has imported torch already.

    Return its name and its outcome.
    """
    context = multiprocessing.get_context("forkserver")
    receive, send = context.Pipe(duplex=False)
    with tempfile.NamedTemporaryFile() as log:
        process = context.Process(target=child, args=(send, job, log.name))
        process.start()
        send.close()
        try:
            outcome = receive.recv()
        except EOFError:
            outcome = None
        process.join()
        outcome = outcome or died(process.exitcode, Path(log.name).read_text(errors="replace"))
        return job.name, outcome


def spawned(job):
    """``forked`` for a cluster's worker, which may have no children of multiprocessing's."""
    done = subprocess.run(
        [sys.executable, "-m", "run.runner"],
        input=pickle.dumps(job),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode:
        return job.name, died(done.returncode, done.stderr.decode(errors="replace"))
    return job.name, pickle.loads(done.stdout)


def died(code, said):
    return {"failure": f"the process ended with exit code {code}\n{said}"}


if __name__ == "__main__":
    outcome = sys.stdout.buffer
    outcome.write(pickle.dumps(attempt(pickle.load(sys.stdin.buffer))))
