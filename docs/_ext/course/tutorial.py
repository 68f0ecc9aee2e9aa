"""A tutorial: one script in two languages, read into cells; and the course that they make.

Each cell is opened by a marker at the start of a line::

    # %% about                  level and tags; first in the file
    # %% en: Heading            prose; reStructuredText in comments
    # %% zh 3fa2c1: Heading     its Chinese twin, right behind it
    # %% en alt / # %% zh alt   what the figure above shows
    # %%                        code
    # %% predict                code that answers the question above: covered until guessed
    # %% check                  code that asserts what the page claims of the cell above
    # %% solution               code that answers the exercise above

The six hexadecimal digits in a Chinese marker are the digest of the English twin that
the Chinese was written for.
"""

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from course.kinds import KINDS
from course.text import joined, slug
from course.words import LANGUAGES

CODE = ("code", "predict", "check", "solution")
TUTORIALS = Path(__file__).resolve().parents[3] / "tutorials"
MARKER = re.compile(
    r"# %%(?: (?P<kind>about|en|zh|predict|check|solution))?(?P<alt> alt)?"
    r"(?: (?P<signature>[0-9a-f]{6}))?(?:: (?P<heading>\S.*))?$"
)


class Problem(NamedTuple):
    """A mistake in a file: its line, what is wrong, and the mend."""

    line: int
    what: str
    mend: str


@dataclass
class Cell:
    """One cell: its marker's fields, its first line and its lines (prose without ``#``)."""

    kind: str  # "about", "en", "zh" or one of CODE
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
        return self.kind in CODE

    @property
    def is_lesson(self):
        """Whether it is the code that a page is about: neither a check nor a solution."""
        return self.kind in ("code", "predict")

    def digest(self):
        """Six hex digits of the words: rewrapping a paragraph does not change them."""
        words = " ".join(f"{self.heading} {self.text}".split())
        return hashlib.sha256(words.encode()).hexdigest()[:6]


@dataclass
class Tutorial:
    """A bilingual script: its cells, and what its ``about`` cell says.

    ``name`` is the file's name without its number; ``label`` is ``name`` as used in ``:ref:``;
    ``docname`` is its page. ``problems`` is what could not be read.
    """

    path: Path
    cells: list[Cell] = field(default_factory=list)
    source: str = ""
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def read(cls, path):
        """Read ``path``; what is wrong with it is collected in ``problems``, never raised."""
        tutorial = cls(Path(path))
        data = tutorial.path.read_bytes()
        try:
            source = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            tutorial.problems.append(Problem(line, "not UTF-8", "save the file as UTF-8"))
            return tutorial
        tutorial.source = source.replace("\r\n", "\n")
        tutorial._split(tutorial.source.split("\n"))
        return tutorial

    @property
    def part(self):
        """The name of the folder, empty for the page of the course."""
        folder = self.path.parent.name
        return "" if self.is_index and folder == TUTORIALS.name else folder

    @property
    def docname(self):
        return "/".join(filter(None, ("tutorials", self.part, self.path.stem)))

    @property
    def view(self):
        """The name of the file with both languages side by side, beside the page."""
        return f"{self.path.stem}.both.html"

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

    @cached_property
    def kind(self):
        """The rules of its part; a script that stands alone is a lesson."""
        index = self.path.with_name("index.py")
        name = Tutorial.read(index).about.get("kind") if index.is_file() else None
        return KINDS.get(name, KINDS["lesson"])

    @property
    def minutes(self):
        """How long the page takes: its English at 200 words a minute, 10 seconds a line of code."""
        cells = self.cells
        words = sum(
            len(f"{c.heading} {c.text}".split()) for c in cells if c.kind == "en" and not c.alt
        )
        lines = sum(bool(line.strip()) for c in cells if c.is_lesson for line in c.lines)
        return max(1, round(words / 200 + lines / 6))

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

    def headings(self, language):
        """The heading of each section in ``language``, by its anchor; the page's is empty."""
        pairs = [pair for pair in self.twins() if pair[0].heading]
        shown = LANGUAGES.index(language)
        return {
            slug(pair[0].heading) if number else "": pair[shown].heading
            for number, pair in enumerate(pairs)
        }

    @property
    def shown(self):
        """The path as an author would type it here."""
        here = Path.cwd()
        return self.path.relative_to(here) if self.path.is_relative_to(here) else self.path

    def _split(self, lines):
        def wrong(number, what, mend):
            self.problems.append(Problem(number, what, mend))
            return Cell("unknown", number)

        cell = None
        for number, line in enumerate(lines, 1):
            if re.match(r"\s*#\s*%%", line):
                match = MARKER.fullmatch(line.rstrip())
                if match is None:
                    cell = wrong(
                        number,
                        f"unknown cell marker {line.strip()!r}",
                        "write '# %%', '# %% predict', '# %% check', '# %% solution', "
                        "'# %% about', '# %% en', '# %% zh', or the last two with ' alt' or a "
                        "heading",
                    )
                    continue
                kind, signature, heading = (
                    match["kind"] or "code",
                    match["signature"],
                    match["heading"],
                )
                if kind not in LANGUAGES and (match["alt"] or heading or signature):
                    wrong(number, f"a {kind} cell carries text in its marker", "remove the text")
                cell = Cell(kind, number, bool(match["alt"]), signature or "", heading or "")
                self.cells.append(cell)
            elif cell is None:
                if line.strip():
                    cell = wrong(number, "text before the first cell", "start with '# %% about'")
            elif cell.kind in (*LANGUAGES, "about"):
                if line.strip() and not line.startswith("#"):
                    mend = "begin the line with '# ' or open a code cell with '# %%'"
                    cell = wrong(number, "code in a text cell", mend)
                else:
                    cell.lines.append(re.sub("^# ?", "", line).rstrip())
            else:
                cell.lines.append(line)


@dataclass
class Part:
    """A folder of tutorials: its page and its scripts, in order."""

    name: str
    index: Tutorial
    scripts: list[Tutorial]


class Course:
    """Every bilingual file under a folder: ``files``, ``index``, ``parts`` and all ``scripts``."""

    def __init__(self, root=TUTORIALS):
        self.files = [Tutorial.read(path) for path in sorted(Path(root).rglob("*.py"))]
        indexes = {file.part: file for file in self.files if file.is_index}
        self.index = indexes.pop("", None) or Tutorial(Path(root, "index.py"))
        self.folders = {file.part for file in self.files if file.part}
        named = self.index.about.get("parts", "")
        self.named = [name.strip() for name in named.split(",") if name.strip()]
        self.parts = [
            Part(name, indexes[name], [f for f in self.files if f.part == name and not f.is_index])
            for name in self.named
            if name in indexes
        ]
        self.scripts = [script for part in self.parts for script in part.scripts]
