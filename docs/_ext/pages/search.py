"""What a reader can find: the sections of each page, with their prose, code and printed text.

They are gathered when a page is read and kept with Sphinx's environment; ``pieces`` writes them.
Formulas, measured times, addresses and bare numbers are left out: nobody looks for them.
"""

import re

from docutils import nodes
from sphinx import addnodes

from pages.site import AuthoringError

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
        if isinstance(node, UNREAD) or "check" in node.get("classes", ()):
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


def search_page(app):
    yield "search", {"title": app.site.words["search"]}, "search.html"
