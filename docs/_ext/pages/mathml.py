"""Formulas as MathML, made when the site is built: no script, no font server, no raw TeX.

The converter is math-core; browsers show MathML Core by themselves, in one font for all, made by
``tools/mathfont.py``.
"""

import re
import tomllib
from html import unescape
from pathlib import Path
from unicodedata import category, decomposition

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util.math import wrap_displaymath

from pages.site import AuthoringError

FILE = Path(__file__).parents[2] / "formulas.toml"


def span(first, last):
    """The characters from ``first`` to ``last`` that Unicode has given a meaning."""
    points = map(chr, range(ord(first), ord(last) + 1))
    return "".join(point for point in points if category(point) != "Cn")


# What the font of formulas holds.
LISTED = tomllib.loads(FILE.read_text(encoding="utf-8"))
CHARACTERS = frozenset("".join(span(*ends) for ends in LISTED.pop("ranges")))
CHARACTERS |= set("".join(LISTED.values())) - {"\n"}
CONVERTER = LatexToMathML(fancy_error=False)
# XML, which an EPUB is written in, knows these characters but not these names.
NAMED = {"&ApplyFunction;": "\u2061", "&InvisibleTimes;": "\u2062"}
# Browsers draw a lone letter, Latin or Greek, in italics.
ITALIC = span("𝐴", "𝑧") + "ℎ𝚤𝚥" + span("𝛢", "𝜛")
SLANTED = {chr(int(decomposition(letter).split()[-1], 16)): letter for letter in ITALIC}
# Punctuation that must not part from a formula at the end of a line.
JOINED = re.compile(r"([(（“‘]*)(<math>.*?</math>)([.,:;?!)，。：；？！、）”’]*)", re.S)


def mathml(node, display):
    """The ``<math>`` element of ``node``; a formula that cannot be shown stops the build."""
    latex = node.astext()
    if display and "\\\\" in latex and "\\begin" not in latex:
        latex = wrap_displaymath(latex, None, False).strip()
    try:
        formula = CONVERTER.convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        raise AuthoringError(f"{place(node)}: the formula {latex}: {error}") from error
    for name, character in NAMED.items():
        formula = formula.replace(name, character)
    if missing := drawn(formula) - CHARACTERS:
        names = ", ".join(f"{character} (U+{ord(character):04X})" for character in sorted(missing))
        raise AuthoringError(
            f"{place(node)}: the formula {latex}: its font has no {names}; write it otherwise, or "
            "add the character to docs/formulas.toml and make the font again as it says there"
        )
    return formula


def drawn(formula):
    """The characters that a browser draws for the ``<math>`` element ``formula``."""
    formula = re.sub(
        "<mi>(.)</mi>", lambda letter: f"<mi>{SLANTED.get(letter[1], letter[1])}</mi>", formula
    )
    text = set(unescape(re.sub("<[^>]+>", "", formula)))
    return text - set("\ufe00\ufe01")  # the choice between two scripts


def place(node):
    """``file:line`` of a node, or of the paragraph that it stands in."""
    source = node.document["source"]
    while node.line is None and node.parent is not None:
        node = node.parent
    return f"{source}:{node.line or 1}"


def visit_math(translator, node):
    translator.body.append(mathml(node, display=False))
    raise nodes.SkipNode


def visit_math_block(translator, node):
    """A box of its own, which the keyboard can scroll where the formula is wider than the page."""
    label = translator.builder.app.site.words["formula"]
    start = translator.starttag(
        node, "div", CLASS="math", tabindex="0", role="group", **{"aria-label": label}
    )
    translator.body.append(f"{start}{mathml(node, display=True)}</div>\n")
    raise nodes.SkipNode


def join_punctuation(app, pagename, templatename, context, doctree):
    """Keep punctuation with its formula: a browser may break a line on either side of one."""

    def whole(match):
        return f'<span class="unbroken">{match[0]}</span>' if match[1] or match[3] else match[0]

    if "body" in context:
        context["body"] = JOINED.sub(whole, context["body"])
