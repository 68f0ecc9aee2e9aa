"""Bring the bilingual tutorials to Sphinx-Gallery, and its pages to the reader's language.

Before Sphinx-Gallery runs, each tutorial is projected to the language of this build and each
part gets its index page. When a page has been read, anchors, text alternatives and folded
solutions are set from the marks that the projection left, and Sphinx-Gallery's own English
notices are removed: what a reader needs of them is said in the reader's language.
"""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import SphinxError
from sphinx.transforms import SphinxTransform
from sphinx_gallery._doctree_links import CodeLinksTransform
from sphinx_gallery.directives import imgsgnode

import both
import figures
from tutorial import project, tutorials

WORDS = {
    "en": {
        "beginner": "Beginner",
        "intermediate": "Intermediate",
        "advanced": "Advanced",
        "minutes": "{} min",
        "count": "{} tutorials, {} minutes",
        "solution": "Solution",
    },
    "zh": {
        "beginner": "入门",
        "intermediate": "中级",
        "advanced": "进阶",
        "minutes": "{} 分钟",
        "count": "{} 篇，共 {} 分钟",
        "solution": "参考答案",
    },
}


class AuthoringError(SphinxError):
    """A mistake in a tutorial or a page; the message names the file, the line and the mend."""

    category = "Authoring error"


class solution(nodes.General, nodes.Element):
    """A folded answer; ``summary`` is what stands on the fold."""


def visit_solution(translator, node):
    translator.body.append(f'<details class="solution"><summary>{node["summary"]}</summary>\n')


def depart_solution(translator, node):
    translator.body.append("</details>\n")


def language(app):
    return "zh" if app.config.language.startswith("zh") else "en"


def write(path, text):
    """Write ``text`` unless it stands there already: Sphinx rebuilds what is newer."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def cards(scripts, lang):
    """The cards of one part: thumbnail, title, one sentence, level and minutes."""
    words = WORDS[lang]
    lines = [".. container:: cards", ""]
    for script in scripts:
        about = script.about
        facts = f"{words[about['level']]} · {words['minutes'].format(about['minutes'])}"
        folder = f"/tutorials/{script.path.parent.name}/images/thumb"
        lines += [
            "   .. container:: course-card",
            "",
            f"      .. image:: {folder}/sphx_glr_{script.path.stem}_thumb.png",
            "         :alt:",
            "",
            f"      :ref:`{script.label}`",
            "",
            f"      {script.summary(lang)}",
            "",
            f"      {facts}",
            "",
        ]
    return "\n".join(lines)


def index_page(index, lang, body, entries):
    """An index: label, title and text of its ``index.py``, then ``body`` and a toctree."""
    heading = index.title(lang)
    label = "course" if index.path.parent.name == "tutorials" else index.path.parent.name
    texts = [cell.text for cell in index.cells if cell.kind == lang]
    toctree = "\n".join([".. toctree::", "   :hidden:", "", *(f"   {name}" for name in entries)])
    rule = "=" * (2 * len(heading))
    return "\n\n".join([f".. _{label}:", f"{heading}\n{rule}", *texts, body, toctree]) + "\n"


def project_tutorials(app):
    """Write this language's scripts and index pages for Sphinx-Gallery to render."""
    lang = language(app)
    found = tutorials()
    projected = Path(app.config.projected_dir)
    scripts, indexes = {}, {}
    for tutorial in found:
        if tutorial.is_index:
            indexes[tutorial.path.parent.name] = tutorial
        else:
            scripts.setdefault(tutorial.path.parent.name, []).append(tutorial)
    course = indexes.pop("tutorials")
    parts = [part.strip() for part in course.about.get("parts", "").split(",")]
    if sorted(parts) != sorted(indexes) or sorted(parts) != sorted(scripts):
        raise AuthoringError(
            f"{course.path}:1: the parts listed are {parts}, the folders with an index.py and "
            f"tutorials are {sorted(indexes.keys() & scripts.keys())}: make them agree"
        )
    overview = []
    for part in parts:
        minutes = sum(int(script.about["minutes"]) for script in scripts[part])
        count = WORDS[lang]["count"].format(len(scripts[part]), minutes)
        title = indexes[part].title(lang)
        summary = indexes[part].summary(lang)
        shown = cards(scripts[part], lang)
        overview.append(
            f".. _course-{part}:\n\n{title}\n{'-' * 2 * len(title)}\n\n{summary}\n\n"
            f".. rst-class:: part-count\n\n{count} · :ref:`{part}`\n\n{shown}"
        )
        page = index_page(indexes[part], lang, shown, [s.path.stem for s in scripts[part]])
        write(projected / part / "index.rst", page)
        for script in scripts[part]:
            write(projected / part / script.path.name, project(script, lang))
    entries = [f"{part}/index" for part in parts]
    write(projected / "index.rst", index_page(course, lang, "\n\n".join(overview), entries))
    conf = app.config.sphinx_gallery_conf
    conf["expected_failing_examples"] = {
        str(projected / Path(path).relative_to("tutorials"))
        for path in conf["expected_failing_examples"]
    }
    remove_stale(projected, Path(app.srcdir, "tutorials"), scripts)
    app.tutorials = {
        f"tutorials/{part}/{script.path.stem}": script for part in parts for script in scripts[part]
    }


def remove_stale(projected, rendered, scripts):
    """Remove what an earlier build left of tutorials that are gone: nothing links to it."""
    for folder in (projected, rendered):
        for part in folder.glob("*/"):
            kept = ("index", *(script.path.stem for script in scripts.get(part.name, ())))
            for path in part.rglob("*"):
                if path.is_file() and not path.name.removeprefix("sphx_glr_").startswith(kept):
                    path.unlink()


class PageMarks(SphinxTransform):
    """What the marks of the projection ask for; see the module."""

    default_priority = 500

    def apply(self):
        self.set_anchors()
        tutorial = self.app.tutorials.get(self.env.docname)
        if tutorial is None:
            return
        for chrome in list(self.document.findall(addnodes.only)):
            chrome.parent.remove(chrome)
        self.set_alternatives(tutorial)
        self.fold_solutions(tutorial)

    def set_anchors(self):
        """Let each section's label be its anchor: labels are equal in both languages."""
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

    def set_alternatives(self, tutorial):
        figure, cell = None, 0
        for node in list(self.document.findall()):
            if isinstance(node, imgsgnode):
                self.require_alternative(tutorial, figure)
                figure = figures.image(node, self.app.srcdir)
                figure.cell = cell
                node.replace_self(figure)
            elif isinstance(node, nodes.comment):
                mark, _, rest = node.astext().partition(" ")
                if mark == "cell":
                    cell = int(rest.split()[0])
                elif mark == "alt":
                    if figure is None or "alt" in figure:
                        line = tutorial.cells[cell].line
                        raise AuthoringError(
                            f"{tutorial.path}:{line}: a text alternative without a figure: "
                            "the cell above shows none, remove the pair"
                        )
                    figure["alt"] = rest
        self.require_alternative(tutorial, figure)

    def require_alternative(self, tutorial, figure):
        if figure is not None and "alt" not in figure:
            raise AuthoringError(
                f"{tutorial.path}:{tutorial.cells[figure.cell].line}: a figure without a text "
                "alternative: show one figure a cell, and say what it shows in '# %% en alt' and "
                "'# %% zh alt' behind the cell"
            )

    def fold_solutions(self, tutorial):
        summary = WORDS[language(self.app)]["solution"]
        for comment in list(self.document.findall(nodes.comment)):
            if comment.astext().startswith("cell ") and comment.astext().endswith(" solution"):
                fold = solution("", summary=summary)
                parent, start = comment.parent, comment.parent.index(comment) + 1
                while start < len(parent.children):
                    node = parent[start]
                    ends = isinstance(node, nodes.comment) and node.astext().startswith("cell ")
                    if ends or isinstance(node, nodes.section):
                        break
                    parent.remove(node)
                    fold.append(node)
                parent.insert(start, fold)


def show_facts(app, doctree):
    """Put level, minutes and tags under the title."""
    tutorial = app.tutorials.get(app.env.docname)
    if tutorial is None:
        return
    about, words = tutorial.about, WORDS[language(app)]
    facts = f"{words[about['level']]} · {words['minutes'].format(about['minutes'])}"
    line = nodes.paragraph("", facts + " · ", classes=["tutorial-facts"])
    for tag in about["tags"].split(","):
        line += [nodes.literal(tag.strip(), tag.strip()), nodes.Text(" ")]
    title = next(doctree.findall(nodes.title))
    title.parent.insert(title.parent.index(title) + 1, line)


def skip_code_links(app):
    """Leave code to the highlighter: no inventory is loaded that Sphinx-Gallery could link to.

    Its transform turns every token of the code into a node; a third of a build went there.
    """
    app.registry.post_transforms.remove(CodeLinksTransform)


def remove_gone(app, error):
    """Remove pages and figures that are no more: a reader's old link should end at the 404."""
    if error or app.builder.format != "html":
        return
    pages = Path(app.outdir)
    for page in pages.rglob("*.html"):
        docname = page.relative_to(pages).as_posix().removesuffix(both.SUFFIX).removesuffix(".html")
        if docname not in app.env.found_docs | {"search"}:
            page.unlink()
            for source in (pages / "_sources").glob(f"{docname}.*"):
                source.unlink()
    shown = {name for _, name in app.env.images.values()}
    for image in (pages / "_images").glob("sphx_glr_*"):
        if image.name not in shown:
            image.unlink()


def setup(app):
    app.add_config_value("projected_dir", None, "env")
    app.add_node(solution, html=(visit_solution, depart_solution))
    app.add_transform(PageMarks)
    app.connect("builder-inited", project_tutorials, priority=100)
    app.connect("builder-inited", skip_code_links)
    app.connect("doctree-read", show_facts)
    app.connect("build-finished", remove_gone)
    return {"parallel_read_safe": False}
