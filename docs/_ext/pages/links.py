"""Link the names in code cells to the official documentation of torch, Matplotlib and Python.

What a name is was noted while the code ran (``names``); which page it has stands in the inventory.
The links are put into the highlighted code by position, when a page is written: text in strings
and comments is never looked at, and the code itself stays as it is for whoever copies it.

The first link of a page to an address is a stop of the Tab key, later ones are not: a page has
hundreds, and a reader with a keyboard meets each address once.
"""

import ast
import re
from html import escape

from docutils import nodes

from run.inventory import address
from run.names import imported, places, spelled


def link_names(app, doctree):
    """Give each code cell of a tutorial its ``links``: ``(start, end, full name, address)``."""
    site, aliases = app.site, {}
    tutorial = site.tutorials.get(app.env.docname)
    if tutorial is None:
        return
    cells = iter(site.outcome(tutorial)["cells"])
    for node in doctree.findall(nodes.literal_block):
        is_code = "cell" in node and tutorial.cells[node["cell"]].is_code
        if is_code and node.get("language") == "Python":
            named = next(cells)["named"]
            node["links"] = links(node.rawsource, named, aliases, site.inventory, site.language)


def links(code, named, aliases, inventory, lang):
    """The links in ``code``: ``(start, end, full name, address)``, none inside another.

    ``named`` is what the record has of the cell. ``aliases`` has the names that the page's
    imports bound so far and is updated: ``plt.plot`` is linked as a whole, of ``loss.backward``
    the part behind the dot.
    """
    tree, found = ast.parse(code), []
    aliases |= imported(tree)
    starts = [0]
    for line in code.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for place, node in enumerate(places(tree)):
        names = named.get(str(place), {}).get("names", ())
        target = address(inventory, names, lang)
        if target is None or isinstance(node, ast.FunctionDef):
            continue
        start = starts[node.lineno - 1] + node.col_offset
        stop = starts[node.end_lineno - 1] + node.end_col_offset
        if isinstance(node, ast.alias):
            stop = start + len(node.name)
        elif isinstance(node, ast.Attribute) and spelled(node, aliases) not in names:
            start = stop - len(node.attr)
        found.append((start, stop, *target))
    found.sort(key=lambda link: (link[0], -link[1]))
    return [
        link
        for before, link in zip([None, *found], found, strict=False)
        if not before or link[0] >= before[1]
    ]


def visit_code(translator, node):
    """Sphinx's code block, with the links of a code cell put in."""
    try:
        type(translator).visit_literal_block(translator, node)
    except nodes.SkipNode:
        if node.get("links"):
            met = translator.__dict__.setdefault("linked_addresses", set())
            translator.body[-1] = marked(translator.body[-1], node["links"], met)
        raise


def marked(markup, links, met):
    """``markup``, a highlighted code block, with ``links``; ``met`` has the page's addresses."""
    at = markup.index("<pre>") + len("<pre>")
    characters = [
        match.span()
        for match in re.finditer(r"&[^;]+;|[^<]|<[^>]*>", markup[at:])
        if match[0][0] != "<"
    ]
    done, pieces = at, [markup[:at]]
    for start, end, name, target in links:
        first, last = at + characters[start][0], at + characters[end - 1][1]
        text = markup[first:last]
        if text.count("<span") != text.count("</span"):  # a token that holds more than the name
            continue
        again = ' tabindex="-1"' if target in met else ""
        met.add(target)
        link = f'<a class="call" href="{escape(target)}" title="{escape(name)}"{again}>{text}</a>'
        pieces += [markup[done:first], link]
        done = last
    return "".join([*pieces, markup[done:]])
