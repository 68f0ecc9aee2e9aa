"""A tutorial: one script, two languages, read into cells and projected to one language.

Each cell is opened by a marker at the start of a line::

    # %% about                  level, minutes, tags; first in the file
    # %% en: Heading            prose; reStructuredText in comments
    # %% zh 3fa2c1: Heading     its Chinese twin, right behind it
    # %% en alt / # %% zh alt   what the figure above shows
    # %%                        code
    # %% solution               code that answers the exercise above

The six hexadecimal digits in a Chinese marker are the digest of the English twin that
the Chinese was written for.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

LANGUAGES = ("en", "zh")
CODES = {"en": "en", "zh": "zh-CN"}  # as HTML names them
TUTORIALS = Path(__file__).resolve().parents[2] / "tutorials"

MARKER = re.compile(
    r"# %%(?: (?P<kind>about|en|zh|solution))?(?P<alt> alt)?"
    r"(?: (?P<signature>[0-9a-f]{6}))?(?:: (?P<heading>\S.*))?$"
)
ROLE = re.compile(r":([a-z:]+):`([^`]+)`")
LITERAL = re.compile(r"``(.+?)``")


@dataclass
class Cell:
    """One cell: its marker's fields, its first line and its lines (prose without ``#``)."""

    kind: str  # "about", "en", "zh", "code" or "solution"
    line: int
    alt: bool = False
    signature: str = ""
    heading: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def text(self):
        return "\n".join(self.lines).strip("\n")

    @property
    def is_code(self):
        return self.kind in ("code", "solution")

    def digest(self):
        """Six hex digits of the words: rewrapping a paragraph does not change them."""
        words = " ".join(f"{self.heading} {self.text}".split())
        return hashlib.sha256(words.encode()).hexdigest()[:6]


@dataclass
class Tutorial:
    """A bilingual script: its cells, and what its ``about`` cell says.

    ``name`` is the file's name without its number; ``label`` is ``name`` as used in ``:ref:``.
    """

    path: Path
    cells: list[Cell]
    source: str = ""
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path):
        """Read ``path``; what is wrong with it is collected in ``problems``, never raised."""
        tutorial = cls(Path(path), [])
        data = tutorial.path.read_bytes()
        try:
            source = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            tutorial.problem(line, "not UTF-8", "save the file as UTF-8")
            return tutorial
        tutorial.source = source.replace("\r\n", "\n")
        tutorial._split(tutorial.source.split("\n"))
        return tutorial

    @property
    def name(self):
        return re.sub(r"^\d+_", "", self.path.stem)

    @property
    def label(self):
        return self.name.replace("_", "-")

    @property
    def is_index(self):
        """Whether this is the page of a part, or of the course: text cells only."""
        return self.path.stem == "index"

    @property
    def about(self):
        """The ``about`` cell as a dictionary of strings."""
        cell = next((cell for cell in self.cells if cell.kind == "about"), None)
        pairs = (line.partition(":") for line in cell.lines if line.strip()) if cell else ()
        return {key.strip(): value.strip() for key, _, value in pairs}

    def title(self, language):
        return next(cell.heading for cell in self.cells if cell.kind == language)

    def summary(self, language):
        """The first paragraph of the introduction, on one line."""
        text = next(cell.text for cell in self.cells if cell.kind == language)
        return joined(text.split("\n\n")[0].splitlines(), language)

    def twins(self):
        """Pairs of an English cell and the Chinese one behind it."""
        return [
            (cell, after)
            for cell, after in zip(self.cells, self.cells[1:], strict=False)
            if (cell.kind, after.kind) == LANGUAGES
        ]

    @property
    def shown(self):
        """The path as an author would type it here."""
        here = Path.cwd()
        return self.path.relative_to(here) if self.path.is_relative_to(here) else self.path

    def problem(self, line, what, mend):
        self.problems.append(f"{self.shown}:{line}: {what}: {mend}")

    def _split(self, lines):
        cell = None
        for number, line in enumerate(lines, 1):
            if re.match(r"\s*#\s*%%", line):
                match = MARKER.fullmatch(line.rstrip())
                if match is None:
                    self.problem(
                        number,
                        f"unknown cell marker {line.strip()!r}",
                        "write '# %%', '# %% about', '# %% solution', '# %% en', '# %% zh', "
                        "or the last two with ' alt' or a heading",
                    )
                    cell = Cell("unknown", number)
                    continue
                kind = match["kind"] or "code"
                cell = Cell(
                    kind,
                    number,
                    bool(match["alt"]),
                    match["signature"] or "",
                    match["heading"] or "",
                )
                if kind not in LANGUAGES and (cell.alt or cell.heading or cell.signature):
                    self.problem(
                        number, f"a {kind} cell carries text in its marker", "remove the text"
                    )
                self.cells.append(cell)
            elif cell is None:
                if line.strip():
                    self.problem(number, "text before the first cell", "start with '# %% about'")
                    cell = Cell("unknown", number)
            elif cell.kind in (*LANGUAGES, "about"):
                if line.strip() and not line.startswith("#"):
                    self.problem(
                        number,
                        "code in a text cell",
                        "begin the line with '# ' or open a code cell with '# %%'",
                    )
                    cell = Cell("unknown", number)
                else:
                    cell.lines.append(re.sub("^# ?", "", line).rstrip())
            else:
                cell.lines.append(line)


def joined(lines, language):
    """Lines of one paragraph on one line: Chinese takes no space where a line ends."""
    text = "\n".join(line.strip() for line in lines)
    return unbroken(text) if language == "zh" else text.replace("\n", " ")


HAN = "\u3400-\u9fff"
CJK = "\u2e80-\u303f\u31c0-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef“”‘’…—·"
CJK_PUNCTUATION = "\u3000-\u303f\uff00-\uffef“”‘’…—"


def unbroken(text):
    """Chinese ``text`` with each line end closed up.

    None is left beside a full-width mark, inline markup or between Chinese characters;
    a space between Chinese and Latin letters or digits.
    """
    text = re.sub(rf"(?<=[{CJK_PUNCTUATION}])\n|\n(?=[{CJK_PUNCTUATION}])", "", text)
    text = re.sub(rf"(?<=[{CJK}])\n(?=[{CJK}`:*])|(?<=[`*])\n(?=[{CJK}])", "", text)
    return text.replace("\n", " ")


def tutorials(root=TUTORIALS):
    """Every bilingual file under ``root``, in the order of their paths."""
    return [Tutorial.read(path) for path in sorted(Path(root).rglob("*.py"))]


def slug(heading):
    """The anchor of an English heading."""
    return "-".join(re.findall(r"[a-z0-9]+", heading.lower()))


def plain(text):
    """Text without inline markup, as a text alternative needs it.

    Chinese takes a space beside Latin letters once the markup that set them apart is gone.
    """
    text = ROLE.sub(lambda match: match[2], text)
    text = LITERAL.sub(lambda match: match[1], text).replace("**", "").replace("*", "")
    return re.sub(rf"(?<=[{HAN}])(?=[-A-Za-z0-9])|(?<=[A-Za-z0-9)])(?=[{HAN}])", " ", text)


def project(tutorial, language):
    """The one-language script that Sphinx-Gallery renders.

    Comments ``.. cell N kind`` and ``.. alt text`` tell the page's transforms and the
    downloads which cell each part of the page comes from.
    """
    parts, anchors = [], {}
    for english, chinese in tutorial.twins():
        anchors[english.line] = anchors[chinese.line] = slug(english.heading)
    for number, cell in enumerate(tutorial.cells):
        if cell.is_code:
            body = "\n".join(cell.lines).strip("\n")
            parts.append(f"# %%\n# .. cell {number} {cell.kind}\n\n{body}\n")
        elif cell.kind == language:
            text = [f".. cell {number} text", ""]
            if cell.alt:
                text = [f".. alt {plain(joined(cell.lines, language))}"]
            elif cell.heading:
                first = not parts
                label = tutorial.label + ("" if first else f"-{anchors[cell.line]}")
                line = ("=" if first else "-") * (2 * len(cell.heading))
                text += [f".. _{label}:", "", cell.heading, line, ""]
            text += [] if cell.alt else cell.text.split("\n")
            if parts:
                parts.append("# %%\n" + "\n".join(f"# {line}".rstrip() for line in text) + "\n")
            else:
                parts.append('r"""\n' + "\n".join(text) + '\n"""\n')
    return "\n".join(parts)
