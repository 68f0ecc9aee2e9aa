"""What a comment in a code cell asks for; neither pages nor downloads show it.

A cell asks for the autograd graph of a result, as it is when the cell has run::

    # sphinx_gallery_graph = "loss"
    # sphinx_gallery_graph = "loss: saved, backward"

Before the colon stand names of results. ``saved`` shows the saved tensors, ``backward`` lets the
edges point from the result to the leaves, ``steps`` records values and gradients to step through.
"""

import re

ASKS = re.compile(r"^# sphinx_gallery_graph\b.*$", re.M)
REQUEST = re.compile(r'# sphinx_gallery_graph = "(\w+(?:, \w+)*)(?:: (\w+(?:, \w+)*))?"')
OPTIONS = {"saved", "backward", "steps"}
MEND = (
    'write # sphinx_gallery_graph = "y", with names of results and, after a colon, any of '
    f"{', '.join(sorted(OPTIONS))} (steps without backward), once in a cell"
)


def request(code):
    """The names and the options that a cell's ``code`` asks for; ``None`` if it does not ask.

    A comment that cannot be read raises ``ValueError`` with the comment.
    """
    comments = ASKS.findall(code)
    if not comments:
        return None
    match = REQUEST.fullmatch(comments[0].rstrip())
    options = set(re.findall(r"\w+", match[2] or "")) if match else set()
    known = not options - OPTIONS and not {"steps", "backward"} <= options
    if not match or len(comments) > 1 or not known:
        raise ValueError(comments[-1])
    return re.findall(r"\w+", match[1]), options
