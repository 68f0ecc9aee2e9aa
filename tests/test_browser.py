"""The site in a real browser, under a strict policy: what readers do with it."""

import re

import pytest
from browsing import load_images, uncover
from conftest import SITE

from course.words import words

TUTORIAL = "tutorials/training/40_in_place_operations.html"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("*/**/*.html"))
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

# Which block of the article stands below the header, and where it begins.
PLACE = """() => {
  const kinds = "article :is(h1, h2, h3, p, li, pre, img, tr, div.math)";
  const all = [...document.querySelectorAll(kinds)];
  const index = all.findIndex((block) => block.getBoundingClientRect().bottom > 60);
  const box = all[index].getBoundingClientRect();
  return { index, share: (60 - box.top) / box.height };
}"""


def switch_language(page):
    # Playwright's own click scrolls the page on its way to a sticky header.
    with page.expect_navigation(wait_until="load"):
        page.locator("a.language-switch").evaluate("(link) => link.click()")
    page.wait_for_timeout(150)


@pytest.mark.parametrize(("language", "other"), [("zh", "en"), ("en", "zh")])
def test_the_switch_keeps_section_and_place(visit, language, other):
    page = visit(f"{language}/{TUTORIAL}", viewport=WIDE)
    section = page.locator("article section section").nth(3)
    box, anchor = section.bounding_box(), section.get_attribute("id")
    page.evaluate("(y) => window.scrollTo(0, y)", box["y"] + box["height"] / 2)
    before = page.evaluate(PLACE)
    switch_language(page)
    assert page.url.endswith(f"/{other}/{TUTORIAL}#{anchor}")
    after = page.evaluate(PLACE)
    assert after["index"] == before["index"]
    assert after["share"] == pytest.approx(before["share"], abs=0.1)
    switch_language(page)
    assert page.evaluate(PLACE)["index"] == before["index"]


def test_the_switch_at_the_top_stays_at_the_top(visit):
    page = visit(f"zh/{TUTORIAL}", viewport=PHONE)
    switch_language(page)
    assert page.evaluate("window.scrollY") == 0
    assert page.url.endswith(f"/en/{TUTORIAL}")


@pytest.mark.parametrize(
    ("locale", "language"), [("zh-CN", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("fr-FR", "en")]
)
def test_the_root_page_chooses_the_readers_language(visit, locale, language):
    page = visit("index.html", locale=locale)
    page.wait_for_url(f"**/{language}/index.html")


def test_the_root_page_remembers_the_choice(visit, served):
    page = visit("zh/index.html", locale="zh-CN")
    switch_language(page)
    page.goto(served)
    page.wait_for_url("**/en/index.html")


def test_color_mode_follows_the_system_until_the_reader_chooses(visit, served):
    page = visit("en/index.html", color_scheme="dark", viewport=WIDE)

    def lightness():
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3])) / 3

    button = page.locator("button.color-mode")
    assert lightness() < 60
    button.click()
    assert lightness() > 200 and button.get_attribute("aria-label") == words("en")["color_light"]
    page.goto(f"{served}zh/{TUTORIAL}")
    assert lightness() > 200, "remembered on the next page"
    assert button.get_attribute("aria-label") == words("zh")["color_light"]
    button.click()
    assert lightness() < 60
    button.click()
    page.emulate_media(color_scheme="light")
    assert lightness() > 200, "the system's again"


def test_figures_are_turned_over_in_the_dark(visit):
    page = visit(f"zh/{TUTORIAL}", color_scheme="dark")
    figure = page.locator("article img").first
    assert "invert" in figure.evaluate("(image) => getComputedStyle(image).filter")


def test_values_shown_as_colours_keep_them_in_the_dark(visit):
    address = "zh/tutorials/matrices/15_when_is_a_sum_enough.html"
    figure = visit(address, color_scheme="dark").locator("article img.as-drawn").first
    assert "invert" not in figure.evaluate("(image) => getComputedStyle(image).filter")


def test_code_is_copied_without_its_output(visit):
    page = visit(f"zh/{TUTORIAL}", viewport=WIDE, permissions=["clipboard-read", "clipboard-write"])
    block = page.locator("div.highlight-Python").nth(1)
    block.hover()
    button = block.locator("button.copybtn")
    assert button.get_attribute("data-tooltip") == "复制"
    button.click()
    assert page.evaluate("navigator.clipboard.readText()") == block.locator(
        "pre"
    ).inner_text().rstrip("\n")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_both_languages_side_by_side(visit, viewport):
    page = visit(f"zh/{TUTORIAL}", viewport=viewport)
    with page.expect_navigation():
        page.locator("a[data-both]").click()
    chinese, english = page.locator(".pair").nth(2).locator("> *").all()
    assert re.search("[\u3400-\u9fff]", chinese.inner_text())
    assert not re.search("[\u3400-\u9fff]", english.inner_text())
    left, right = chinese.bounding_box(), english.bounding_box()
    if viewport is WIDE:
        assert right["x"] >= left["x"] + left["width"]
    else:
        assert right["y"] >= left["y"] + left["height"]
    with page.expect_navigation():
        page.locator("a[data-both]").click()
    assert page.url.split("#")[0].endswith(f"zh/{TUTORIAL}")


@pytest.mark.parametrize("start", range(4))
def test_no_page_scrolls_sideways_on_the_smallest_phone(visit, served, start):
    page = visit("404.html", viewport={"width": 320, "height": 700})
    for path in PAGES[start::4]:
        page.goto(served + path)
        uncover(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, f"{path} is {width} px wide"


@pytest.mark.parametrize("width", [768, 960, 1088])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_header_fits_on_one_line(visit, language, width):
    page = visit(f"{language}/index.html", viewport={"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".site-header").bounding_box()["height"] < 60


def test_everything_is_there_without_javascript(visit):
    page = visit(f"zh/{TUTORIAL}", java_script_enabled=False, viewport=PHONE)
    assert page.locator("article pre").count() > 20
    assert page.locator("article img").first.is_visible()
    assert not page.locator("button.color-mode").is_visible()
    menu = page.locator("#menu")
    assert not menu.is_visible()
    page.locator("button.menu-button").click()
    assert menu.is_visible()
    menu.locator("a").nth(1).click()
    assert page.url.endswith(".html")


def test_formulas_are_shown_without_javascript(visit):
    page = visit("en/tutorials/matrices/10_vector_jacobian_product.html", java_script_enabled=False)
    formulas = page.locator("article math")
    assert formulas.count() > 10
    assert all(formula.bounding_box()["height"] > 5 for formula in formulas.all())
    assert not re.search(r"\\[a-z]+\{", page.locator("article").inner_text())


def test_the_site_works_from_a_folder(visit):
    page = visit((SITE / "index.html").as_uri(), locale="zh-CN", viewport=WIDE)
    page.wait_for_url("**/zh/index.html")
    page.locator(".site-nav a").first.click()
    with page.expect_navigation(wait_until="load"):
        page.locator(".course-card a").first.click()
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.site-header')).position")
        == "sticky"
    )
    load_images(page)
    page.evaluate("window.scrollTo(0, 2000)")
    before = page.evaluate(PLACE)["index"]
    switch_language(page)
    assert before - 1 <= page.evaluate(PLACE)["index"] <= before + 1


def test_the_keyboard_reaches_everything(visit):
    page = visit(f"en/{TUTORIAL}", viewport=PHONE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    assert page.locator(".skip-link").bounding_box()["x"] >= 0, "seen when it has the focus"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page = visit(f"en/{TUTORIAL}", viewport=PHONE)
    page.locator("button.menu-button").focus()
    page.keyboard.press("Enter")
    assert page.locator("#menu").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#menu') !== null")
    page.keyboard.press("Escape")
    assert not page.locator("#menu").is_visible()
    wide = page.locator("pre[tabindex='0']").first
    wide.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert wide.evaluate("(box) => box.scrollLeft") > 0


def test_the_contents_mark_the_section_that_is_read(visit):
    page = visit(f"zh/{TUTORIAL}", viewport={"width": 1440, "height": 900})
    link = page.locator(".contents ul ul a").nth(4)
    link.click()
    page.wait_for_timeout(200)
    assert link.get_attribute("aria-current") == "true"


@pytest.mark.parametrize(
    ("address", "shown"), [("en/no-such-page.html", "en"), ("zh/no-such-page.html", "zh")]
)
def test_a_page_that_is_not_there_speaks_the_readers_language(visit, served, address, shown):
    page = visit("en/index.html")
    page.route("**/no-such-page.html", lambda route: route.fulfill(path=SITE / "404.html"))
    page.goto(served + address)
    assert page.locator(f"[data-for={shown}]").is_visible()
    assert page.locator("[data-for]:visible").count() == 1
