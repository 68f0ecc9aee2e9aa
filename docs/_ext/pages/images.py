"""Figures, cards and recorded graphs as pages show them: with their size, so nothing moves."""

import re
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from pages.script import figure

SHOWN = 100  # CSS pixels an inch
CARDS_AT_ONCE = 3  # the first screen shows no more


def size(path):
    """Width and height in CSS pixels at which the figure in ``path`` is shown."""
    if path.suffix == ".svg":
        head = path.read_text(encoding="utf-8")[:1000]
        points = re.search(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"', head).groups()
        return [round(float(length) / 72 * SHOWN) for length in points]
    with Image.open(path) as bitmap:  # drawn with twice the pixels
        return [round(length / 2) for length in bitmap.size]


def image(node, folder):
    """The docutils image for Sphinx-Gallery's ``node``, whose file lies under ``folder``.

    It is loaded when it comes near the screen.
    """
    width, height = size(Path(folder, node["uri"].lstrip("/")))
    return nodes.image(
        uri=node["uri"],
        classes=node["class"],
        width=str(width),
        height=str(height),
        loading="lazy",
    )


def show_cards(app, doctree):
    """Give the pictures of cards their size, and leave loading those further down for later."""
    cards = [node for node in doctree.findall(nodes.container) if "course-card" in node["classes"]]
    for number, card in enumerate(cards):
        for picture in card.findall(nodes.image):
            width, height = size(Path(app.srcdir, picture["uri"].lstrip("/")))
            picture["width"], picture["height"] = str(width), str(height)
            if number >= CARDS_AT_ONCE:
                picture["loading"] = "lazy"


def visit_image(translator, node):
    HTML5Translator.visit_image(translator, node)
    translator.body[-1] = translator.body[-1].replace("<img ", '<img decoding="async" ', 1)


class RecordedGraph(SphinxDirective):
    """Show the first graph that a tutorial's cells asked for, as it was drawn in the run."""

    required_arguments = 1

    def run(self):
        site = self.env.app.site
        docname = f"tutorials/{self.arguments[0]}"
        tutorial = site.tutorials.get(docname)
        asked = tutorial and [cell for cell in site.outcome(tutorial)["cells"] if cell["graph"]]
        if not asked:
            raise self.error(
                f"{docname} is no tutorial that draws a graph: name one that does, such as "
                "basics/20_first_gradient"
            )
        self.env.note_dependency(str(tutorial.path))
        return [nodes.raw("", figure(asked[0]["graph"][site.language]), format="html")]
