"""One script as Sphinx-Gallery runs it: its cells share a main module, a folder and a log.

Stands for ``sphinx_gallery.gen_rst.execute_script``, which tells nobody when a cell has run.
"""

import importlib.util
import sys
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from sphinx_gallery import gen_gallery, gen_rst
from sphinx_gallery.py_source_parser import Block, extract_file_config
from sphinx_gallery.scrapers import ImagePathIterator, clean_modules

from run.figures import SIZE


class Script:
    """A script whose files lie in ``folder`` and whose figures are drawn into ``images``.

    ``namespace`` is that of its main module, ``done`` how many of its cells went well.
    """

    def __init__(self, job, folder):
        self.job, self.done = job, 0
        self.source = Path(folder, "tutorials", f"{job.name}.py")
        self.images = self.source.parent / "images"
        self.images.mkdir(parents=True)
        self.source.write_text(job.source, encoding="utf-8")  # tracebacks show its lines
        self.conf = gen_gallery._fill_gallery_conf_defaults(job.settings)
        gen_gallery._update_gallery_conf_builder_inited(self.conf, folder)
        self.file_conf = extract_file_config("\n".join(code for _, code in job.cells))
        main = importlib.util.module_from_spec(importlib.util.spec_from_loader("__main__", None))
        self.namespace = main.__dict__
        self.namespace.update({"__doc__": "", "input": gen_rst._check_input})
        image = f"sphx_glr_{self.source.stem}_{{0:03}}.png"
        self.variables = {
            "example_globals": self.namespace,
            "execute_script": True,
            "fake_main": main,
            "image_path_iterator": ImagePathIterator(str(self.images / image)),
            "memory_delta": [0.0],
            "src_file": str(self.source),
            "target_file": str(self.source),
        }

    @contextmanager
    def opened(self):
        """Catch what is printed, while the cells run."""
        clean_modules(self.conf, self.source.name, "before")
        matplotlib.rcParams.update(SIZE)
        sys.argv[:] = [str(self.source)]
        with gen_rst._LoggingTee(str(self.source)) as self.printed:
            yield self

    def run(self, line, code, compiler):
        """Run the cell ``code`` that starts on ``line``; return its output in reStructuredText."""
        self.printed.set_std_and_reset_position()
        block = Block("code", f"\n{code}\n", line - 1)
        rst = gen_rst.execute_code_block(
            compiler, block, self.namespace, self.variables, self.conf, self.file_conf
        )
        self.done += not self.has_failed
        return rst.replace(f"{self.source.parents[2]}/", "")

    @property
    def has_failed(self):
        return "formatted_exception" in self.variables

    def failure(self):
        """The traceback, in the author's file, of a cell that should not have failed, if any."""
        expected = self.conf["expected_failing_examples"]
        if not self.has_failed or f"tutorials/{self.job.name}.py" in expected:
            return None
        said = self.variables["formatted_exception"].replace(str(self.source), self.job.path)
        return f"cell {self.done + 1}\n{said}"
