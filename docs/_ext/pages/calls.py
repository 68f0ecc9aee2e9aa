"""The list of autograd's calls with the sections that use them, and a tutorial's last section.

``docs/calls.toml`` lists the calls; ``run.used`` says which of them a cell uses.
"""

import hashlib
import json

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from course.text import LITERAL
from pages.cells import fold
from run.inventory import address
from run.used import CALLS, listed, sections

PAGE = "calls"
FEW = 4  # sections that an entry shows unfolded


def anchor(call):
    """The id of a call's entry: letters, digits, hyphens and underscores."""
    return call.rstrip("=)").replace("(", "--").replace(".", "-").replace("*", "any")


class group(nodes.General, nodes.Element):
    """Stands for the calls of one group until the page has been read."""


class Calls(SphinxDirective):
    """``{calls} group`` lists the calls of a group; without one it says how many there are."""

    optional_arguments = 1

    def run(self):
        groups, _ = listed()
        name = self.arguments[0] if self.arguments else None
        if name is not None and name not in groups:
            raise self.error(f"no group {name!r} in {CALLS.name}: write one of {', '.join(groups)}")
        if self.env.docname != PAGE:
            raise self.error(f"the calls are listed on the page {PAGE!r} alone: move this there")
        return [group(name=name)]


def show_calls(app, doctree):
    """Fill the page of calls, and end each tutorial with those that it uses."""
    docname = app.env.docname
    tutorial = app.site.tutorials.get(docname)
    groups, _ = listed()
    if docname == PAGE:
        for node in list(doctree.findall(group)):
            node.replace_self(entries(app, node["name"]) if node["name"] else [total(app)])
    elif tutorial is not None and PAGE in app.env.found_docs:
        calls = [call for names in groups.values() for call in names]
        uses = sections(tutorial, app.site.outcome(tutorial), set(calls))
        if uses:
            end = last_section(app, [call for call in calls if call in uses])
            next(doctree.findall(nodes.section)).append(end)


def last_section(app, calls):
    words = app.site.words
    section = nodes.section("", nodes.title("", words["calls_title"]), ids=[PAGE], classes=[PAGE])
    line = nodes.paragraph()
    for call in calls:
        line += [nodes.Text(words["calls_and"])] if line.children else []
        line += link(PAGE, anchor(call), nodes.literal("", call))
    section += line
    return section


def uses_of_all(app):
    """``{call: {docname: [anchor, …]}}`` of the whole course, read once a build."""
    if not hasattr(app, "uses_of_calls"):
        app.uses_of_calls = {}
        calls = {call for names in listed()[0].values() for call in names}
        for docname, tutorial in app.site.tutorials.items():
            for call, found in sections(tutorial, app.site.outcome(tutorial), calls).items():
                app.uses_of_calls.setdefault(call, {})[docname] = found
    return app.uses_of_calls


def total(app):
    calls = [call for names in listed()[0].values() for call in names]
    count = sum(call in uses_of_all(app) for call in calls)
    return nodes.paragraph("", app.site.words["calls_all"].format(count, len(calls)))


def entries(app, name):
    """The nodes of one group: how many are used, each used call, and those not taught yet."""
    words, calls, uses = app.site.words, listed()[0][name], uses_of_all(app)
    missing = [call for call in calls if call not in uses]
    share = words["calls_share"].format(len(calls) - len(missing), len(calls))
    shown = [nodes.paragraph("", share, classes=["part-count"])]
    entries = nodes.definition_list(classes=[PAGE])
    for call in calls:
        if call in uses:
            term = nodes.term("", "", official(app, call), ids=[anchor(call)])
            body = nodes.definition("", *where(app, uses[call]))
            entries += nodes.definition_list_item("", term, body)
    shown += [entries] if entries.children else []
    if missing:
        line = nodes.paragraph("", words["calls_missing"])
        for call in missing:
            line += [nodes.Text(words["calls_and"])] if call != missing[0] else []
            line += official(app, call)
        shown.append(line)
    return shown


def official(app, call):
    """The call, linked to its documentation if it has a page."""
    target = address(app.site.inventory, [call.partition("(")[0]], app.site.language)
    literal = nodes.literal("", call)
    return nodes.reference("", "", literal, refuri=target[1]) if target else literal


def where(app, uses):
    """A line for each tutorial with its sections, folded if they are many."""
    words, lines = app.site.words, []
    for docname, anchors in uses.items():
        titles = app.site.tutorials[docname].headings(app.site.language)
        line = nodes.paragraph("", "", link(docname, "", *marked_up(titles[""])))
        for number, place in enumerate(filter(None, anchors)):
            line += nodes.Text(" · " if number else words["colon"])
            line += link(docname, place, *marked_up(titles[place]))
        lines.append(line)
    count = sum(len(anchors) for anchors in uses.values())
    if len(lines) > 1 and count > FEW:
        summary = words["calls_sections"].format(len(uses), count)
        return [fold("", *lines, summary=summary, classes=[PAGE])]
    return lines


def marked_up(heading):
    """The nodes of a heading, its literals kept."""
    for number, part in enumerate(LITERAL.split(heading)):
        yield nodes.literal("", part) if number % 2 else nodes.Text(part)


def link(page, place, *content):
    """A link to a section. Builders share what was read, so ``lead`` gives it its address."""
    return nodes.reference("", "", *content, internal=True, leads=(page, place))


def lead(app, doctree, docname):
    """Give each ``link`` the address that it has in this builder."""
    for node in doctree.findall(nodes.reference):
        if "leads" in node:
            page, place = node["leads"]
            node["refuri"] = app.builder.get_relative_uri(docname, page) + (place and f"#{place}")


def outdated(app, env, added, changed, removed):
    """The page of calls, when code or a heading of a tutorial has changed."""
    facts = [
        [
            docname,
            app.site.records.key(tutorial),
            tutorial.headings(app.site.language),
        ]
        for docname, tutorial in app.site.tutorials.items()
    ]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    before, env.calls_digest = getattr(env, "calls_digest", None), digest
    return [PAGE] if PAGE in env.found_docs and before != digest else []
