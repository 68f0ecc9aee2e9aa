"""The page of a tutorial in one language, as reStructuredText: its cells, and what each printed.

Each cell begins with a comment ``.. cell NUMBER``, and what a figure shows stands in a comment
``.. alt WORDS``: ``cells`` reads both, and nothing else does.
"""

import re
from textwrap import indent

from sphinx_gallery.py_source_parser import remove_config_comments, remove_ignore_blocks

from course.text import joined, plain, slug
from pages.site import AuthoringError


def code(cell):
    """The code of a cell as readers see it: without what it asks of Sphinx-Gallery or of us."""
    text = remove_ignore_blocks("\n".join(cell.lines))
    return remove_config_comments(text).strip("\n")


def page(tutorial, language, outcome):
    """The page of ``tutorial`` in ``language``, with the ``outcome`` of its run."""
    anchors, outputs = {}, iter(outcome["cells"])
    name = tutorial.docname.replace("/", "_")
    # The class and the label that a page of Sphinx-Gallery has.
    parts = [".. rst-class:: sphx-glr-example-title", f".. _sphx_glr_{name}.py:"]
    for english, chinese in tutorial.twins():
        anchors[english.line] = anchors[chinese.line] = slug(english.heading)
    has_title = False
    for number, cell in enumerate(tutorial.cells):
        if cell.is_code:
            parts += [
                f".. cell {number}",
                f".. code-block:: Python\n\n{indent(code(cell), '    ')}",
            ]
            parts.append(shown(tutorial, cell, output(next(outputs), language)))
        elif cell.kind == language and cell.alt:
            parts.append(f".. alt {plain(joined(cell.lines, language))}")
        elif cell.kind == language:
            parts.append(f".. cell {number}")
            if cell.heading:
                label = tutorial.label + (f"-{anchors[cell.line]}" if has_title else "")
                rule = ("-" if has_title else "=") * (2 * len(cell.heading))
                parts += [f".. _{label}:", f"{cell.heading}\n{rule}"]
                has_title = True
            parts.append(cell.text)
    return "\n\n".join(filter(None, parts)) + "\n"


def shown(tutorial, cell, output):
    """``output`` of ``cell``, if it is one that its kind may have."""
    if cell.kind == "predict" and not output:
        what = "a prediction that shows nothing: print or draw the answer"
    elif cell.kind == "check" and output:
        what = "a check that prints or draws: let it assert alone"
    else:
        return output
    raise AuthoringError(f"{tutorial.path}:{cell.line}: {what}")


def output(cell, language):
    """What stands below a cell: what it printed and drew, then the graph that it asked for."""
    shown = cell["rst"].strip("\n")
    if cell["graph"]:
        shown += f"\n\n.. raw:: html\n\n{indent(figure(cell['graph'][language]), '    ')}"
    return shown


def figure(drawing):
    """A drawing on a page; a wide one scrolls in its own box."""
    return f'<figure class="autograd-figure"><div class="autograd-scroll">{drawing}</div></figure>'


def cell_at(text, line):
    """The number of the cell that holds ``line`` of the page ``text``, the first if none does."""
    above = "\n".join(text.split("\n")[:line])
    return int((re.findall(r"^\.\. cell (\d+)$", above, re.M) or [1])[-1])
