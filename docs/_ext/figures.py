"""Figures: drawn sharp and light, shown with their size, made small for the cards.

Each is drawn as SVG, sharp on any screen, and as PNG at twice the pixels shown. A page shows the
SVG unless the PNG is smaller: servers, zips and EPUB compress the one and not the other, so the SVG
counts compressed. It is the larger where points are very many. Cards are made from the PNG.
"""

import gzip
import io
import re
from pathlib import Path

from docutils import nodes
from PIL import Image, ImageOps
from sphinx.writers.html5 import HTML5Translator
from sphinx_gallery import gen_rst
from sphinx_gallery.scrapers import matplotlib_scraper

SHOWN = 100  # CSS pixels an inch
# How figures are drawn: a record is made for these settings.
DRAWING = {
    "dpi": 2 * SHOWN,
    "colours": 256,
    "palette": Image.Quantize.MAXCOVERAGE,  # keeps a colour that is rare
    "svg.fonttype": "path",
    "svg.hashsalt": "figure",
}
CARD_COLOURS = 64
CARDS_AT_ONCE = 3  # the first screen shows no more


def scrape(block, block_vars, gallery_conf):
    """Draw the open Matplotlib figures; return their reStructuredText.

    For each there is a PNG, and an SVG if that is what the page shows. What is coloured by value,
    or a photograph, is marked ``as-drawn``: inverted on a dark page it would tell another story.
    """
    import matplotlib
    from matplotlib import pyplot

    paths, bitmaps, as_drawn = block_vars["image_path_iterator"], [], False
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        bitmaps.append(Path(paths.image_path.format(len(paths) + len(bitmaps) + 1)))
        draw_bitmap(figure, bitmaps[-1])
        as_drawn = as_drawn or any(map(is_coloured_by_value, figure.axes))
    with matplotlib.rc_context({key: DRAWING[key] for key in ("svg.fonttype", "svg.hashsalt")}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        rst = matplotlib_scraper(
            block, block_vars, gallery_conf, format="svg", dpi=DRAWING["dpi"], metadata=metadata
        )
    for bitmap in bitmaps:
        vector = bitmap.with_suffix(".svg")
        if len(gzip.compress(vector.read_bytes())) > bitmap.stat().st_size:
            vector.unlink()
            rst = rst.replace(vector.name, bitmap.name)
    return rst.replace("-img\n", "-img as-drawn\n") if as_drawn else rst


def draw_bitmap(figure, path):
    """Draw ``figure`` on white with a palette: a PNG of full colour is three times as large."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DRAWING["dpi"])
    image = Image.open(drawn).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    save_with_palette(Image.alpha_composite(white, image), path, DRAWING["colours"])


def save_with_palette(image, path, colours):
    image = image.convert("RGB").quantize(colours, DRAWING["palette"], dither=Image.Dither.NONE)
    image.save(path, "PNG", optimize=True)


def is_coloured_by_value(axes):
    return bool(axes.images) or any(c.get_array() is not None for c in axes.collections)


def draw_card(source, target, width, height):
    """Fit the picture ``source`` into ``width`` by ``height`` pixels, on white.

    It stands for Sphinx-Gallery's ``scale_image``, which saves every colour and an alpha channel.
    """
    with Image.open(source) as image:
        fitted = ImageOps.pad(image.convert("RGB"), (width, height), color="white")
    save_with_palette(fitted, target, CARD_COLOURS)


def size(path):
    """Width and height in CSS pixels at which the figure in ``path`` is shown."""
    if path.suffix == ".svg":
        head = path.read_text(encoding="utf-8")[:1000]
        points = re.search(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"', head).groups()
        return [round(float(length) / 72 * SHOWN) for length in points]
    with Image.open(path) as image:
        return [round(length / DRAWING["dpi"] * SHOWN) for length in image.size]


def image(node, folder):
    """The docutils image for Sphinx-Gallery's ``node``, whose file lies under ``folder``.

    It has its size, so that the page does not move, and is loaded when it comes near the screen.
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


def depart_image(translator, node):
    """Nothing is left open."""


def setup(app):
    scale = gen_rst.scale_image

    def restore(app, error):
        gen_rst.scale_image = scale

    gen_rst.scale_image = draw_card
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    app.connect("doctree-read", show_cards)
    app.connect("build-finished", restore)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
