"""Every script runs as its readers run it, with torch and matplotlib and nothing of ours."""

import ast
import dataclasses
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT, SCRIPTS, name

import build
from run import runner, schedule

FIRST = """\
device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")
"""


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_script_runs(tutorial, tmp_path):
    """In its own process, without a display, with warnings as errors, leaving no file behind."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "MPLBACKEND")}
    before = set(tutorial.path.parent.iterdir())
    done = subprocess.run(
        [sys.executable, "-W", "error", tutorial.path],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
    assert set(tutorial.path.parent.iterdir()) - before <= {tutorial.path.parent / "__pycache__"}


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_script_needs_only_torch_and_matplotlib(tutorial):
    tree = ast.parse(tutorial.path.read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    assert imported - sys.stdlib_module_names <= {"torch", "matplotlib"}


def shown(tutorial, outcome):
    """What each cell of ``tutorial`` showed, its checks left out."""
    assert not outcome["failure"], outcome["failure"]
    cells = [cell for cell in tutorial.cells if cell.is_code]
    outputs = zip(cells, outcome["cells"], strict=True)
    return [output["rst"] for cell, output in outputs if cell.kind != "check"]


def test_the_checks_may_be_left_out():
    """A reader who runs no check sees what the page shows, but for what differs in every run."""
    records, settings = build.kept(), build.settings()["sphinx_gallery_conf"]
    runner.start_server()
    bare = {
        script.path: dataclasses.replace(
            script, cells=[cell for cell in script.cells if cell.kind != "check"]
        )
        for script in SCRIPTS
    }
    found = schedule.outcomes([*bare.values()], settings)
    without = {bare.path: shown(bare, outcome) for bare, outcome in found}
    pages = {script.path: shown(script, records.read(script)) for script in SCRIPTS}
    others = [script for script in SCRIPTS if pages[script.path] != without[script.path]]
    for script, outcome in schedule.outcomes(others, settings) if others else ():
        cells = zip(pages[script.path], without[script.path], shown(script, outcome), strict=True)
        for page, bare_run, again in cells:
            assert page == bare_run or page != again, f"{name(script)}: a check changes\n{page}"


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_the_first_cell_takes_the_accelerator_that_is_there(tutorial):
    code = next("\n".join(cell.lines) for cell in tutorial.cells if cell.is_lesson)
    assert "import torch\n" in code
    assert FIRST in code or re.search(r"if device is None or device.type == .mps.:", code)


def test_the_guide_says_what_the_first_cell_does():
    for language in ("en", "zh"):
        assert FIRST in (ROOT / f"docs/{language}/guide.md").read_text(encoding="utf-8")
