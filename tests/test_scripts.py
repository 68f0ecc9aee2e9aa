"""Every script runs as its readers run it, with torch and matplotlib and nothing of ours."""

import ast
import os
import subprocess
import sys

import pytest
from conftest import SCRIPTS, name


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
