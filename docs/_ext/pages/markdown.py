"""Markdown, as Jupyter reads it, of the nodes of a page."""

import re
from urllib.parse import urljoin

from docutils import nodes
from sphinx.locale import admonitionlabels

from course.text import HAN
from pages.chinese import edge
from pages.site import AuthoringError


class Markdown:
    """Writes the Markdown of a node, on a page in ``lang`` with the address ``page_url``.

    Chinese emphasis is written as HTML: Markdown's own marks fail beside full-width
    punctuation (CommonMark 0.31, "left-flanking delimiter run"), and slanted Chinese is hard
    to read, so it is bold.
    """

    def __init__(self, lang, page_url):
        self.lang = lang
        self.page_url = page_url

    def __call__(self, node):
        """Markdown of one node; a node that has no rule here stops the build by its name."""
        for kind in type(node).__mro__:
            rule = getattr(self, kind.__name__, None)
            if rule:
                return rule(node)
        raise AuthoringError(
            f"{node.source}:{node.line}: no Markdown for {node.tagname!r}: add a rule to "
            "pages/markdown.py or say it another way"
        )

    def inline(self, node):
        return "".join(map(self, node.children))

    def blocks(self, node):
        return "\n\n".join(filter(None, map(self, node.children)))

    def Text(self, node):
        text = node.astext().replace("\n", " ")
        return re.sub(r"([\\`*\[\]<$])", r"\\\1", text)

    def strong(self, node):
        return f"<strong>{self.inline(node)}</strong>"

    def emphasis(self, node):
        return self.strong(node) if self.lang == "zh" else f"<em>{self.inline(node)}</em>"

    def literal(self, node):
        text = node.astext()
        fence = "``" if "`" in text else "`"
        pad = " " if text.startswith("`") or text.endswith("`") else ""
        return fence + pad + text + pad + fence

    problematic = literal  # Sphinx has warned of it, which fails a strict build

    def math(self, node):
        """Spaces keep the marks off Chinese characters: some viewers take them for words."""
        before = " " if re.match(f"[{HAN}]", edge(node, -1)) else ""
        after = " " if re.match(f"[{HAN}]", edge(node, 1)) else ""
        return f"{before}${node.astext()}${after}"

    def math_block(self, node):
        text = node.astext().strip()
        if "\\\\" in text and "\\begin" not in text:
            text = f"\\begin{{aligned}}\n{text}\n\\end{{aligned}}"
        return f"$$\n{text}\n$$"

    def reference(self, node):
        target = node.get("refuri") or "#" + node["refid"]
        return f"[{self.inline(node)}]({urljoin(self.page_url, target)})"

    def paragraph(self, node):
        return self.inline(node)

    compact_paragraph = paragraph

    def title(self, node):
        depth = 0
        parent = node.parent
        while isinstance(parent, nodes.section):
            depth, parent = depth + 1, parent.parent
        return "#" * depth + " " + self.inline(node)

    def bullet_list(self, node):
        return "\n".join(self.item("- ", item) for item in node.children)

    def enumerated_list(self, node):
        first = node.get("start", 1)
        return "\n".join(self.item(f"{i}. ", item) for i, item in enumerate(node.children, first))

    def item(self, mark, node):
        return mark + self.blocks(node).replace("\n", "\n" + " " * len(mark))

    def definition_list(self, node):
        return "\n\n".join(
            f"<strong>{self.inline(item[0])}</strong>  \n{self.blocks(item[-1])}"
            for item in node.children
        )

    def block_quote(self, node):
        return self.quoted(self.blocks(node))

    def quoted(self, text):
        return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))

    def Admonition(self, node):
        title = admonitionlabels[node.tagname]
        return self.quoted(f"<strong>{title}</strong>\n\n{self.blocks(node)}")

    def literal_block(self, node):
        return f"```{node.get('language', '')}\n{node.astext()}\n```"

    def table(self, node):
        rows = [
            "| " + " | ".join(self.blocks(entry).replace("\n\n", "<br>") for entry in row) + " |"
            for row in node.findall(nodes.row)
        ]
        columns = len(next(node.findall(nodes.row)).children)
        return "\n".join([rows[0], "|" + " --- |" * columns, *rows[1:]])

    def container(self, node):
        return self.blocks(node)

    def comment(self, node):
        return ""

    target = substitution_definition = comment
