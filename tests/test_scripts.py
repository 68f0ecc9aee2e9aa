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
from pages.search import MEASURED
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


def test_the_checks_may_be_left_out():
    """A reader who runs no check sees what the page shows, measured times left out."""
    records, settings = build.kept(), build.settings()["sphinx_gallery_conf"]
    runner.start_server()
    bare = [
        dataclasses.replace(tutorial, cells=[c for c in tutorial.cells if c.kind != "check"])
        for tutorial in SCRIPTS
    ]
    for tutorial, outcome in schedule.outcomes(bare, settings):
        assert not outcome["failure"], outcome["failure"]
        whole = next(script for script in SCRIPTS if script.path == tutorial.path)
        cells = [cell for cell in whole.cells if cell.is_code]
        kept = zip(cells, records.read(whole)["cells"], strict=True)
        shown = [output["rst"] for cell, output in kept if cell.kind != "check"]
        for before, after in zip(shown, outcome["cells"], strict=True):
            assert before == after["rst"] or MEASURED.search(before), name(tutorial)


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_the_first_cell_takes_the_accelerator_that_is_there(tutorial):
    code = next("\n".join(cell.lines) for cell in tutorial.cells if cell.is_lesson)
    assert "import torch\n" in code
    assert FIRST in code or re.search(r"if device is None or device.type == .mps.:", code)


def test_the_guide_says_what_the_first_cell_does():
    for language in ("en", "zh"):
        assert FIRST in (ROOT / f"docs/{language}/guide.md").read_text(encoding="utf-8")
