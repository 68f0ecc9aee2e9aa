"""Figures are sharp, light, and the same every time, whatever a script draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from small_site import TUTORIAL, SmallSite, built, edit
from sphinx_gallery.scrapers import ImagePathIterator

from pages.images import size
from run import figures


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
    assert size(files[".svg"]) == [500, 350]
    assert b"<text" not in files[".svg"].read_bytes(), "a font that a reader may not have"
    with Image.open(files[".png"]) as bitmap:
        assert bitmap.size == (1000, 700)


def test_very_many_points_are_shown_as_a_sharp_bitmap(scrape):
    plt.figure(figsize=(5, 3.5))
    plt.scatter(*np.random.default_rng(0).random((2, 5000)))
    rst, files = scrape()
    assert "image-sg:: /images/figure_001.png" in rst and ".svg" not in rst
    assert files.keys() == {".png"}
    assert size(files[".png"]) == [500, 350]
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
    Image.new("RGB", (500, 350), "red").save(tmp_path / "sphx_glr_10_example_001.png")
    wide = Image.new("RGB", (1000, 200), "navy")
    wide.paste("lime", (500, 100, 520, 120))
    wide.save(tmp_path / "sphx_glr_10_example_002.png")
    figures.draw_card(tmp_path, "10_example", 2)
    with Image.open(tmp_path / "sphx_glr_10_example_thumb.png") as card:
        assert card.size == (700, 490) and card.mode == "P"
        colours = card.convert("RGB")
    assert colours.getpixel((350, 10)) == (255, 255, 255)
    assert colours.getpixel((357, 252)) == (0, 255, 0)
    assert colours.getpixel((10, 245)) == colours.getpixel((690, 245)) == (0, 0, 128)


def test_without_that_figure_there_is_no_card(tmp_path):
    drawn = tmp_path / "sphx_glr_10_example_001.png"
    Image.new("RGB", (500, 350)).save(drawn)
    figures.draw_card(tmp_path, "10_example", 2)
    figures.draw_card(tmp_path, "20_other", 1)
    assert list(tmp_path.iterdir()) == [drawn]


def test_another_way_of_drawing_draws_every_figure_again(tmp_path):
    small = SmallSite(tmp_path)
    many = "plt.scatter(torch.rand(5000), torch.rand(5000))"
    small.add("part/10_first.py", TUTORIAL.replace("plt.plot([0, 1])", many))
    shown, widths = small.root / "build/html/en/_images/sphx_glr_10_first_001.png", []
    for dpi in ("200", "100"):
        edit(small.root / "docs/_ext/run/figures.py", ('"dpi": 200', f'"dpi": {dpi}'))
        assert built(small.build()) == ["10_first"]
        with Image.open(shown) as bitmap:
            widths.append(bitmap.size[0])
    assert widths[0] == 2 * widths[1]
