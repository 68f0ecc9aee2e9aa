"""Do the checks of a tutorial notice when its code is wrong?

    python tests/mutants.py [FILE ...]

One number, operator, flag or call of the lesson's code is changed at a time, 12 places a page
chosen by a seed, and the script runs as the build runs it. A mutant that changes what is printed
or drawn must fail the page's own checks; those that survive are listed. Seeds, prints, plot calls
and the choice of the device stay as they are: no check speaks of them.
"""

import argparse
import ast
import contextlib
import copy
import hashlib
import io
import multiprocessing
import os
import random
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "docs/_ext"), str(ROOT / "docs/tools")]

from course.tutorial import Course, Tutorial  # noqa: E402

A_PAGE = 12
LIMIT = 40  # seconds; what takes longer has failed
LEFT_OUT = {"print", "manual_seed", "set_default_device", "show", "figure", "round", "subplots"}
SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def changes(node):
    """Yield what ``node`` may become."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in SWAPPED:
        changed = copy.deepcopy(node)
        changed.op = SWAPPED[type(node.op)]()
        yield changed
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        changed = copy.deepcopy(node)
        changed.ops[0] = SWAPPED[type(node.ops[0])]()
        yield changed
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield ast.Pass()
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if not isinstance(node.func.value, ast.Name) or not node.args:
            yield node.func.value  # x.detach() becomes x
        elif node.args and not isinstance(node.args[0], ast.Starred):
            yield node.args[0]  # torch.sin(x) becomes x
    elif isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]


def is_left_out(node):
    """Whether ``node`` and all in it stays: what prints, draws, seeds, imports or says in words."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    if isinstance(node, ast.Assign):
        return "current_accelerator" in ast.dump(node)
    if isinstance(node, ast.If):
        return "mps" in ast.unparse(node.test)
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    root = node.func
    while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
        root = root.func if isinstance(root, ast.Call) else root.value
    return name in LEFT_OUT or getattr(root, "id", "") in ("plt", "ax", "axes", "fig", "figure")


def places(tree):
    """Yield the nodes of ``tree`` that may be changed, with the way that leads to each."""
    for name, value in ast.iter_fields(tree):
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or is_left_out(child):
                continue
            if isinstance(child, ast.Expr) and is_left_out(child.value):
                continue
            if next(changes(child), None) is not None:
                yield child, [(name, index)]
            for node, way in places(child):
                yield node, [(name, index), *way]


def changed(tree, way, new):
    """A copy of ``tree`` with ``new`` at the end of ``way``."""
    tree = copy.deepcopy(tree)
    holder = tree
    for name, index in way[:-1]:
        holder = getattr(holder, name) if index is None else getattr(holder, name)[index]
    name, index = way[-1]
    old = getattr(holder, name) if index is None else getattr(holder, name)[index]
    new = ast.copy_location(copy.deepcopy(new), old)
    if index is None:
        setattr(holder, name, new)
    else:
        getattr(holder, name)[index] = new
    return ast.fix_missing_locations(tree)


def mutants(tutorial):
    """``(cell, tree, line, words)`` of each mutant of a page; the choice is the same every time."""
    found = []
    for number, cell in enumerate(tutorial.cells):
        if cell.is_lesson:
            tree = ast.parse("\n" * cell.line + "\n".join(cell.lines))
            for node, way in places(tree):
                for new in changes(node):
                    found.append((number, tree, way, node, new))
    chosen = random.Random(tutorial.label).sample(found, min(A_PAGE, len(found)))
    for number, tree, way, node, new in sorted(chosen, key=lambda one: one[3].lineno):
        words = f"{ast.unparse(node)}  ->  {ast.unparse(new)}".replace("\n", " ")
        yield number, changed(tree, way, new), node.lineno, words


def run(tutorial, number=None, tree=None):
    """Run the script, its cell ``number`` replaced by ``tree``; return what it shows and raises.

    Checks that fail are noted and passed over: what stands behind them is shown all the same.
    """
    import matplotlib
    import torch

    from run.figures import SIZE
    from run.graphs import Drawer
    from run.watch import Watch

    matplotlib.use("Agg")
    matplotlib.rcParams.update(SIZE)
    torch.set_num_threads(1)
    from matplotlib import pyplot

    codes = {n: "\n".join(cell.lines) for n, cell in enumerate(tutorial.cells) if cell.is_code}
    shown, raised, watch, drawer = {}, [], Watch(), Drawer(codes.values())
    namespace = {"__name__": "__main__", "__builtins__": __builtins__}
    printed = io.StringIO()
    silent = contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO())
    with warnings.catch_warnings(), silent[0], silent[1], drawer.recording:
        warnings.simplefilter("error")
        for n, code in codes.items():
            cell = tutorial.cells[n]
            watch.begin()
            printed.seek(0)
            printed.truncate()
            pyplot.close("all")
            parsed = tree if n == number else ast.parse("\n" * cell.line + code)
            try:
                exec(watch(parsed, str(tutorial.path), "exec"), namespace)
                drawn = drawer.drawn(code, namespace)
            except (Exception, SystemExit) as error:
                raised.append(f"{type(error).__name__} in line {cell.line}")
                if cell.is_lesson:
                    break
                continue
            if cell.is_lesson:
                figures = []
                for open_figure in map(pyplot.figure, pyplot.get_fignums()):
                    open_figure.canvas.draw()
                    pixels = bytes(open_figure.canvas.buffer_rgba())
                    figures.append(hashlib.sha256(pixels).hexdigest())
                shown[n] = [printed.getvalue(), figures, drawn and drawn["en"]]
    raised += [f"except not run in line {line}" for line in watch.untaken()]
    return shown, raised


def child(send, *arguments):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    send.send(run(*arguments))
    send.close()


def apart(*arguments):
    """``run`` in a process of its own; one that dies or does not end has failed."""
    context = multiprocessing.get_context("forkserver")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(send, *arguments))
    process.start()
    send.close()
    try:
        result = receive.recv() if receive.poll(LIMIT) else ({}, ["no end"])
    except EOFError:
        result = {}, ["the process died"]
    process.kill()
    process.join()
    return result


def judged(tutorial, pool):
    """The mutants of a page as ``(verdict, line, words, why)``."""
    first, second = pool.map(apart, [tutorial] * 2)
    if first[1]:
        raise SystemExit(f"{tutorial.shown}: it fails as it is: {', '.join(first[1])}")
    steady = {n: shown for n, shown in first[0].items() if second[0].get(n) == shown}
    chosen = list(mutants(tutorial))
    trees = [(number, tree) for number, tree, _, _ in chosen]
    results = pool.map(lambda pair: apart(tutorial, *pair), trees)
    for (_, _, line, words), (shown, raised) in zip(chosen, results, strict=True):
        seen = any(shown.get(n) != before for n, before in steady.items())
        verdict = "unseen" if not seen else "caught" if raised else "survived"
        yield verdict, line, words, ", ".join(raised)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--all", action="store_true", help="list the mutants that are caught, too")
    chosen = parser.parse_args()
    tutorials = [Tutorial.read(file.resolve()) for file in chosen.files] or Course().scripts
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "matplotlib.pyplot", "run.graphs", "run.watch"])
    total = dict.fromkeys(("caught", "survived", "unseen"), 0)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for tutorial in tutorials:
            counts = dict.fromkeys(total, 0)
            for verdict, line, words, why in judged(tutorial, pool):
                counts[verdict] += 1
                if verdict == "survived" or chosen.all:
                    print(f"{tutorial.shown}:{line}: {verdict}: {words} {why and f'({why})'}")
            for verdict, count in counts.items():
                total[verdict] += count
            print(f"{tutorial.shown}: {counts}", flush=True)
    share = total["caught"] / max(1, total["caught"] + total["survived"])
    print(f"in all: {total}, {share:.1%} of the mutants that can be seen are caught")
    return share < 0.95


if __name__ == "__main__":
    sys.exit(main())
