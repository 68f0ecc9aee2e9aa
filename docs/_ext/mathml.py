"""Formulas as MathML, made when the site is built: no script, no font server, no raw TeX.

The converter is math-core; browsers show MathML Core by themselves.
"""

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util.math import wrap_displaymath

from gallery import AuthoringError

CONVERTER = LatexToMathML(fancy_error=False)


def mathml(node, display):
    """The ``<math>`` element of ``node``; a formula that cannot be read stops the build."""
    latex = node.astext()
    if display and "\\\\" in latex and "\\begin" not in latex:
        latex = wrap_displaymath(latex, None, False).strip()
    try:
        return CONVERTER.convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        raise AuthoringError(f"{place(node)}: the formula {latex}: {error}") from error


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
    start = translator.starttag(node, "div", CLASS="math", tabindex="0")
    translator.body.append(f"{start}{mathml(node, display=True)}</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
