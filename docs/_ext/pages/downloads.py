"""Notebooks, scripts and zips in the language of the page, made from the page itself.

The text of each cell is written in Markdown from the resolved page, so a notebook says what the
page says: markup beside Chinese characters is read by the same parser, and a cross-reference
leads to the page on the site. The code is the tutorial's own.
"""

import html
import json
import posixpath
import zipfile
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes
from nbformat import v4
from sphinx import addnodes

from pages.markdown import Markdown
from pages.script import code
from run import READERS

ALL = "pytorch-autograd-{}.zip"


def cell_texts(tutorial, doctree, markdown):
    """Markdown by number of text cell, and text alternatives by number of code cell."""
    texts, alternatives = {}, {}
    for node in doctree.findall(nodes.Element):
        cell = node.get("cell")
        if cell is None:
            continue
        if tutorial.cells[cell].is_code:
            if "alt" in node:
                alternatives[cell] = node["alt"]
        elif written := markdown(node):
            texts.setdefault(cell, []).append(written)
    return {number: "\n\n".join(found) for number, found in texts.items()}, alternatives


def pieces(tutorial, doctree, markdown):
    """The tutorial in one language: ``(kind, text)`` in order.

    Kinds are ``text``, ``figure`` (a text alternative) and those of cells of code.
    """
    texts, alternatives = cell_texts(tutorial, doctree, markdown)
    for number, cell in enumerate(tutorial.cells):
        if cell.is_code:
            yield cell.kind, code(cell)
            if number in alternatives:
                yield "figure", alternatives[number]
        elif number in texts:
            yield "text", texts[number]


def notebook(parts, words):
    """A notebook: exercises get an empty cell to work in; solutions and checks stand collapsed."""
    cells, collapsed = [], {"source_hidden": True}
    for kind, text in parts:
        if kind == "figure":
            summary = f"<summary>{words['figure_shows']}</summary>"
            cells.append(v4.new_markdown_cell(f"<details>{summary}{html.escape(text)}</details>"))
        elif kind == "text":
            cells.append(v4.new_markdown_cell(text))
        elif kind in ("code", "predict"):
            cells.append(v4.new_code_cell(text))
        elif kind == "check":
            metadata = {"jupyter": collapsed, "tags": ["hide-input", "check"]}
            cells.append(v4.new_code_cell(text, metadata=metadata))
        else:
            cells[-1].source += f"\n\n{words['your_turn']}"
            cells.append(v4.new_code_cell(""))
            cells.append(v4.new_markdown_cell(f"<strong>{words['solution']}</strong>"))
            folded = {"jupyter": collapsed, "tags": ["hide-input", "solution"]}
            cells.append(v4.new_code_cell(text, metadata=folded))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"


def script(parts, words):
    """A script in the percent format, which editors open as cells and ``python`` runs."""
    chunks, titles = [], {"check": words["check"], "solution": words["solution"]}
    for kind, text in parts:
        if kind in ("text", "figure"):
            text = f"[{words['figure_shows']}] {text}" if kind == "figure" else text
            lines = "\n".join(f"# {line}".rstrip() for line in text.split("\n"))
            chunks.append(f"# %% [markdown]\n{lines}\n")
        else:
            title = titles.get(kind, "")
            chunks.append(f"# %% {title}".rstrip() + f"\n{text}\n")
    return "\n".join(chunks)


def write_zip(path, members):
    """Write ``members`` (name, text) with a fixed date: the same site gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def offer(app, doctree, docname):
    """Write the downloads of one tutorial and link them under its title."""
    site = app.site
    tutorial = site.tutorials.get(docname)
    if tutorial is None or app.builder.format != "html":
        return
    words = site.words
    page_url = urljoin(app.config.html_baseurl, app.builder.get_target_uri(docname))
    parts = list(pieces(tutorial, doctree, Markdown(site.language, page_url)))
    parts[0] = ("text", f"{parts[0][1]}\n\n[{words['read_online']}]({page_url})")
    folder = Path(app.outdir, "downloads", tutorial.part)
    folder.mkdir(parents=True, exist_ok=True)
    stem = tutorial.path.stem
    files = {f"{stem}.ipynb": notebook(parts, words), f"{stem}.py": script(parts, words)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    write_zip(folder / f"{stem}.zip", files.items())
    links = nodes.paragraph("", words["download"], classes=["tutorial-downloads"])
    base = posixpath.relpath("downloads", posixpath.dirname(docname))
    for word, target in (
        (words["notebook"], f"{tutorial.part}/{stem}.ipynb"),
        (words["script"], f"{tutorial.part}/{stem}.py"),
        (words["notebook_and_script"], f"{tutorial.part}/{stem}.zip"),
        (words["whole_course"], ALL.format(site.language)),
    ):
        link = addnodes.download_reference("", "", refuri=f"{base}/{target}")
        link += nodes.inline("", word)
        links += [link, nodes.Text(" ")]
    facts = next(n for n in doctree.findall(nodes.paragraph) if "tutorial-facts" in n["classes"])
    facts.parent.insert(facts.parent.index(facts) + 1, links)


def pack(app):
    """Put the downloads of every tutorial into one zip, and lay the readers' tools beside it."""
    folder, language = Path(app.outdir, "downloads"), app.site.language
    kept = {f"{t.part}/{t.path.stem}" for t in app.site.course.scripts}
    members = []
    for path in sorted(folder.glob("*/*")):
        name = path.relative_to(folder).as_posix()
        if name.rsplit(".", 1)[0] not in kept:
            path.unlink()
        elif path.suffix != ".zip":
            members.append(
                (f"pytorch-autograd-{language}/{name}", path.read_text(encoding="utf-8"))
            )
    write_zip(folder / ALL.format(language), members)
    for tool in READERS.glob("autograd_*.py"):
        (folder / tool.name).write_text(tool.read_text(encoding="utf-8"), encoding="utf-8")
