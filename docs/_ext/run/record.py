"""Keep what a tutorial's run produced, so that pages are made of it and nothing runs again.

A record is a folder named for a digest of everything that can change the outcome: the syntax
trees of the code cells (so neither prose nor comments count), Sphinx-Gallery's settings, our own
code that runs, draws and notes, the versions of what runs it and the device.
"""

import ast
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

from course.asks import ASKS
from run import READERS

PACKAGES = ("torch", "matplotlib", "numpy", "pillow", "sphinx-gallery")


def digest(data):
    return hashlib.sha256(data).hexdigest()


@cache
def sources(folder):
    """A digest of the Python files of ``folder``, tests left out."""
    found = sorted(path for path in folder.glob("*.py") if not path.name.startswith("test_"))
    return digest(b"".join(path.read_bytes() for path in found))


@cache
def versions():
    """What runs the code: changing any of it can change an output."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in PACKAGES
    }


@cache
def device():
    """The model of the GPU that torch would use here, or ``cpu``; asks no library."""
    models = [
        re.search(r"Model:\s*(.+)", path.read_text())[1]
        for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    ]
    return [models or "cpu", os.environ.get("CUDA_VISIBLE_DEVICES")]


@cache
def syntax(code):
    """A digest of ``code`` without its layout and comments, with those that ask for something."""
    asked = re.findall(r"# sphinx_gallery_.*", code)
    return digest(json.dumps([ast.dump(ast.parse(code)), asked]).encode())


def key(tutorial, settings):
    """The name of the record of ``tutorial`` run with Sphinx-Gallery's ``settings``."""
    cells = ["\n".join(cell.lines) for cell in tutorial.cells if cell.is_code]
    code = [syntax(cell) for cell in cells]
    ours = [sources(Path(__file__).parent)] + [sources(READERS)] * any(map(ASKS.search, cells))
    facts = [tutorial.path.stem, code, settings, ours, versions(), device()]
    return digest(json.dumps(facts, sort_keys=True, default=sorted).encode())[:24]


class Records:
    """The records in a folder. A record is there whole or not at all."""

    def __init__(self, folder, settings):
        self.folder, self.settings = Path(folder), settings
        self._keys, self._outcomes = {}, {}

    def key(self, tutorial):
        if tutorial.path not in self._keys:
            self._keys[tutorial.path] = key(tutorial, self.settings)
        return self._keys[tutorial.path]

    def read(self, tutorial):
        """The outcome of the run of ``tutorial``; ``None`` if there is none or it is damaged."""
        name = self.key(tutorial)
        if self._outcomes.get(name) is None:
            self._outcomes[name] = self._read(name)
        return self._outcomes[name]

    def _read(self, name):
        try:
            kept = json.loads((self.folder / name / "record.json").read_text(encoding="utf-8"))
            body = json.dumps(kept["outcome"], sort_keys=True)
            if digest(body.encode()) != kept["digest"]:
                return None
            for figure, expected in kept["outcome"]["figures"].items():
                if digest((self.folder / name / figure).read_bytes()) != expected:
                    return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return kept["outcome"]

    def write(self, tutorial, outcome):
        """Keep ``outcome`` (of ``runner.execute``), in place of a damaged one."""
        name = self.key(tutorial)
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="unfinished-") as made:
            folder = Path(made, name)
            folder.mkdir()
            for figure, data in outcome["figures"].items():
                (folder / figure).write_bytes(data)
            figures = {figure: digest(data) for figure, data in outcome["figures"].items()}
            outcome = outcome | {"figures": figures}
            body = json.dumps(outcome, sort_keys=True)
            text = json.dumps({"digest": digest(body.encode()), "outcome": outcome})
            (folder / "record.json").write_text(text, encoding="utf-8")
            shutil.rmtree(self.folder / name, ignore_errors=True)
            folder.rename(self.folder / name)

    def prune(self, tutorials):
        """Remove every record but those of ``tutorials``, and what interrupted builds left."""
        kept = {self.key(tutorial) for tutorial in tutorials}
        old = [path for path in self.folder.glob("*/") if path.name not in kept]
        for path in old:
            shutil.rmtree(path)
        return len(old)
