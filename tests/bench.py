"""Measure builds in one run: stock Sphinx-Gallery, its own parallel mode, and ours.

    python tests/bench.py [TIMES]

``TIMES`` multiplies the tutorials, each copy with code of its own, to show how cost grows. Every
figure is printed in seconds and as a ratio to the stock cold build of the same run; stock builds
each language from scripts of its own, so each language executes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import joblib
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs/_ext"))

from course.sign import sign  # noqa: E402
from course.tutorial import Course, Tutorial  # noqa: E402
from course.words import LANGUAGES  # noqa: E402

STOCK = """
import os
import torch

def reset_torch(gallery_conf, fname):
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)

extensions = ["sphinx_gallery.gen_gallery"]
html_theme = "pydata_sphinx_theme"
sphinx_gallery_conf = {
    "examples_dirs": "scripts",
    "gallery_dirs": "tutorials",
    "filename_pattern": r"/\\d+_",
    "image_srcset": ["2x"],
    "capture_repr": (),
    "abort_on_example_error": True,
    "reset_modules": ("matplotlib", reset_torch),
    "parallel": int(os.environ["JOBS"]) if os.environ.get("JOBS") else False,
}
"""


class Stock:
    """Two Sphinx projects, one a language, as a project with two sets of scripts has them."""

    def __init__(self, root, jobs=""):
        self.root, self.jobs = root, jobs
        for language in LANGUAGES:
            (root / language / "scripts").mkdir(parents=True)
            (root / language / "conf.py").write_text(STOCK)
            (root / language / "index.rst").write_text(
                "Home\n====\n\n.. toctree::\n\n   tutorials/index\n"
            )
            (root / language / "scripts/GALLERY_HEADER.rst").write_text("Course\n======\n")

    def write(self, tutorial):
        for language in LANGUAGES:
            folder = self.root / language / "scripts" / tutorial.path.parent.name
            folder.mkdir(exist_ok=True)
            (folder / "GALLERY_HEADER.rst").write_text("Part\n====\n")
            text = script(tutorial, language)
            (folder / tutorial.path.name).write_text(text, encoding="utf-8")

    def commands(self):
        jobs = ["-j", self.jobs] if self.jobs else []
        for language in LANGUAGES:
            source = self.root / language
            yield [sys.executable, "-m", "sphinx", "-q", *jobs, source, source / "build"]


def script(tutorial, language):
    """The script of one language that Sphinx-Gallery would be given."""
    anchors = dict(zip(tutorial.headings(language).values(), tutorial.headings("en"), strict=True))
    parts = []
    for cell in tutorial.cells:
        if cell.is_code:
            parts.append("\n".join(["# %%", *cell.lines]))
        elif cell.kind == language and not cell.alt:
            text = cell.text
            if cell.heading:
                label = "-".join(filter(None, (tutorial.label, anchors[cell.heading])))
                rule = ("-" if parts else "=") * (2 * len(cell.heading))
                text = f".. _{label}:\n\n{cell.heading}\n{rule}\n\n{text}"
            shown = "".join(f"# {line}".rstrip() + "\n" for line in text.split("\n"))
            parts.append(f"# %%\n{shown}" if parts else f'r"""\n{text}\n"""\n')
    return "\n".join(parts)


class Ours:
    """A copy of this project."""

    def __init__(self, root):
        self.root = root
        shutil.copytree(ROOT / "docs", root / "docs", ignore=shutil.ignore_patterns("tutorials"))
        shutil.copy(ROOT / "conf.py", root)
        for index in ROOT.glob("tutorials/**/index.py"):
            target = root / index.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(index, target)

    def write(self, tutorial):
        target = self.root / "tutorials" / tutorial.path.parent.name / tutorial.path.name
        shutil.copy(tutorial.path, target)

    def commands(self):
        yield [sys.executable, self.root / "docs/_ext", "build", "--pages"]


def measured(site):
    """Run the builds of ``site`` one after the other: seconds, and the largest process in MiB."""
    largest, over = [0], threading.Event()

    def watch():
        while not over.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                try:
                    largest[0] = max(largest[0], process.memory_info().rss)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    for command in site.commands():
        environment = os.environ | {"JOBS": getattr(site, "jobs", "")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            over.set()
            sys.exit(f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    seconds = time.perf_counter() - began
    over.set()
    watcher.join()
    return seconds, largest[0] / 2**20


def copies(folder, times):
    """The course ``times`` over, each copy with a line of code of its own."""
    for tutorial in Course().scripts:
        for number in range(times):
            name = f"{tutorial.path.stem}_{number}.py" if number else tutorial.path.name
            path = folder / tutorial.part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                tutorial.source.replace("# %%\n", f"# %%\ncopy_number = {number}\n", 1), "utf-8"
            )
            yield path


def edited(path, old, new):
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    sign(path)
    return Tutorial.read(path)


def main(times=1):
    with tempfile.TemporaryDirectory() as folder:
        paths = list(copies(Path(folder, "course"), times))
        cores = str(joblib.cpu_count())
        kinds = {
            "(a) stock": Stock(Path(folder, "stock")),
            "(b) stock, parallel": Stock(Path(folder, "parallel"), cores),
        }
        Path(folder, "ours").mkdir()
        kinds["(c) ours"] = Ours(Path(folder, "ours"))
        first = paths[0]
        steps = {
            "cold": lambda: None,
            "nothing changed": lambda: None,
            "one sentence changed": lambda: edited(
                first, "After this page", "After reading this page"
            ),
            "one code cell changed": lambda: edited(first, "copy_number = 0", "copy_number = -1"),
        }
        results = {}
        for site in kinds.values():
            for path in paths:
                site.write(Tutorial.read(path))
        for step, change in steps.items():
            tutorial = change()
            for kind, site in kinds.items():
                if tutorial:
                    site.write(tutorial)
                results[kind, step] = measured(site)
                print(f"  {kind}, {step}: {results[kind, step][0]:.1f} s", flush=True)
        base, memory = results["(a) stock", "cold"]
        print(f"\n{len(paths)} tutorials, {cores} cores; seconds (ratio to the cold stock build)\n")
        print(
            "| | " + " | ".join([*steps, "peak memory of a process", "cold, per tutorial"]) + " |"
        )
        print("| --- |" + " --- |" * (len(steps) + 2))
        for kind in kinds:
            row = [f"{results[kind, s][0]:.1f} ({results[kind, s][0] / base:.3f})" for s in steps]
            peak = max(results[kind, step][1] for step in steps)
            row.append(f"{peak:.0f} MiB ({peak / memory:.2f})")
            row.append(f"{results[kind, 'cold'][0] / len(paths):.2f} s")
            print(f"| {kind} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
