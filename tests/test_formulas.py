"""Formulas: every reader sees them, whole, in the font that travels with the site."""

import re
from collections import Counter
from xml.etree import ElementTree

import pytest
from browsing import uncover
from conftest import SCRIPTS, SITE
from docutils import nodes
from docutils.utils import new_document
from fontTools.ttLib import TTFont

from course.twins import content
from course.words import LANGUAGES, words
from pages.mathml import CHARACTERS, LISTED, drawn, mathml
from pages.site import AuthoringError
from tools.mathfont import FONT

PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("*/tutorials/*/*.html"))
CLOSING = ".,:;?!)，。：；？！、）”’"


def formula(latex, display=False):
    """The ``<math>`` element of ``latex`` on line 7 of ``page.rst``."""
    document = new_document("page.rst")
    kind = nodes.math_block if display else nodes.math
    node = kind(latex, latex)
    node.line = 7
    document += node
    return mathml(node, display)


@pytest.fixture(scope="module")
def font():
    return TTFont(FONT)


def test_the_font_holds_what_the_course_may_use(font):
    """Where this fails, make the font again: the command stands in docs/_ext/tools/mathfont.py."""
    assert {chr(point) for point in font.getBestCmap()} == CHARACTERS


def test_the_font_is_light_and_carries_its_licence(font):
    assert FONT.stat().st_size < 60_000, "every reader of a formula loads it once"
    said = font["name"].getDebugName(13) + font["name"].getDebugName(0)
    assert "SIL Open Font License" in said and "STIX Fonts Project Authors" in said
    licence = FONT.with_name("stix-two-math-OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence and "Reserved Font Name" in licence


def test_the_font_stretches_brackets_roots_and_accents(font):
    sizes, names = font["MATH"].table.MathVariants, font.getBestCmap()
    upright, level = sizes.VertGlyphCoverage.glyphs, sizes.HorizGlyphCoverage.glyphs
    assert {names[ord(each)] for each in "()[]{}|‖⌈⌉⌊⌋⟨⟩√∑∏∫"} <= set(upright)
    assert {names[ord(each)] for each in "→←⏞⏟\u0302\u0303\u20d7"} <= set(level)
    paren = sizes.VertGlyphConstruction[upright.index(names[ord("(")])]
    assert paren.GlyphAssembly and len(paren.MathGlyphVariantRecord) > 5


def test_primes_have_a_form_for_superscripts_in_every_script(font):
    table = font["GSUB"].table
    for script in table.ScriptList.ScriptRecord:
        offered = [
            table.FeatureList.FeatureRecord[index].Feature
            for index in script.Script.DefaultLangSys.FeatureIndex
        ]
        [forms] = (table.LookupList.Lookup[f.LookupListIndex[0]].SubTable[0] for f in offered)
        primes = {font.getBestCmap()[ord(prime)] for prime in LISTED["primes"]}
        assert forms.alternates.keys() == primes


@pytest.mark.parametrize(
    ("latex", "characters"),
    [
        ("x h", "𝑥ℎ"),
        (r"\partial \theta", "𝜕𝜃"),
        (r"\mathrm{d} \Gamma", "dΓ"),
        (r"\sin 2", "sin2\u2061"),
        (r"\mathcal{L} < \mathbf{w}", "ℒ<𝐰"),
        (r"\text{if } x'", "if\u00a0𝑥′"),
    ],
)
def test_the_characters_that_a_browser_draws_are_known(latex, characters):
    assert drawn(formula(latex)) == set(characters)


def test_a_character_that_the_font_lacks_is_named_with_its_place_and_the_mend():
    with pytest.raises(AuthoringError) as raised:
        formula(r"\aleph_0 + \mathfrak{g}")
    said = str(raised.value)
    assert said.startswith("page.rst:7: the formula \\aleph_0 + \\mathfrak{g}: ")
    assert "ℵ (U+2135), 𝔤 (U+1D524)" in said and "docs/formulas.toml" in said


@pytest.mark.parametrize(
    "latex",
    [
        r"\mathcal{L}(\boldsymbol{\theta}) = \mathbb{E}_{x \sim p} \lVert \hat{y} - y \rVert_2^2",
        r"\operatorname*{argmin}_{w} \underbrace{a + \bar{b}}_{n} \in \mathbb{R}^{m \times n}",
        r"\begin{aligned} \mathbf{J}^\top v &= \begin{pmatrix} \cdots & \ddots \end{pmatrix} \\"
        r" &\implies \nabla f \approx \left\lfloor \sqrt{\tfrac{1}{2}} \right\rfloor \end{aligned}",
        r"f(x) = \begin{cases} x'' & x \geq 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\boldsymbol{\Sigma} \succeq 0, \quad \widehat{xy} \perp \vec{v} \mid \overline{z} \to 0",
    ],
)
def test_what_a_course_in_machine_learning_writes_can_be_drawn(latex):
    assert formula(latex, display=True)


def formulas(page):
    return re.findall(r"<math.*?</math>", (SITE / page).read_text(encoding="utf-8"), re.S)


def test_every_formula_of_the_site_can_be_drawn_and_is_xml(site):
    for page in PAGES:
        for each in formulas(page):
            assert drawn(each) <= CHARACTERS, (page, each)
            ElementTree.fromstring(each)  # an EPUB knows no &ApplyFunction;


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_formula_of_a_tutorial_stands_on_its_page(site, language):
    for tutorial in SCRIPTS:
        cells = (cell for cell in tutorial.cells if cell.kind == language and not cell.alt)
        written = sum((content(cell) for cell in cells), Counter())
        count = sum(number for (kind, _), number in written.items() if kind == "formula")
        assert len(formulas(f"{language}/{tutorial.docname}.html")) == count, tutorial.shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_punctuation_stays_with_its_formula(site, language):
    for page in (page for page in PAGES if page.startswith(language)):
        text = (SITE / page).read_text(encoding="utf-8")
        kept = re.findall(r'<span class="unbroken">[^<]*<math>.*?</math>[^<]*</span>', text, re.S)
        for whole in kept:
            text = text.replace(whole, "")
        assert not re.search(rf"</math>[{CLOSING}]|[(（“]<math>", text), page


def test_a_wide_formula_has_a_name_in_the_language_of_the_page(site):
    for language in LANGUAGES:
        label = words(language)["formula"]
        pages = [f"{language}/{tutorial.docname}.html" for tutorial in SCRIPTS]
        text = "".join((site / page).read_text(encoding="utf-8") for page in pages)
        boxes = re.findall(r'<div[^>]*class="math[^>]*>', text)
        assert boxes
        assert all(f'aria-label="{label}"' in box and 'role="group"' in box for box in boxes)


# What the browser drew each formula with: the names of the fonts, and whether they are ours.
def drawn_with(page, selector):
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    found = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": selector})["nodeIds"]
    return {
        (font["familyName"], font["isCustomFont"])
        for node in found
        for font in session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name", ["basics/20_which_way_is_downhill", "matrices/20_jacobians_and_hessians"]
)
def test_a_browser_draws_every_formula_in_this_font(visit, language, name):
    page = visit(f"{language}/tutorials/{name}.html")
    uncover(page)
    page.evaluate("document.fonts.ready")
    assert drawn_with(page, "math") == {("STIX Two Math", True)}


def test_a_browser_draws_formulas_in_this_font_from_a_file(visit, site):
    page = visit((site / "zh/tutorials/basics/20_which_way_is_downhill.html").as_uri())
    uncover(page)
    page.evaluate("document.fonts.ready")
    assert drawn_with(page, "math") == {("STIX Two Math", True)}


def test_no_line_starts_with_the_punctuation_behind_a_formula(visit):
    page = visit("zh/tutorials/matrices/20_jacobians_and_hessians.html")
    uncover(page)
    for width in range(320, 400, 10):
        page.set_viewport_size({"width": width, "height": 800})
        parted = page.evaluate(
            """() => [...document.querySelectorAll("article .unbroken")]
                 .filter((whole) => whole.getClientRects().length > 1)
                 .map((whole) => whole.textContent)"""
        )
        assert not parted, width


def test_brackets_stretch_on_chinese_pages(visit):
    page = visit("zh/tutorials/matrices/20_jacobians_and_hessians.html")
    uncover(page)
    page.evaluate("document.fonts.ready")
    heights = page.evaluate(
        """() => [...document.querySelectorAll("mrow:has(> mtable) > mo:first-child")].map(
             (bracket) => [
               bracket.getBoundingClientRect().height,
               bracket.parentElement.querySelector("mtable").getBoundingClientRect().height,
             ])"""
    )
    assert heights and all(bracket > 0.8 * matrix for bracket, matrix in heights)
