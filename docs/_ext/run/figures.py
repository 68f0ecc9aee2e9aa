"""Draw figures sharp and light, and one of them small for the card.

Each is drawn as SVG, sharp on any screen, and as PNG at twice the pixels shown. A page shows the
SVG unless the PNG is smaller: servers, zips and EPUB compress the one and not the other, so the SVG
counts compressed. It is the larger where points are very many. Cards are made from the PNG.
"""

import gzip
import io
from pathlib import Path

from PIL import Image, ImageOps
from sphinx_gallery.scrapers import matplotlib_scraper

DRAWING = {
    "dpi": 200,  # twice the pixels that a page shows an inch
    "colours": 256,
    "palette": Image.Quantize.MAXCOVERAGE,  # keeps a colour that is rare
    "svg.fonttype": "path",
    "svg.hashsalt": "figure",
}
# Five inches: shrunk to a phone, the letters of a figure can still be read.
SIZE = {"figure.figsize": (5, 3.5), "figure.autolayout": True}
CARD_COLOURS = 64
CARD = (700, 490)  # twice the width that a page shows


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


def draw_card(images, stem, number):
    """Fit the figure ``number`` of the script ``stem``, if it draws one, into a card, on white."""
    source = images / f"sphx_glr_{stem}_{number:03}.png"
    if source.is_file():
        with Image.open(source) as image:
            fitted = ImageOps.pad(image.convert("RGB"), CARD, color="white")
        save_with_palette(fitted, images / f"sphx_glr_{stem}_thumb.png", CARD_COLOURS)
