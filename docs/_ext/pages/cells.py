"""What a page's blocks are: the cell of each, anchors, alternatives, what is folded or covered."""

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx_gallery.directives import imgsgnode

from course.form import assertions
from pages.images import image
from pages.site import AuthoringError


class fold(nodes.container):
    """What is folded away; ``summary`` is what stands on the fold."""


def visit_fold(translator, node):
    classes = " ".join(node["classes"])
    translator.body.append(f'<details class="{classes}"><summary>{node["summary"]}</summary>\n')


def depart_fold(translator, node):
    translator.body.append("</details>\n")


class cover(nodes.container):
    """The answer to a prediction. Nothing covers it but the script that also opens it."""


def visit_cover(translator, node):
    words, number = translator.builder.app.site.words, node["number"]
    guess = f"guess-{number}"
    translator.body.append(
        f'<form class="guess"><label for="{guess}">{words["guess"]}</label>'
        f'<input id="{guess}" autocomplete="off">'
        f'<button type="submit">{words["guess_compare"]}</button>'
        f'<button type="button">{words["guess_show"]}</button></form>\n'
        f'<div class="cover" role="group" aria-label="{words["output"]}" tabindex="-1">\n'
    )


def depart_cover(translator, node):
    translator.body.append("</div>\n")


class Anchors(SphinxTransform):
    """Let each section's label be its anchor: labels are equal in both languages."""

    default_priority = 500

    def apply(self):
        document, page = self.document, None
        for section in document.findall(nodes.section):
            labels = [name for name in section["names"] if document.nametypes.get(name)]
            labels = [name for name in labels if not name.startswith("sphx_glr")]
            if not labels:
                raise AuthoringError(
                    f"{document['source']}:{section.line}: the section {section[0].astext()!r} "
                    "has no label: write one above it, the same in both languages"
                )
            page = page or labels[0]
            anchor = labels[0].removeprefix(f"{page}-")
            section["ids"] = [anchor]
            document.nameids[labels[0]] = anchor
            document.ids[anchor] = section


class Cells(SphinxTransform):
    """Turn the marks of ``script.page`` into ``node["cell"]``, the number of a block's cell."""

    default_priority = 500

    def apply(self):
        tutorial = self.app.site.tutorials.get(self.env.docname)
        if tutorial is None:
            return
        self.read_marks(tutorial)
        self.fold(tutorial)
        self.cover(tutorial)

    def read_marks(self, tutorial):
        cell, figure = 0, None
        for node in list(self.document.findall(nodes.Element)):
            if isinstance(node, nodes.comment):
                mark, _, words = node.astext().partition(" ")
                if mark == "cell":
                    cell = int(words)
                elif mark == "alt":
                    self.describe(figure, words, f"{tutorial.path}:{tutorial.cells[cell].line}")
                node.parent.remove(node)
            elif isinstance(node, imgsgnode):
                self.require_alternative(tutorial, figure)
                figure = image(node, self.app.srcdir)
                figure["cell"] = cell
                node.replace_self(figure)
            elif isinstance(node.parent, nodes.section) and not isinstance(node, nodes.section):
                node["cell"] = cell
        self.require_alternative(tutorial, figure)

    def describe(self, figure, words, place):
        if figure is None or "alt" in figure:
            raise AuthoringError(
                f"{place}: a text alternative without a figure: the cell above shows none, remove "
                "the pair"
            )
        figure["alt"] = words

    def require_alternative(self, tutorial, figure):
        if figure is not None and "alt" not in figure:
            raise AuthoringError(
                f"{tutorial.path}:{tutorial.cells[figure['cell']].line}: a figure without a text "
                "alternative: show one figure a cell, and say what it shows in '# %% en alt' and "
                "'# %% zh alt' behind the cell"
            )

    def blocks(self):
        """Each section with its blocks and their cells, the sections in it left out."""
        for section in list(self.document.findall(nodes.section)):
            own = [(node, node["cell"]) for node in section if "cell" in node]
            yield section, own

    def fold(self, tutorial):
        """Fold what solves an exercise, and what checks a cell."""
        for section, own in self.blocks():
            for number in dict.fromkeys(cell for _, cell in own):
                summary = self.summary(tutorial.cells[number])
                if summary is None:
                    continue
                kind = tutorial.cells[number].kind
                folded = fold("", summary=summary, classes=[kind], cell=number)
                move([node for node, cell in own if cell == number], folded, section)

    def summary(self, cell):
        words = self.app.site.words
        if cell.kind == "check":
            count = assertions(cell)
            return words["check_one"] if count == 1 else words["checks"].format(count)
        return words["solution"] if cell.kind == "solution" else None

    def cover(self, tutorial):
        """Cover what a prediction shows, and what is said of it: up to a heading or other code."""
        for section, own in self.blocks():
            covered = None
            for node, number in own:
                cell = tutorial.cells[number]
                is_code = isinstance(node, nodes.literal_block) and node.get("language") == "Python"
                if cell.kind == "predict" and is_code:
                    covered = cover("", number=number)
                elif cell.kind in ("code", "solution"):
                    covered = None
                elif covered is not None:
                    move([node], covered, section)


def move(blocks, box, section):
    """Move ``blocks`` of ``section`` into ``box``, which takes the place of the first."""
    if box.parent is None:
        section.insert(section.index(blocks[0]), box)
    for block in blocks:
        section.remove(block)
    box += blocks
