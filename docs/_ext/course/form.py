"""Ask, show, check: the form of a lesson.

A text asks, ``# %% predict`` shows, ``# %% check`` asserts what the page claims. So the lesson's
own code asserts nothing, and what it prints does not depend on its checks.
"""

import ast
import re
import symtable

from course.asks import ASKS
from course.tutorial import Problem
from course.twins import CODE_BLOCK, LIST_ITEM, MATH_BLOCK

COLUMNS = 72  # of code: a page shows no more without scrolling
ENDS = {"en": "?", "zh": "？"}
SHOWS = ("print", "show")


def tree(cell):
    """The syntax tree of a code cell, each line numbered as in its file."""
    return ast.increment_lineno(ast.parse("\n".join(cell.lines)), cell.line)


def called(node):
    """The last name of what is called: ``assert_close`` of ``torch.testing.assert_close(…)``."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", None) or getattr(function, "id", None) or ""


def asserts(node):
    """Whether ``node`` is ``assert``, ``torch.testing.assert_*`` or ``raise AssertionError``."""
    if isinstance(node, ast.Raise):
        return "AssertionError" in ast.dump(node)
    return isinstance(node, ast.Assert) or called(node).startswith("assert_")


def assertions(cell):
    """How many assertions ``cell`` holds."""
    return sum(map(asserts, ast.walk(tree(cell))))


def bare_assertions(node):
    """Yield the assertions in ``node`` that no ``try`` with an ``except`` surrounds."""
    for child in ast.iter_child_nodes(node):
        if asserts(child):
            yield child
        elif isinstance(child, ast.Try) and child.handlers:
            others = [*child.handlers, *child.orelse, *child.finalbody]
            yield from bare_assertions(ast.Module(others, []))
        else:
            yield from bare_assertions(child)


def names(cell):
    """The names that ``cell`` makes for the cells behind it, and those that it needs."""
    table = symtable.symtable("\n".join(cell.lines), f"line {cell.line}", "exec")
    made = {name.get_name() for name in table.get_symbols() if name.is_assigned()}
    made |= {name.get_name() for name in table.get_symbols() if name.is_imported()}
    needed = {name.get_name() for name in table.get_symbols() if name.is_referenced()}
    inner = list(table.get_children())
    for scope in inner:
        inner += scope.get_children()
        needed |= {name.get_name() for name in scope.get_symbols() if name.is_global()}
    return made, needed - made


def check_form(tutorial):
    """Yield what is wrong with questions, predictions and checks."""
    try:
        trees = {cell.line: tree(cell) for cell in tutorial.cells if cell.is_code}
    except SyntaxError:
        return  # said already
    shows, before, covering = set(SHOWS), None, False
    for position, cell in enumerate(tutorial.cells):
        if cell.is_code:
            yield from check_lines(cell)
            if not trees[cell.line].body:
                yield Problem(
                    cell.line, f"a {cell.kind} cell without code", "write it or remove it"
                )
        if cell.is_lesson:
            yield from check_lesson(trees[cell.line])
            shows |= printing(trees[cell.line], shows)
        if cell.kind == "check":
            if not before or not before.is_lesson:
                mend = "put it right behind the cell that it checks, all checks of a cell in one"
                yield Problem(cell.line, "a check that stands behind no code", mend)
            if not assertions(cell):
                mend = "assert what the page claims of the cell above, or let it be code"
                yield Problem(cell.line, "a check that asserts nothing", mend)
        if cell.kind == "solution" and not assertions(cell):
            yield Problem(cell.line, "a solution that asserts nothing", "assert the answer")
        if cell.kind == "predict":
            if covering:
                what = "a prediction whose question is covered with the answer of the one above"
                yield Problem(cell.line, what, "give it a heading of its own")
            yield from check_prediction(tutorial, position, trees[cell.line], shows)
        if cell.is_lesson or cell.kind == "solution" or cell.heading:
            covering = cell.kind == "predict"
        if not cell.alt:
            before = cell
    yield from check_independence(tutorial)


def check_independence(tutorial):
    """Yield where the lesson depends on its checks, which readers may leave out."""
    checks = {}
    for cell in (cell for cell in tutorial.cells if cell.is_code):
        made, needed = names(cell)
        if cell.kind == "check":
            checks |= dict.fromkeys(made, cell.line)
            continue
        for name in sorted(needed & checks.keys()):
            what = f"{name} is what the check in line {checks[name]} makes of it"
            yield Problem(cell.line, what, "make it in the lesson: readers may leave checks out")
        checks = {name: line for name, line in checks.items() if name not in made}


def check_lines(cell):
    for number, line in enumerate(cell.lines, cell.line + 1):
        if len(line) > COLUMNS and not ASKS.match(line):
            mend = f"break it: a page shows {COLUMNS} columns without scrolling"
            yield Problem(number, f"a line of code of {len(line)} columns", mend)


def check_lesson(code):
    """Yield the assertions in the ``code`` of a lesson."""
    for node in bare_assertions(code):
        mend = "move it to a '# %% check' cell behind the code"
        yield Problem(node.lineno, "an assertion in the code of a lesson", mend)


def printing(code, shows):
    """The functions defined in ``code`` that print or draw."""
    defined = [node for node in ast.walk(code) if isinstance(node, ast.FunctionDef)]
    return {node.name for node in defined if shows & set(map(called, ast.walk(node)))}


def check_prediction(tutorial, position, code, shows):
    """Yield what is wrong with the question above a prediction, or with what it shows."""
    cell, asked = tutorial.cells[position], tutorial.cells[max(position - 2, 0) : position]
    if [(text.kind, text.alt) for text in asked] != [("en", False), ("zh", False)]:
        yield Problem(
            cell.line, "a prediction without a question", "ask in the pair right above it"
        )
        return
    for text in asked:
        if not question(text.text).endswith(ENDS[text.kind]):
            mend = f"end its last paragraph in {ENDS[text.kind]} (a formula or a list may follow)"
            yield Problem(text.line, "a question to predict from that does not ask", mend)
    asks = any(map(ASKS.match, cell.lines))
    if not asks and not shows & set(map(called, ast.walk(code))):
        yield Problem(cell.line, "a prediction that shows nothing", "print or draw the answer")


def question(text):
    """The last paragraph of ``text``, without a formula, code or a list behind it."""
    blocks = CODE_BLOCK.sub("\n\n", MATH_BLOCK.sub("\n\n", f"{text}\n"))
    paragraphs = [block.strip() for block in re.split(r"\n\s*\n", blocks) if block.strip()]
    while len(paragraphs) > 1 and LIST_ITEM.match(paragraphs[-1]):
        paragraphs.pop()
    return paragraphs[-1].rstrip('*"”’」)） ') if paragraphs else ""
