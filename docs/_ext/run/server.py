"""What the fork server imports and does once for all scripts: each would else do it anew."""

import io
import os

import matplotlib.pyplot  # noqa: F401
import pygraphviz  # noqa: F401
import sphinx_gallery.gen_gallery  # noqa: F401
import torch._dynamo
import torch.utils.flop_counter  # noqa: F401
from matplotlib.figure import Figure

import autograd_graph  # noqa: F401
import run.figures
import run.runner  # noqa: F401

os.environ.pop(
    "PYTHONPATH", None
)  # the scripts' own programs are to find what they would without us
# Matplotlib makes fonts, formulas and formats ready when it first draws them.
drawing = Figure(layout="tight")
drawing.add_subplot(title="$x^2$", xlabel="x").plot([0, 1], label="y")
for kind in ("png", "svg"):
    drawing.savefig(io.BytesIO(), format=kind)
