"""What a page's blocks are: the cell that each comes from, anchors, alternatives, solutions."""

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx_gallery.directives import imgsgnode

from pages.images import image
from pages.site import AuthoringError


class fold(nodes.container):
    """What is folded away; ``summary`` is what stands on the fold."""


def visit_fold(translator, node):
    classes = " ".join(node["classes"])
    translator.body.append(f'<details class="{classes}"><summary>{node["summary"]}</summary>\n')


def depart_fold(translator, node):
    translator.body.append("</details>\n")


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
        self.fold_solutions(tutorial)

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

    def fold_solutions(self, tutorial):
        cells = enumerate(tutorial.cells)
        numbers = [number for number, cell in cells if cell.kind == "solution"]
        for section in list(self.document.findall(nodes.section)):
            for number in numbers:
                answer = [node for node in section if node.get("cell") == number]
                if answer:
                    words = self.app.site.words["solution"]
                    folded = fold("", summary=words, classes=["solution"])
                    section.insert(section.index(answer[0]), folded)
                    for node in answer:
                        section.remove(node)
                    folded += answer
