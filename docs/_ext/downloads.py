"""Notebooks, scripts and zips in the language of the page, made from the page itself.

The text of each cell is written in Markdown from the resolved page, so a notebook says what the
page says: markup beside Chinese characters is read by the same parser, and a cross-reference
leads to the page on the site. The code is the tutorial's own.
"""

import html
import json
import posixpath
import re
import zipfile
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes
from nbformat import v4
from sphinx import addnodes
from sphinx.locale import admonitionlabels
from sphinx_gallery.py_source_parser import remove_config_comments

from chinese import edge
from gallery import AuthoringError, language, solution
from tutorial import HAN

WORDS = {
    "en": {
        "page": "Read this page on the site",
        "figure": "What the figure shows",
        "solution": "Solution",
        "try": "Your turn: try it in the empty cell. The solution is folded below it.",
        "notebook": "Notebook",
        "script": "Script",
        "both": "Both (zip)",
        "all": "The whole course (zip)",
        "download": "Download: ",
    },
    "zh": {
        "page": "在网站上阅读这一页",
        "figure": "图中内容",
        "solution": "参考答案",
        "try": "轮到你了：在空单元格里试一试，参考答案折叠在它下面。",
        "notebook": "笔记本",
        "script": "脚本",
        "both": "两者打包（zip）",
        "all": "全部教程（zip）",
        "download": "下载：",
    },
}
ALL = "pytorch-autograd-{}.zip"


class Markdown:
    """Markdown, as Jupyter reads it, of the nodes of one page.

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
            f"{Path(__file__).name} or say it another way"
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


def cell_texts(tutorial, doctree, markdown):
    """Markdown by number of text cell, and text alternatives by number of code cell."""
    texts, alternatives, current = {}, {}, None

    def walk(parent):
        nonlocal current
        for node in parent.children:
            if isinstance(node, nodes.comment):
                mark, _, rest = node.astext().partition(" ")
                if mark == "cell":
                    current = int(rest.split()[0])
                elif mark == "alt":
                    alternatives[current] = rest
            elif "calls" in node.get("classes", ()):
                pass  # the page's list of calls is no cell
            elif isinstance(node, (nodes.section, solution)):
                walk(node)
            elif current is not None and not tutorial.cells[current].is_code:
                facts = "tutorial-facts" in node.get("classes", ())
                written = "" if facts else markdown(node)
                if written:
                    texts.setdefault(current, []).append(written)

    walk(doctree)
    return {number: "\n\n".join(found) for number, found in texts.items()}, alternatives


def pieces(tutorial, doctree, markdown):
    """The tutorial in one language: ``(kind, text)`` in order.

    Kinds are ``text``, ``code``, ``figure`` (a text alternative) and ``solution``.
    """
    texts, alternatives = cell_texts(tutorial, doctree, markdown)
    for number, cell in enumerate(tutorial.cells):
        if cell.is_code:
            yield cell.kind, remove_config_comments("\n".join(cell.lines)).strip("\n")
            if number in alternatives:
                yield "figure", alternatives[number]
        elif number in texts:
            yield "text", texts[number]


def notebook(parts, lang):
    """A notebook: exercises get an empty cell to work in, their solutions stand collapsed."""
    words, cells = WORDS[lang], []
    for kind, text in parts:
        if kind == "figure":
            summary = f"<summary>{words['figure']}</summary>"
            cells.append(v4.new_markdown_cell(f"<details>{summary}{html.escape(text)}</details>"))
        elif kind == "text":
            cells.append(v4.new_markdown_cell(text))
        elif kind == "code":
            cells.append(v4.new_code_cell(text))
        else:
            cells[-1].source += f"\n\n{words['try']}"
            cells.append(v4.new_code_cell(""))
            cells.append(v4.new_markdown_cell(f"<strong>{words['solution']}</strong>"))
            folded = {"jupyter": {"source_hidden": True}, "tags": ["hide-input", "solution"]}
            cells.append(v4.new_code_cell(text, metadata=folded))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"


def script(parts, lang):
    """A script in the percent format, which editors open as cells and ``python`` runs."""
    words, chunks = WORDS[lang], []
    for kind, text in parts:
        if kind in ("text", "figure"):
            text = f"[{words['figure']}] {text}" if kind == "figure" else text
            lines = "\n".join(f"# {line}".rstrip() for line in text.split("\n"))
            chunks.append(f"# %% [markdown]\n{lines}\n")
        else:
            title = f" {words['solution']}" if kind == "solution" else ""
            chunks.append(f"# %%{title}\n{text}\n")
    return "\n".join(chunks)


def write_zip(path, members):
    """Write ``members`` (name, text) with a fixed date: the same site gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def offer(app, doctree, docname):
    """Write the downloads of one tutorial and link them under its title."""
    tutorial = getattr(app, "tutorials", {}).get(docname)
    if tutorial is None or app.builder.format != "html":
        return
    lang = language(app)
    words = WORDS[lang]
    page_url = urljoin(app.config.html_baseurl, app.builder.get_target_uri(docname))
    parts = list(pieces(tutorial, doctree, Markdown(lang, page_url)))
    parts[0] = ("text", f"{parts[0][1]}\n\n[{words['page']}]({page_url})")
    folder = Path(app.outdir, "downloads", tutorial.path.parent.name)
    folder.mkdir(parents=True, exist_ok=True)
    stem = tutorial.path.stem
    files = {f"{stem}.ipynb": notebook(parts, lang), f"{stem}.py": script(parts, lang)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    write_zip(folder / f"{stem}.zip", files.items())
    links = nodes.paragraph("", words["download"], classes=["tutorial-downloads"])
    base = posixpath.relpath("downloads", posixpath.dirname(docname))
    part = tutorial.path.parent.name
    for word, target in (
        ("notebook", f"{part}/{stem}.ipynb"),
        ("script", f"{part}/{stem}.py"),
        ("both", f"{part}/{stem}.zip"),
        ("all", ALL.format(lang)),
    ):
        link = addnodes.download_reference("", "", refuri=f"{base}/{target}")
        link += nodes.inline("", words[word])
        links += [link, nodes.Text(" ")]
    facts = next(n for n in doctree.findall(nodes.paragraph) if "tutorial-facts" in n["classes"])
    facts.parent.insert(facts.parent.index(facts) + 1, links)


def pack(app, error):
    """Put the downloads of every tutorial into one zip."""
    if error or app.builder.format != "html":
        return
    folder, lang = Path(app.outdir, "downloads"), language(app)
    kept = {f"{t.path.parent.name}/{t.path.stem}" for t in app.tutorials.values()}
    members = []
    for path in sorted(folder.glob("*/*")):
        name = path.relative_to(folder).as_posix()
        if name.rsplit(".", 1)[0] not in kept:
            path.unlink()
        elif path.suffix != ".zip":
            members.append((f"pytorch-autograd-{lang}/{name}", path.read_text(encoding="utf-8")))
    write_zip(folder / ALL.format(lang), members)
    tool = Path(__file__).with_name("autograd_graph.py")
    (folder / tool.name).write_text(tool.read_text(encoding="utf-8"), encoding="utf-8")


def setup(app):
    app.connect("doctree-resolved", offer)
    app.connect("build-finished", pack)
    return {"parallel_write_safe": False}
