"""What Chinese text needs of Sphinx: markup without spaces, line ends without spaces."""

from docutils import nodes
from sphinx.transforms import SphinxTransform

from course.text import unbroken

OPAQUE = (nodes.literal, nodes.math)


def allow_markup_inside_words(app, env, docnames):
    """Chinese puts no spaces between words, so inline markup stands beside letters."""
    env.settings["character_level_inline_markup"] = app.config.language.startswith("zh")


class CloseLines(SphinxTransform):
    """Close up Chinese where a source line ends; a browser would show a space there."""

    default_priority = 600

    def apply(self):
        if not self.config.language.startswith("zh"):
            return
        for text in list(self.document.findall(nodes.Text)):
            if "\n" in text and not has_fixed_lines(text):
                before, after = edge(text, -1), edge(text, 1)
                closed = unbroken(before + text.astext() + after)
                closed = closed[len(before) : len(closed) - len(after)]
                text.parent.replace(text, nodes.Text(closed))


def has_fixed_lines(text):
    node = text.parent
    while node is not None:
        if isinstance(node, (nodes.FixedTextElement, nodes.math, nodes.raw, nodes.comment)):
            return True
        node = node.parent
    return False


def edge(text, step):
    """The character that stands beside ``text``; a backtick for code and formulas."""
    siblings = text.parent.children
    position = next(i for i, node in enumerate(siblings) if node is text) + step
    if not 0 <= position < len(siblings):
        return ""
    neighbour = siblings[position]
    shown = "`" if isinstance(neighbour, OPAQUE) else neighbour.astext()
    return shown[-1:] if step < 0 else shown[:1]
