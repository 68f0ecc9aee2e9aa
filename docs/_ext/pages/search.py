"""The site's search: what a reader can find, written for the engine in the browser.

Each section of each page is one document: heading, anchor, prose, code and printed text. They
are gathered when a page is read, kept with Sphinx's environment, and written in pieces, of which
a query loads few. ``_static/search-index.js`` has titles, words and the glossary, and names the
others: each has the places of some words, for the ranking, or a page's sections, to be shown.
They are scripts because ``file://`` allows no fetch, and named by what they hold so that those of
two builds cannot mix. ``_static/search.js`` reads them. Sphinx's own search is off.

Formulas, measured times, addresses and bare numbers are left out: nobody looks for them.
"""

import hashlib
import json
import re
import tomllib
import unicodedata
from collections import Counter
from functools import partial
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from course.text import HAN
from pages.site import AuthoringError, write

RELATED = Path(__file__).parents[2] / "search.toml"
UNREAD = (
    nodes.Invisible,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.image,
    nodes.system_message,
    addnodes.toctree,
)
PLAIN_FORMULA = re.compile(r"[A-Za-z0-9 =+\-.,()<>/]+")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+\b")
MEASURED = re.compile(r"\d ?(?:%|(?:[nmuµμ]?s|sec|seconds)\b)|\btime total\b")
WORD = re.compile(r"(?<!\S)[^\W\d_][\w'-]+[,.:;!?]?(?!\S)")
COLUMNS = re.compile(r"\S {2,}\S")
# A name that is no common word: torch.float32, AccumulateGrad, max_norm.
NAME = re.compile(r"\b[A-Za-z]\w*(?:[._]|::|[a-z](?=[A-Z]))\w+(?:[.:]+\w+)*")
# An attribute, a name with an underscore, or what is called or set.
CALLED = re.compile(r"\.([A-Za-z_]\w{2,})|\b([A-Za-z]\w*_\w*)\b|\b([A-Za-z]{4,})(?=[=(])")
FRAME = re.compile(r"assert |plt\.|import |from |#")
LATIN = rf"(?:(?![{HAN}])\w)+"
PIECE = re.compile(rf"[{HAN}]+|{LATIN}(?:(?:[.\-]|::){LATIN})*")
NUMBER = re.compile(r"[0-9.]*[0-9](?:e-?[0-9]+)?|0x[0-9a-f]+")
INSIDE = re.compile(r"_|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
FIELDS = "thkxc"  # the page's title, the section's heading, the page's tags, text, code
WORDS = 80  # whose places are in one piece
dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def printed(text):
    """What of an output is worth finding: its sentences, and the names among the numbers."""
    if MEASURED.search(text):
        return []
    kept, wrapped = [], False
    for line in map(str.strip, ADDRESS.sub("", text).split("\n")):
        if wrapped and line:
            kept[-1] += f" {line}"
        elif len(WORD.findall(line)) >= 4 and not COLUMNS.search(line):
            kept.append(line)
        else:
            kept += [" ".join(names)] if (names := NAME.findall(line)) else []
            continue
        wrapped = len(line) > 50  # an error's message goes on in the next line
    return kept


def worth_finding(code, known):
    """The lines of ``code`` that bring a name which is not in ``known``; adds it there.

    A page uses a name many times and explains it once; prose names it too.
    """
    kept = []
    for line in map(str.strip, code.split("\n")):
        if not FRAME.match(line):
            names = {next(filter(None, found)) for found in CALLED.findall(line)}
            if names - known:
                known |= names
                kept.append(line)
    return kept


class Page:
    """The sections of one page, gathered from its doctree."""

    def __init__(self, doctree):
        self.tags, self.sections, self.known = [], [], set()
        for section in doctree.findall(nodes.section):
            self.section(section)

    def section(self, section):
        self.prose, self.code = [], []
        for node in section.children[1:]:
            if not isinstance(node, nodes.section):
                self.block(node)
        heading = self.inline(section[0])
        anchor = section["ids"][0] if self.sections else ""
        self.sections.append([anchor, heading, "\n".join(self.prose), "\n".join(self.code)])

    def block(self, node):
        if isinstance(node, UNREAD):
            return
        if "tutorial-facts" in node.get("classes", ()):
            self.tags += [tag.astext() for tag in node.findall(nodes.literal)]
        elif isinstance(node, nodes.literal_block):
            if "sphx-glr-script-out" in node["classes"]:
                self.code += printed(node.astext())
            else:
                self.code += worth_finding(node.astext(), self.known)
        elif isinstance(node, nodes.TextElement):
            self.prose.append(self.inline(node))
        elif isinstance(node, nodes.row):
            self.prose.append(" · ".join(filter(None, map(self.inline, node))))
        else:
            for child in node.children:
                self.block(child)

    def inline(self, node):
        """The words of ``node``. A link to a section stands as its label, between NULs."""
        if isinstance(node, nodes.Text):
            return node.astext().replace("\n", " ")
        if isinstance(node, nodes.math):
            latex = node.astext()
            return latex if PLAIN_FORMULA.fullmatch(latex) else "…"
        if isinstance(node, UNREAD):
            return ""
        if isinstance(node, addnodes.pending_xref) and not node["refexplicit"]:
            return f"\0{node['reftarget']}\0"
        return "".join(map(self.inline, node.children))


def gather(app, doctree):
    page = Page(doctree)
    if not hasattr(app.env, "search_pages"):
        app.env.search_pages = {}
    app.env.search_pages[app.env.docname] = (page.tags, page.sections)


def forget(app, env, docname):
    getattr(env, "search_pages", {}).pop(docname, None)


def glossary(path):
    """Every term of the Chinese glossary: its names in both languages, then the avoided ones."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 4:
            raise AuthoringError(
                f"{path}:{number}: a row of the glossary with {len(cells)} cells: write four, "
                "term, English, meaning, and what is not used or nothing"
            )
        chinese, english, _, avoided = cells
        english = re.sub(r" \(.*\)", "", english)
        rows.append([chinese, english, *filter(None, avoided.split("、"))])
    return rows[2:]


def cut(text):
    """The words of ``text``, as in ``search.js``: names and their parts, pairs of characters."""
    for piece in PIECE.findall(unicodedata.normalize("NFKC", text)):
        whole, names = piece.lower(), re.split(r"[.\-]|::", piece)
        if re.match(f"[{HAN}]", piece):
            yield from (piece[i : i + 2] for i in range(max(1, len(piece) - 1)))
        elif NUMBER.fullmatch(whole):
            yield whole
        else:
            parts = (part.lower() for name in names for part in INSIDE.split(name))
            parts = {re.sub("(?<=[a-z]{3})[0-9]+$", "", part) for part in parts} - {""}
            yield from parts | {whole, whole.replace("-", ""), *map(str.lower, names)}


def places(pages):
    """A line for each word that says where it stands, and of each page what its sections count.

    ``dropout 7 2h 0x3``: in section 7 of all; in the heading of section 9, and there in the text
    three times. A section counts what it is worth and how many words each of its fields has.
    """
    found, counts, number = {}, [], 0
    for _, tags, sections in pages:
        counts.append([])
        for anchor, heading, *rest in sections:
            own = (heading, "") if counts[-1] else ("", " ".join(tags))
            fields = [Counter(cut(text)) for text in (sections[0][1], *own, *rest)]
            counts[-1].append([0.5 if anchor == "where-next" else 1, *map(len, fields)])
            for letter, words in zip(FIELDS, fields, strict=True):
                for word, times in words.items():
                    line, last = found.get(word, (word, 0))
                    where = f"{letter}{times}" if times > 1 else letter.strip("x")
                    found[word] = f"{line} {number - last}{where}", number
            number += 1
    return [found[word][0] for word in sorted(found)], counts


def pieces(pages, **more):
    """The scripts that ``search.js`` loads, by name: the same pages give the same bytes."""
    files = {}

    def piece(held):
        name = hashlib.sha256(dumps(held).encode()).hexdigest()[:8]
        files[f"search-{name}.js"] = f'searchPieces["{name}"]={dumps(held)};\n'
        return name

    lines, counts = places(pages)
    words = [line.partition(" ")[0] for line in lines]
    groups = range(0, len(lines), WORDS)
    index = {
        "pages": [
            [address, sections[0][1], piece(sections), numbers]
            for (address, _, sections), numbers in zip(pages, counts, strict=True)
        ],
        "parts": [[words[i], piece("\n".join(lines[i : i + WORDS]))] for i in groups],
        "words": " ".join(word for word in words if re.fullmatch("[a-z_]+", word)),
    } | more
    return files | {"search-index.js": f"window.searchIndex={dumps(index)};\n"}


def write_index(app):
    """Write the pieces of this build, and remove those of the one before."""
    labels = app.env.get_domain("std").labels

    def titled(text):
        return re.sub("\0(.*?)\0", lambda match: labels.get(match[1], ("", "", ""))[2], text)

    pages = []
    for docname, (tags, sections) in sorted(app.env.search_pages.items()):
        shown = [[titled(text) for text in section] for section in sections]
        if shown:
            pages.append([app.builder.get_target_uri(docname), tags, shown])
    words = Path(app.confdir, "docs/zh/glossary.md")
    terms = glossary(words) if words.is_file() else []
    related = tomllib.loads(RELATED.read_text(encoding="utf-8"))["related"]
    files, static = pieces(pages, terms=terms, related=related), Path(app.outdir, "_static")
    for gone in {*static.glob("search-*.js")} - {static / name for name in files}:
        gone.unlink()
    for name, text in files.items():
        write(static / name, text)


def search_page(app):
    yield "search", {"title": app.site.words["search"]}, "search.html"
