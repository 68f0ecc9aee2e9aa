"""Run a tutorial's code once, whatever its prose and its language, in a process of its own.

Sphinx-Gallery runs a script in ``gen_rst.execute_script``. That call is wrapped here. It happens
in a forked process, so that nothing one script sets reaches the next; what it returns and the
figures it writes become a record; and the page is made from the record, in this language, in the
other one and in later builds, until the code changes or what runs it does.
"""

import ast
import hashlib
import json
import multiprocessing
import os
import platform
import shutil
import tempfile
import traceback
import warnings
from pathlib import Path

import matplotlib
import torch
from sphinx_gallery import __version__ as sphinx_gallery_version
from sphinx_gallery import gen_rst
from sphinx_gallery.scrapers import ImagePathIterator

from gallery import AuthoringError

FORMAT = 1


def key(blocks, figures):
    """Digest of the code's syntax, the figures' names and the software and device that run it."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    versions = [platform.python_version(), torch.__version__, matplotlib.__version__]
    code = [ast.dump(ast.parse(block.content)) for block in blocks if block.type == "code"]
    facts = [FORMAT, sphinx_gallery_version, figures, device, versions, code]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def at_source_lines(blocks, tutorial):
    """The blocks with the line numbers that their code has in the bilingual script."""
    cells = iter(cell for cell in tutorial.cells if cell.is_code)
    moved = []
    for block in blocks:
        if block.type == "code":
            cell = next(cells)
            first = next(i for i, line in enumerate(cell.lines, 1) if line.strip())
            gap = len(block.content) - len(block.content.lstrip("\n"))
            block = block._replace(lineno=cell.line + first - gap)
        moved.append(block)
    return moved


def run(execute, blocks, script_vars, gallery_conf, file_conf, folder):
    """Run the script, in a child process, with its figures and outputs written to ``folder``.

    Warnings are errors, and a failure leaves its traceback in ``failure.txt``.
    """
    os.dup2(os.open(folder / "stderr.txt", os.O_WRONLY | os.O_CREAT), 2)
    warnings.simplefilter("error")
    try:
        outputs, seconds = execute(blocks, script_vars, gallery_conf, file_conf)
        code = [o for o, block in zip(outputs, blocks, strict=True) if block.type == "code"]
        text = json.dumps({"seconds": seconds, "outputs": code})
        (folder / "outputs.json").write_text(text, encoding="utf-8")
    except BaseException:
        (folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
        os._exit(1)
    os._exit(0)


def make(record, execute, blocks, script_vars, gallery_conf, file_conf, tutorial):
    """Run the script in a forked process; ``record`` holds all that it left, or nothing."""
    record.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=record.parent, prefix="unfinished-") as name:
        folder = Path(name)
        template = script_vars["image_path_iterator"].image_path
        figures = folder / Path(template).relative_to(gallery_conf["src_dir"])
        figures.parent.mkdir(parents=True)
        target = folder / "script.py"
        shutil.copy(script_vars["target_file"], target)
        script_vars = script_vars | {
            "image_path_iterator": ImagePathIterator(str(figures)),
            "src_file": str(tutorial.path),
            "target_file": str(target),
        }
        blocks = at_source_lines(blocks, tutorial)
        conf = gallery_conf | {"src_dir": name}
        arguments = (execute, blocks, script_vars, conf, file_conf, folder)
        child = multiprocessing.get_context("fork").Process(target=run, args=arguments)
        child.start()
        child.join()
        if child.exitcode:
            failure = folder / "failure.txt"
            said = failure.read_text(encoding="utf-8") if failure.is_file() else ""
            said = said or f"the process ended with exit code {child.exitcode}"
            raise AuthoringError(f"{tutorial.path}: its code failed\n{said}")
        folder.rename(record)
        folder.mkdir()  # for TemporaryDirectory to remove


def recorded(execute, records, tutorials):
    """``execute_script`` that runs a script only when there is no record of it."""

    def execute_script(blocks, script_vars, gallery_conf, file_conf):
        template = Path(script_vars["image_path_iterator"].image_path)
        source = Path(gallery_conf["src_dir"])
        record = Path(records, key(blocks, template.name))
        docname = Path(script_vars["target_file"]).relative_to(source).with_suffix("").as_posix()
        if not (record / "outputs.json").is_file():
            arguments = (blocks, script_vars, gallery_conf, file_conf)
            make(record, execute, *arguments, tutorials[docname])
        kept = json.loads((record / "outputs.json").read_text(encoding="utf-8"))
        for old in template.parent.glob(template.name.replace("{0:03}", "*")):
            old.unlink()
        for figure in record.rglob("*.png"):
            shutil.copy(figure, source / figure.relative_to(record))
        code = iter(kept["outputs"])
        outputs = [next(code) if block.type == "code" else "" for block in blocks]
        script_vars.update(memory_delta=0.0, passing=True, example_globals={})
        return outputs, kept["seconds"]

    return execute_script


def setup(app):
    app.add_config_value("records_dir", None, "")
    execute = gen_rst.execute_script

    def wrap(app):
        gen_rst.execute_script = recorded(execute, app.config.records_dir, app.tutorials)

    def unwrap(app, error):
        gen_rst.execute_script = execute

    app.connect("builder-inited", wrap, priority=200)
    app.connect("build-finished", unwrap)
    return {"parallel_read_safe": True}
