"""Run the code of one tutorial, in a process of its own, as Sphinx-Gallery runs a script.

It needs of ours only what draws what a script shows and what notes its names, so that a cluster's
workers can be sent these few files. Run as a program it reads a pickled ``Job`` from standard input
and writes the pickled outcome.
"""

import codeop
import multiprocessing
import os
import pickle
import platform
import re
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from importlib import metadata
from multiprocessing import forkserver
from pathlib import Path

from graphs import Drawer, Undrawable
from names import Noted

PACKAGES = ("torch", "matplotlib", "numpy", "pillow", "sphinx-gallery")
# What torch and matplotlib import late; the fork server imports it once for all scripts.
PRELOAD = (
    "autograd_graph",
    "matplotlib.pyplot",
    "pygraphviz",
    "sphinx_gallery.gen_gallery",
    "torch._dynamo",
    "torch.autograd.functional",
    "torch.func",
    "torch.optim",
    "torch.profiler",
    "torch.testing",
    "torch.utils.checkpoint",
    "torch.utils.flop_counter",
)


@dataclass(frozen=True)
class Job:
    """A script to run.

    ``script`` is the text of a one-language script and ``lines`` the line that each of its
    code cells starts on in the bilingual one, ``path``; ``running`` are Sphinx-Gallery's
    settings for a run, and ``threads`` is the run's share of the cores.
    """

    name: str
    path: str
    script: str
    lines: tuple[int, ...]
    running: dict
    threads: int


def versions():
    """What runs the code: changing any of it can change an output."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in PACKAGES
    }


def execute(job):
    """Run ``job`` in this process; return its outcome, a dictionary of plain data.

    ``cells`` holds for each code cell its ``rst`` as Sphinx-Gallery shows it, the printed
    ``text``, ``html``, the names of its ``figures``, an expected ``error`` and ``seconds``;
    ``graph`` is the drawing that it asks for, in each language, or ``None``; ``named`` is what its
    names are. ``figures`` has the bytes of each figure, ``versions`` and ``device`` what ran it,
    and ``failure`` the traceback of a cell that should not have failed, else ``None``.
    """
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        os.environ.pop(display, None)
    import torch
    from sphinx_gallery import gen_gallery, gen_rst
    from sphinx_gallery.scrapers import ImagePathIterator, clean_modules

    torch.set_num_threads(job.threads)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "tutorials", f"{job.name}.py")
        images = source.parent / "images"
        images.mkdir(parents=True)
        source.write_text(job.script, encoding="utf-8")
        conf = gen_gallery._fill_gallery_conf_defaults(job.running)
        gen_gallery._update_gallery_conf_builder_inited(conf, folder)
        parser, _ = gen_rst._get_parser(source.name, conf)
        file_conf, blocks = parser.split_code_and_text_blocks(source)
        blocks = at_source_lines(blocks, job.lines)
        script_vars = {
            "execute_script": True,
            "image_path_iterator": ImagePathIterator(
                str(images / f"sphx_glr_{source.stem}_{{0:03}}.png")
            ),
            "src_file": str(source),
            "target_file": str(source),
        }
        cells = []
        noted_names = Noted(codeop.Compile())
        execute_code_block = gen_rst.execute_code_block

        def execute_and_note(compiler, block, *arguments):
            began = time.perf_counter()
            if block.type == "code":
                noted_names.begin()
            rst = execute_code_block(noted_names, block, *arguments).replace(f"{folder}/", "")
            if block.type == "code":
                cells.append(noted(rst, time.perf_counter() - began, script_vars))
                try:
                    graph = drawer.drawn(block.content, script_vars["example_globals"])
                except Undrawable as error:
                    raise Undrawable(f"{job.path}:{first_line(block)}: {error}") from error
                cells[-1]["graph"] = graph
            return rst

        gen_rst.execute_code_block = execute_and_note
        clean_modules(conf, source.name, "before")
        drawer = Drawer([block.content for block in blocks if block.type == "code"])
        with warnings.catch_warnings(), drawer:
            warnings.simplefilter("error")
            _, seconds = gen_rst.execute_script(blocks, script_vars, conf, file_conf)
        for cell, named in zip(cells, noted_names.cells(), strict=True):
            cell["named"] = named
        error = script_vars.get("formatted_exception")
        unexpected = str(source) not in gen_gallery._expected_failing_examples(conf)
        return {
            "versions": versions(),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "seconds": seconds,
            "cells": cells,
            "error": error,
            "failure": failure(error, cells, source, job) if error and unexpected else None,
            "figures": {path.name: path.read_bytes() for path in sorted(images.iterdir())},
        }


def failure(error, cells, source, job):
    """The traceback with the number of the code cell and the bilingual script's path."""
    number = 1 + sum(not cell["error"] for cell in cells)
    return f"cell {number}\n" + error.replace(str(source), job.path)


def at_source_lines(blocks, lines):
    """The blocks, their code cells numbered as in the bilingual script."""
    lines = iter(lines)
    return [
        block._replace(lineno=next(lines) - leading_newlines(block.content))
        if block.type == "code"
        else block
        for block in blocks
    ]


def first_line(block):
    return block.lineno + leading_newlines(block.content)


def leading_newlines(text):
    return len(text) - len(text.lstrip("\n"))


def noted(rst, seconds, script_vars):
    """The outcome of one cell, taken from the reStructuredText that Sphinx-Gallery makes of it."""
    text = re.search(r"\.\. code-block:: none\n\n((?: {4}.*\n|\n)+)", rst)
    html = re.search(r"\.\. raw:: html\n\n((?: {4}.*\n|\n)+)", rst)
    return {
        "rst": rst,
        "text": dedented(text),
        "html": dedented(html),
        "figures": re.findall(r"image-sg:: \S*/(\S+)", rst),
        "error": script_vars.get("formatted_exception"),
        "seconds": seconds,
    }


def dedented(match):
    return re.sub("^ {4}", "", match[1], flags=re.M).strip("\n") if match else ""


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
    multiprocessing.get_context("forkserver").set_forkserver_preload(["__main__", *PRELOAD])
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
        [sys.executable, __file__], input=pickle.dumps(job), capture_output=True, check=False
    )
    if done.returncode:
        return job.name, died(done.returncode, done.stderr.decode(errors="replace"))
    return job.name, pickle.loads(done.stdout)


def died(code, said):
    return {"failure": f"the process ended with exit code {code}\n{said}"}


if __name__ == "__main__":
    outcome = sys.stdout.buffer
    sys.modules["runner"] = sys.modules["__main__"]  # the job was pickled as runner.Job
    outcome.write(pickle.dumps(attempt(pickle.load(sys.stdin.buffer))))
