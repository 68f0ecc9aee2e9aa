"""Find every mistake in the tutorials that can be found without running them.

    python docs/_ext/check.py [FILE ...]

Each check yields problems: the line, what is wrong, and the mend.
"""

import ast
import io
import re
import tokenize
from itertools import chain

from course.asks import ASKS, MEND, request
from course.form import check_form
from course.kinds import KINDS
from course.text import CJK_PUNCTUATION, HAN, slug
from course.tutorial import Problem
from course.twins import check_content, check_signatures, prose
from course.words import LANGUAGES

# Quotation marks, dashes and dots belong to both languages.
CHINESE_ONLY = re.sub("[“”‘’…—]", "", CJK_PUNCTUATION)


def check_cells(tutorial):
    """Yield the cells that stand where they may not, or are empty."""
    cells = tutorial.cells
    for position, cell in enumerate(cells):
        before = cells[position - 1] if position else None
        after = cells[position + 1] if position + 1 < len(cells) else None
        alt = " alt" if cell.alt else ""
        if cell.kind == "en" and not (after and after.kind == "zh" and after.alt == cell.alt):
            mend = f"put '# %% zh{alt}' right behind it"
            yield Problem(cell.line, "an English cell without its Chinese twin", mend)
        if cell.kind == "zh" and not (before and before.kind == "en" and before.alt == cell.alt):
            mend = f"put '# %% en{alt}' right in front of it"
            yield Problem(cell.line, "a Chinese cell without its English twin", mend)
        if cell.kind in LANGUAGES and not cell.text and not cell.heading:
            mend = "write its text or remove it with its twin"
            yield Problem(cell.line, "an empty text cell", mend)
        if cell.kind == "en" and cell.alt and not (before and before.is_code):
            what = "a text alternative that stands behind no code cell"
            yield Problem(cell.line, what, "put it right behind the cell that shows the figure")
        if cell.kind == "solution" and not (before and before.kind == "zh" and not before.alt):
            mend = "put the exercise's text cells right in front of it"
            yield Problem(cell.line, "a solution without an exercise", mend)


# What reStructuredText passes over in silence: name, pattern and mend.
SLIPS = [
    ("single backticks", r"(?<![`\w:])`(?!`)[^`<]*`(?![`_])", "write double backticks"),
    ("a Markdown link", r"\[[^]]+\]\(", "write `text <https://...>`__"),
    ("a directive with one colon", r"(?m)^\.\. [a-z-]+:(?!:)", "write two colons"),
]


def check_prose(tutorial):
    """Yield what a build would not notice in the words of each cell."""
    for cell in (cell for cell in tutorial.cells if cell.kind in LANGUAGES):
        if ":math:" in cell.heading:
            mend = "say it in words: the page's title and the anchor are made from headings"
            yield Problem(cell.line, "a formula in a heading", mend)
        words = prose(cell)
        slips = [
            Problem(cell.line, f"{what} ({found[0]})", mend)
            for what, pattern, mend in SLIPS
            if (found := re.search(pattern, words))
        ]
        if slips:
            yield slips[0]
            continue
        if bare := re.search(r"[A-Za-z0-9.]*[A-Za-z0-9]_\w*(?:\.\w+)*", words, re.A):
            what = f"the name {bare[0]} stands without double backticks"
            yield Problem(cell.line, what, f"write ``{bare[0]}``")
        if cell.kind == "en" and (found := re.search(f"[{HAN}{CHINESE_ONLY}]", words)):
            what = f"Chinese in an English cell ({found[0]})"
            yield Problem(cell.line, what, "write it in English")


def check_code(tutorial):
    """Yield what is wrong with the code, whatever the prose says."""
    try:
        tree = ast.parse(tutorial.source)
    except SyntaxError as error:
        yield Problem(error.lineno, f"Python cannot read it ({error.msg})", "mend the syntax")
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if ast.get_docstring(node, clean=False) is not None:
                line = node.body[0].lineno
                yield Problem(line, "a docstring is prose in a code cell", "say it in a text cell")
        elif isinstance(node, (ast.JoinedStr, ast.Constant)) and node.end_lineno > node.lineno:
            for cell in tutorial.cells:
                if node.lineno < cell.line <= node.end_lineno:
                    mend = "break the string so that no line starts with '# %%'"
                    what = "a cell marker inside a string splits the cell"
                    yield Problem(cell.line, what, mend)
    for cell in (cell for cell in tutorial.cells if cell.is_code):
        yield from check_tokens(cell)


def check_tokens(cell):
    """Yield prose in the code of ``cell``; cells without a mark of it are not taken apart."""
    code = "\n".join(cell.lines)
    if code.isascii() and "#" not in code:
        return
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            yield from check_token(token, cell.line + token.start[0])
    except tokenize.TokenError as error:
        mend = "close its brackets and strings within the cell"
        yield Problem(cell.line, f"a cell that does not end ({error.args[0]})", mend)


def check_token(token, line):
    text, is_comment = token.string, token.type == tokenize.COMMENT
    if is_comment and not text.startswith("# sphinx_gallery_"):
        mend = "move it to a text cell, in both languages"
        yield Problem(line, f"prose in a code cell ({text!r})", mend)
    elif ASKS.match(text):
        try:
            request(text)
        except ValueError:
            yield Problem(line, f"a graph that cannot be read ({text})", MEND)
    elif not is_comment and not text.isascii():
        mend = "use mathematics or API names; words belong to the text cells"
        yield Problem(line, f"non-ASCII text in a code cell ({text!r})", mend)


def check_about(tutorial):
    """Yield what is wrong with the ``about`` cell, by the rules of the page's kind."""
    about, first = tutorial.about, tutorial.cells[0] if tutorial.cells else None
    line = first.line if first else 1
    if first is None or first.kind != "about":
        keys = ", ".join(tutorial.kind.about)
        yield Problem(line, "no '# %% about' cell", f"start the file with {keys}")
        return
    rules = tutorial.kind.about
    if tutorial.is_index:
        part = {"kind": ("|".join(KINDS), f"write one of {', '.join(KINDS)}")}
        course = {"parts": (r"[\w, ]+", "write the names of the folders, with commas between")}
        rules = part if tutorial.part else course
    for key, (pattern, mend) in rules.items():
        if not re.fullmatch(pattern, about.get(key, "")):
            said = f"is {about[key]!r}" if key in about else "is missing"
            yield Problem(line, f"{key} {said}", mend)
    if unknown := about.keys() - rules.keys():
        yield Problem(line, f"unknown key {', '.join(sorted(unknown))}", "remove it")


def check_title(tutorial):
    """Yield what is wrong with the title and the first paragraph."""
    first = next((cell for cell in tutorial.cells if cell.kind != "about"), None)
    if first is None or first.kind != "en" or not first.heading or not first.text:
        mend = "let the first pair be '# %% en: Title' with an introduction, and its twin"
        yield Problem(first.line if first else 1, "no title", mend)
    elif "``" in first.heading:
        mend = "say it in words: menus and search engines show the title as plain text"
        yield Problem(first.line, "code in the title", mend)
    elif found := re.search(r":math:`([^`]*\\[^`]*)`", tutorial.summary("en")):
        mend = "say it in words or put it in the next one: search engines show it as plain text"
        yield Problem(first.line, f"TeX in the first paragraph ({found[1]})", mend)


def check_headings(tutorial):
    """Yield the headings whose anchor the page or another heading has."""
    titled, *headed = [english for english, _ in tutorial.twins() if english.heading] or [None]
    headings = {slug(titled.heading): titled, tutorial.label: titled} if titled else {}
    for english in headed:
        if headings.setdefault(slug(english.heading), english) is not english:
            what = f"a second heading {english.heading!r} on this page, or the page's own name"
            yield Problem(english.line, what, "rename one: anchors are made from them")


CHECKS = (check_about, check_title, check_cells, check_prose, check_code, check_headings)


def check(tutorial):
    """Everything that can be wrong within one tutorial, its signatures included, by line."""
    checks = (*CHECKS, check_form, check_content, check_signatures) if tutorial.source else ()
    found = [*tutorial.problems, *chain.from_iterable(check(tutorial) for check in checks)]
    return sorted(found, key=lambda problem: problem.line)


def check_names(files):
    """Yield the file and the problem where two tutorials bear one name."""
    names = {}
    for file in files:
        other = names.setdefault(file.name, file)
        if other is not file and not file.is_index:
            what = f"two tutorials named {file.name} (the other: {other.path.name} in {other.part})"
            mend = "rename one: anchors and links are made from the name"
            yield file, Problem(1, what, mend)


def check_parts(course):
    """Yield the page of the course where the parts that it lists are not those that are there."""
    whole = {part.name for part in course.parts if part.scripts}
    if not whole or not sorted(course.named) == sorted(course.folders) == sorted(whole):
        what = (
            f"the parts listed are {course.named}, the folders with an index.py and tutorials are "
            f"{sorted(whole)}, all folders {sorted(course.folders)}"
        )
        yield course.index, Problem(1, what, "make them agree")


def said(file, problem):
    """``file:line: what: mend``."""
    return f"{file.shown}:{problem.line}: {problem.what}: {problem.mend}"


def check_files(files):
    """Everything that is wrong in ``files``, one ``file:line: what: mend`` each."""
    found = [(file, problem) for file in files for problem in check(file)]
    return [said(*problem) for problem in (*found, *check_names(files))]


def check_course(course):
    """Everything that is wrong in the course, one ``file:line: what: mend`` each."""
    return check_files(course.files) + [said(*problem) for problem in check_parts(course)]
