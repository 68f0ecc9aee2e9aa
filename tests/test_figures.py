"""Figures are sharp, light, and the same every time, whatever a script draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import SCRIPTS
from PIL import Image
from sphinx_gallery.scrapers import ImagePathIterator

import figures
from record import key


@pytest.fixture
def scrape(tmp_path):
    """Draw the figure that is open as a cell's; return its reStructuredText and its files."""
    plt.switch_backend("agg")
    plt.rcdefaults()
    conf = {"image_srcset": [], "compress_images": (), "matplotlib_animations": (False, None)}

    def scrape(folder="images"):
        images = tmp_path / folder
        images.mkdir()
        paths = ImagePathIterator(str(images / "figure_{0:03}.png"))
        variables = {"image_path_iterator": paths, "example_globals": {}}
        rst = figures.scrape(None, variables, conf | {"src_dir": str(tmp_path)})
        return rst, {path.suffix: path for path in images.iterdir()}

    yield scrape
    plt.close("all")


def test_lines_are_shown_as_svg(scrape):
    plt.figure(figsize=(5, 3.5))
    plt.plot([1, 3, 2])
    rst, files = scrape()
    assert "image-sg:: /images/figure_001.svg" in rst and "as-drawn" not in rst
    assert figures.size(files[".svg"]) == [500, 350]
    assert b"<text" not in files[".svg"].read_bytes(), "a font that a reader may not have"
    with Image.open(files[".png"]) as bitmap:
        assert bitmap.size == (1000, 700)


def test_very_many_points_are_shown_as_a_sharp_bitmap(scrape):
    plt.figure(figsize=(5, 3.5))
    plt.scatter(*np.random.default_rng(0).random((2, 5000)))
    rst, files = scrape()
    assert "image-sg:: /images/figure_001.png" in rst and ".svg" not in rst
    assert files.keys() == {".png"}
    assert figures.size(files[".png"]) == [500, 350]
    with Image.open(files[".png"]) as bitmap:
        assert bitmap.size == (1000, 700)


@pytest.mark.parametrize(
    "plot",
    [
        lambda: plt.imshow([[0, 1], [2, 3]]),
        lambda: plt.pcolormesh([[0, 1], [2, 3]]),
        lambda: plt.scatter([0, 1], [0, 1], c=[0, 1]),
    ],
    ids=["imshow", "pcolormesh", "scatter"],
)
def test_what_is_coloured_by_value_is_marked_to_keep_its_colours(scrape, plot):
    plot()
    assert ":class: sphx-glr-single-img as-drawn\n" in scrape()[0]


def test_a_figure_has_the_same_bytes_every_time(scrape):
    drawn = []
    for folder in ("first", "second"):
        plt.plot([1, 3, 2], "o-", label="$x^2$")
        plt.legend()
        files = scrape(folder)[1]
        drawn.append({suffix: path.read_bytes() for suffix, path in files.items()})
    assert drawn[0] == drawn[1]


def test_a_transparent_figure_is_white_in_its_bitmap(scrape):
    plt.figure(facecolor="none").add_subplot().plot([1, 2])
    with Image.open(scrape()[1][".png"]) as bitmap:
        assert bitmap.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_card_is_fitted_whole_on_white_and_keeps_a_rare_colour(tmp_path):
    wide = Image.new("RGB", (1000, 200), "navy")
    wide.paste("lime", (500, 100, 520, 120))
    wide.save(tmp_path / "wide.png")
    figures.draw_card(tmp_path / "wide.png", tmp_path / "card.png", 700, 490)
    with Image.open(tmp_path / "card.png") as card:
        assert card.size == (700, 490) and card.mode == "P"
        colours = card.convert("RGB")
    assert colours.getpixel((350, 10)) == (255, 255, 255)
    assert colours.getpixel((357, 252)) == (0, 255, 0)
    assert colours.getpixel((10, 245)) == colours.getpixel((690, 245)) == (0, 0, 128)


def test_other_settings_of_drawing_make_other_records(monkeypatch):
    before = key(SCRIPTS[0], {})
    monkeypatch.setitem(figures.DRAWING, "dpi", 300)
    assert key(SCRIPTS[0], {}) != before
