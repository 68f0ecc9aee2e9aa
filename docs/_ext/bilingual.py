"""Hold the two languages of the tutorials together: check them, sign them.

As a command it checks files (all tutorials by default), or signs the ones it is given::

    python docs/_ext/bilingual.py [FILE ...]
    python docs/_ext/bilingual.py --sign FILE ...

Signing says that an author has looked at the Chinese after the English changed.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

from graphs import ASKS, MEND, request
from tutorial import CJK_PUNCTUATION, HAN, LANGUAGES, LITERAL, ROLE, Tutorial, slug, tutorials

# Quotation marks, dashes and dots belong to both languages.
CHINESE_ONLY = re.sub("[“”‘’…—]", "", CJK_PUNCTUATION)
LEVELS = ("beginner", "intermediate", "advanced")
CODE_BLOCK = re.compile(r"^\.\. code-block::.*\n((?:\n|   .*(?:\n|$))+)", re.M)
LINK = re.compile(r"`[^`<]*<([^>`]+)>`_{1,2}|(https?://[^\s<>`)，。；）]+)")
DIRECTIVE = re.compile(r"^\.\. ([a-z-]+)::", re.M)
MATH_BLOCK = re.compile(r"^\.\. math::\n((?:\n|   .*(?:\n|$))+)", re.M)
LIST_ITEM = re.compile(r"^ *(?:[-*]|\d+\.|#\.) ", re.M)
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")


class Problems(Exception):
    """What is wrong with the tutorials, one ``file:line: what: what to do`` a line."""

    def __init__(self, found):
        super().__init__("\n".join(found))


def prose(cell):
    """The cell's heading and text without anything that is not words."""
    text = MATH_BLOCK.sub("", f"{cell.heading}\n\n{cell.text}")
    text = CODE_BLOCK.sub("", text)
    text = ROLE.sub(" ", LITERAL.sub(" ", text))
    return LINK.sub(lambda match: match[0].split("<")[0].strip("`") if match[1] else " ", text)


def content(cell):
    """What twins must share: counts of everything that is not prose."""
    text = cell.text
    found = Counter({("paragraphs", ""): len(re.findall(r"\n\n+(?=\S)", text)) + bool(text)})
    found["list items", ""] = len(LIST_ITEM.findall(text))
    found.update(("directive", name) for name in DIRECTIVE.findall(text))
    for block in MATH_BLOCK.findall(text):
        found["formula", " ".join(block.split())] += 1
    text = CODE_BLOCK.sub("", MATH_BLOCK.sub("", f"{cell.heading}\n\n{text}"))
    found.update(("literal", literal) for literal in LITERAL.findall(text))
    text = LITERAL.sub(" ", text)
    for role, target in ROLE.findall(text):
        if role == "math":
            found["formula", " ".join(target.split())] += 1
        else:
            inner = re.search(r"<(.+)>$", target)
            found[f"role :{role}:", inner[1] if inner else target] += 1
    found.update(("link", named or bare) for named, bare in LINK.findall(ROLE.sub(" ", text)))
    for number in NUMBER.findall(LIST_ITEM.sub(" ", prose(cell))):
        found["number", number.replace(",", "")] += 1
    return +found


def check_twins(tutorial):
    """Add to ``tutorial.problems`` what is wrong between the languages."""
    problem = tutorial.problem
    cells = tutorial.cells
    for position, cell in enumerate(cells):
        before = cells[position - 1] if position else None
        after = cells[position + 1] if position + 1 < len(cells) else None
        if cell.kind == "en" and not (after and after.kind == "zh" and after.alt == cell.alt):
            what = "'# %% zh alt'" if cell.alt else "'# %% zh'"
            problem(
                cell.line, "an English cell without its Chinese twin", f"put {what} right behind it"
            )
        if cell.kind == "zh" and not (before and before.kind == "en" and before.alt == cell.alt):
            what = "'# %% en alt'" if cell.alt else "'# %% en'"
            problem(
                cell.line,
                "a Chinese cell without its English twin",
                f"put {what} right in front of it",
            )
        if cell.kind in LANGUAGES and not cell.text and not cell.heading:
            problem(cell.line, "an empty text cell", "write its text or remove it with its twin")
        if cell.kind == "en" and cell.alt and not (before and before.is_code):
            problem(
                cell.line,
                "a text alternative that stands behind no code cell",
                "put it right behind the cell that shows the figure",
            )
        if cell.kind == "solution" and not (before and before.kind == "zh" and not before.alt):
            problem(
                cell.line,
                "a solution without an exercise",
                "put the exercise's text cells right in front of it",
            )
        if cell.kind in LANGUAGES:
            check_prose(tutorial, cell)
    for english, chinese in tutorial.twins():
        if english.alt != chinese.alt:
            continue
        if bool(english.heading) != bool(chinese.heading):
            side = "Chinese" if english.heading else "English"
            problem(
                chinese.line,
                f"the {side} cell has no heading and its twin has one",
                "give both a heading or neither",
            )
        left, right = content(english), content(chinese)
        for kind, item in sorted(left.keys() | right.keys()):
            counts = left[kind, item], right[kind, item]
            if counts[0] != counts[1]:
                named = f"{kind} '{item}'" if item else kind
                problem(
                    chinese.line,
                    f"{named}: {counts[0]} in English, {counts[1]} in Chinese",
                    "make the twins agree",
                )
        if chinese.signature != english.digest():
            was = f"signed off for {chinese.signature}" if chinese.signature else "never signed off"
            problem(
                chinese.line,
                f"the English now reads {english.digest()} and the Chinese was {was}",
                f"read the Chinese against it, then 'make sign FILES={tutorial.shown}' or write "
                f"{english.digest()} in its marker",
            )


# What reStructuredText passes over in silence: name, pattern and mend.
SLIPS = [
    ("single backticks", r"(?<![`\w:])`(?!`)[^`<]*`(?![`_])", "write double backticks"),
    ("a Markdown link", r"\[[^]]+\]\(", "write `text <https://...>`__"),
    ("a directive with one colon", r"(?m)^\.\. [a-z-]+:(?!:)", "write two colons"),
]


def check_prose(tutorial, cell):
    """Add to ``tutorial.problems`` what a build would not notice in the words of ``cell``."""
    if ":math:" in cell.heading:
        tutorial.problem(
            cell.line,
            "a formula in a heading",
            "say it in words: the page's title and the anchor are made from headings",
        )
    words = prose(cell)
    for what, pattern, mend in SLIPS:
        if found := re.search(pattern, words):
            tutorial.problem(cell.line, f"{what} ({found[0]})", mend)
            return
    if bare := re.search(r"[A-Za-z0-9.]*[A-Za-z0-9]_\w*(?:\.\w+)*", words, re.A):
        tutorial.problem(
            cell.line, f"the name {bare[0]} stands without double backticks", f"write ``{bare[0]}``"
        )
    if cell.kind == "en" and (found := re.search(f"[{HAN}{CHINESE_ONLY}]", words)):
        tutorial.problem(
            cell.line, f"Chinese in an English cell ({found[0]})", "write it in English"
        )


def check_code(tutorial):
    """Add to ``tutorial.problems`` what is wrong with the code, whatever the prose says."""
    try:
        tree = ast.parse(tutorial.source)
    except SyntaxError as error:
        tutorial.problem(error.lineno, f"Python cannot read it ({error.msg})", "mend the syntax")
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if ast.get_docstring(node, clean=False) is not None:
                line = node.body[0].lineno
                tutorial.problem(
                    line, "a docstring is prose in a code cell", "say it in a text cell"
                )
        elif isinstance(node, (ast.JoinedStr, ast.Constant)) and node.end_lineno > node.lineno:
            for cell in tutorial.cells:
                if node.lineno < cell.line <= node.end_lineno:
                    tutorial.problem(
                        cell.line,
                        "a cell marker inside a string splits the cell",
                        "break the string so that no line starts with '# %%'",
                    )
    in_code = {
        cell.line + offset
        for cell in tutorial.cells
        if cell.is_code
        for offset in range(1, len(cell.lines) + 1)
    }
    for token in tokenize.generate_tokens(io.StringIO(tutorial.source).readline):
        line = token.start[0]
        if line not in in_code:
            continue
        if token.type == tokenize.COMMENT and not token.string.startswith("# sphinx_gallery_"):
            tutorial.problem(
                line,
                f"prose in a code cell ({token.string!r})",
                "move it to a text cell, in both languages",
            )
        elif ASKS.match(token.string):
            try:
                request(token.string)
            except ValueError:
                tutorial.problem(line, f"a graph that cannot be read ({token.string})", MEND)
        elif token.type != tokenize.COMMENT and not token.string.isascii():
            tutorial.problem(
                line,
                f"non-ASCII text in a code cell ({token.string!r})",
                "use mathematics or API names; words belong to the text cells",
            )


def check_about(tutorial):
    """Add to ``tutorial.problems`` what is wrong with the ``about`` cell and the title."""
    problem, about = tutorial.problem, tutorial.about
    opening = [cell.kind for cell in tutorial.cells[:3]]
    line = tutorial.cells[0].line if tutorial.cells else 1
    if opening[:1] != ["about"]:
        problem(line, "no '# %% about' cell", "start the file with level, minutes and tags")
    elif not tutorial.is_index:
        if about.get("level") not in LEVELS:
            said = f"is {about['level']!r}" if "level" in about else "is missing"
            problem(line, f"level {said}", f"write one of {', '.join(LEVELS)}")
        if not about.get("minutes", "").isdigit():
            said = f"is {about['minutes']!r}" if "minutes" in about else "is missing"
            problem(line, f"minutes {said}", "write a whole number")
        if not about.get("tags", "").isascii() or not about.get("tags"):
            said = f"is {about['tags']!r}" if "tags" in about else "is missing"
            problem(line, f"tags {said}", "write API names, with commas between")
        unknown = about.keys() - {"level", "minutes", "tags"}
        if unknown:
            problem(line, f"unknown key {', '.join(sorted(unknown))}", "remove it")
    first = next((cell for cell in tutorial.cells if cell.kind != "about"), None)
    if first is None or first.kind != "en" or not first.heading or not first.text:
        line = first.line if first else line
        problem(
            line,
            "no title",
            "let the first pair be '# %% en: Title' with an introduction, and its twin",
        )
    elif found := re.search(r":math:`([^`]*\\[^`]*)`", tutorial.summary("en")):
        problem(
            first.line,
            f"TeX in the first paragraph ({found[1]})",
            "say it in words or put it in the next one: search engines show it as plain text",
        )


def check(tutorial):
    """Everything that can be wrong within one tutorial."""
    if tutorial.source:
        check_about(tutorial)
        check_twins(tutorial)
        check_code(tutorial)
    headings = {}
    for english, _ in tutorial.twins():
        if english.heading and headings.setdefault(slug(english.heading), english) is not english:
            tutorial.problem(
                english.line,
                f"a second heading {english.heading!r} on this page",
                "rename one: anchors are made from the English headings",
            )


def checked(found):
    """The given tutorials, or ``Problems`` raised with everything that is wrong in them."""
    problems, names = [], {}
    for tutorial in found:
        check(tutorial)
        other = names.setdefault(tutorial.name, tutorial)
        if other is not tutorial and not tutorial.is_index:
            tutorial.problem(
                1,
                f"two tutorials named {tutorial.name} (the other: {other.path.name} in "
                f"{other.path.parent.name})",
                "rename one: anchors and links are made from the name",
            )
        problems += tutorial.problems
    if problems:
        raise Problems(problems)
    return found


def sign(path):
    """Write into each Chinese marker the digest of the English twin; return how many changed."""
    tutorial = Tutorial.read(path)
    check(tutorial)
    others = [text for text in tutorial.problems if "make sign" not in text]
    if others:
        raise Problems(others)
    lines = tutorial.path.read_text(encoding="utf-8").split("\n")
    changed = 0
    for english, chinese in tutorial.twins():
        if chinese.signature != english.digest():
            marker = "# %% zh" + (" alt" if chinese.alt else "") + f" {english.digest()}"
            lines[chinese.line - 1] = marker + (f": {chinese.heading}" if chinese.heading else "")
            changed += 1
    if changed:
        tutorial.path.write_text("\n".join(lines), encoding="utf-8")
    return changed


def main(arguments):
    signing = arguments[:1] == ["--sign"]
    paths = [Path(path) for path in (arguments[1:] if signing else arguments)]
    if signing and not paths:
        sys.exit("which files? signing says that you have read them: make sign FILES=...")
    if missing := [str(path) for path in paths if not path.is_file()]:
        sys.exit(f"no such file: {', '.join(missing)}")
    try:
        if signing:
            for path in paths:
                print(f"{path}: {sign(path)} signed")
        else:
            found = checked([Tutorial.read(path) for path in paths] if paths else tutorials())
            print(f"{len(found)} files checked, nothing wrong")
    except Problems as problems:
        sys.exit(str(problems))


if __name__ == "__main__":
    main(sys.argv[1:])
