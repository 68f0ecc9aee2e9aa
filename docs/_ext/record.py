"""Keep what a tutorial's run produced, and make pages of it instead of running it again.

A record is a folder named for a digest of everything that can change the outcome: the syntax
trees of the code cells (so neither prose nor comments count), the settings of the run and of the
drawing of figures, our code that notes names and draws graphs, the versions of what runs it and the
device. Sphinx-Gallery runs scripts in ``gen_rst.execute_script``; in a build that call is replaced
by one that reads the record.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from sphinx_gallery import gen_rst

import figures
import graphs
import runner
from gallery import AuthoringError, language

FORMAT = 5
NAMES = Path(__file__).with_name("names.py")
# Set by the build that forks a language: each script's record, and who makes it.
EXPECTED = {"keys": {}, "starter": None}
RUNNING = "running"  # the file that stands among the records while scripts run


def digest(data):
    return hashlib.sha256(data).hexdigest()


def device():
    """The model of the GPU that torch would use here, or ``cpu``; asks no library."""
    models = [
        re.search(r"Model:\s*(.+)", path.read_text())[1]
        for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    ]
    return [models or "cpu", os.environ.get("CUDA_VISIBLE_DEVICES")]


def key(tutorial, running):
    """The name of the record of ``tutorial`` run with Sphinx-Gallery's settings ``running``."""
    cells = ["\n".join(cell.lines) for cell in tutorial.cells if cell.is_code]
    code = [[ast.dump(ast.parse(cell)), re.findall(r"# sphinx_gallery_.*", cell)] for cell in cells]
    sources = [NAMES, *graphs.SOURCES] if any(map(graphs.ASKS.search, cells)) else [NAMES]
    ours = [digest(path.read_bytes()) for path in sources]
    how = [running, figures.DRAWING, ours, runner.versions(), device()]
    facts = [FORMAT, tutorial.path.stem, code, *how]
    text = json.dumps(facts, sort_keys=True, default=sorted)
    return digest(text.encode())[:24]


class Records:
    """The records in a folder. A record is there whole or not at all."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def read(self, name):
        """The outcome kept under ``name``; ``None`` if there is none or it is damaged."""
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

    def write(self, name, outcome):
        """Keep ``outcome`` (of ``runner.execute``) under ``name``, in place of a damaged one."""
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

    def waited(self, name):
        """The outcome under ``name``, waited for while the build that forked us runs scripts."""
        while True:
            running = (self.folder / RUNNING).exists() and os.getppid() == EXPECTED["starter"]
            outcome = self.read(name)
            if outcome is not None or not running:
                return outcome
            time.sleep(0.1)

    def prune(self, names):
        """Remove every record but those in ``names``, and what interrupted builds left."""
        old = [path for path in self.folder.glob("*/") if path.name not in names]
        for path in old:
            shutil.rmtree(path)
        return len(old)


def recorded(app, docname):
    """The outcome of the tutorial ``docname``."""
    name = EXPECTED["keys"].get(docname.removeprefix("tutorials/"), "none")
    outcome = Records(app.config.records_dir).waited(name)
    if outcome is None:
        raise AuthoringError(
            f"{app.tutorials[docname].path}:1: there is no record of this code: build with "
            "'make html', which runs it first"
        )
    return outcome


def replayed(app):
    """A function to stand for ``gen_rst.execute_script`` that runs nothing."""

    def execute_script(script_blocks, script_vars, gallery_conf, file_conf):
        target = Path(script_vars["target_file"])
        docname = target.relative_to(gallery_conf["src_dir"]).with_suffix("").as_posix()
        outcome = recorded(app, docname)
        name = EXPECTED["keys"][docname.removeprefix("tutorials/")]
        images = Path(script_vars["image_path_iterator"].image_path).parent
        for old in images.glob(f"sphx_glr_{target.stem}_*"):
            if old.name not in outcome["figures"]:
                old.unlink()
        for figure in outcome["figures"]:
            if figure.endswith(".png"):
                next(script_vars["image_path_iterator"])
            copy_if_new(Path(app.config.records_dir, name, figure), images / figure)
        cells = iter(outcome["cells"])
        outputs = [
            graphs.below(next(cells), language(app)) if block.type == "code" else ""
            for block in script_blocks
        ]
        script_vars.update(memory_delta=0.0, example_globals={})
        if outcome["error"]:
            script_vars["formatted_exception"] = outcome["error"]
        else:
            script_vars["passing"] = True
        return outputs, outcome["seconds"]

    return execute_script


class RecordedGraph(SphinxDirective):
    """Show the first graph that a tutorial's cells asked for, as it was drawn in the run."""

    required_arguments = 1

    def run(self):
        docname = f"tutorials/{self.arguments[0]}"
        tutorial = self.env.app.tutorials.get(docname)
        asked = tutorial and [
            cell for cell in recorded(self.env.app, docname)["cells"] if cell["graph"]
        ]
        if not asked:
            raise self.error(
                f"{docname} is no tutorial that draws a graph: name one that does, such as "
                "basics/20_first_gradient"
            )
        self.env.note_dependency(str(tutorial.path))
        drawing = asked[0]["graph"][language(self.env.app)]
        return [nodes.raw("", graphs.figure(drawing), format="html")]


def copy_if_new(source, target):
    """Copy unless the same bytes are there: Sphinx copies an image that is newer."""
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def setup(app):
    app.add_config_value("records_dir", None, "")
    app.add_directive("recorded-graph", RecordedGraph)
    execute = gen_rst.execute_script

    def replay(app):
        gen_rst.execute_script = replayed(app)

    def restore(app, error):
        gen_rst.execute_script = execute

    app.connect("builder-inited", replay, priority=200)
    app.connect("build-finished", restore)
    return {"parallel_read_safe": True}
