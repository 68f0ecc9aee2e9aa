"""The calls of automatic differentiation and the sections that use them.

    python docs/_ext/calls.py       print the share that the tutorials use

``docs/calls.toml`` lists the calls. Which of them a cell uses was noted while it ran. From both
come the pages ``calls``, whose directive lists a group, and the last section of each tutorial.
"""

import hashlib
import json
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

from gallery import language
from inventory import address
from record import EXPECTED, recorded
from tutorial import LITERAL, slug

CALLS = Path(__file__).resolve().parents[1] / "calls.toml"
PAGE = "calls"
FEW = 4  # sections that an entry shows unfolded
WORDS = {
    "en": {
        "share": "{0} of {1} used",
        "all": "Tutorials use {0} of these {1} calls.",
        "sections": "{0} tutorials, {1} sections",
        "missing": "Not taught yet: ",
        "and": ", ",
        "colon": ": ",
        "title": "Calls used on this page",
    },
    "zh": {
        "share": "已用到 {0} 个，共 {1} 个",
        "all": "下列 {1} 个调用，教程已用到 {0} 个。",
        "sections": "{0} 篇教程，{1} 节",
        "missing": "教程还没有讲到：",
        "and": "、",
        "colon": "：",
        "title": "本页用到的调用",
    },
}


def listed():
    """The calls of each group, and the names that are left out for each reason."""
    lists = tomllib.loads(CALLS.read_text(encoding="utf-8"))
    return lists["groups"], lists["excluded"]


def anchor(call):
    """The id of a call's entry: letters, digits, hyphens and underscores."""
    return call.rstrip("=)").replace("(", "--").replace(".", "-").replace("*", "any")


def used(named, calls):
    """Which of ``calls`` a code cell uses, from what its record has of the names in it."""
    found = set()
    for place, noted in named.items():
        if not noted.get("ran", True):
            continue
        found |= {matching(noted.get("names", ()), "", calls)}
        # The name of what is called stands right behind the place of the call.
        called = named.get(str(int(place) + 1), {}).get("names", ())
        for argument in noted.get("arguments", ()):
            found |= {matching(called, f"({argument}=)", calls)}
    return found - {None}


def matching(names, ending, calls):
    """The first of ``names`` that is listed, as it is listed; ``None`` if none is."""
    for name in names:
        if name + ending in calls:
            return name + ending
        for call in calls:
            if call.endswith("*") and name.startswith(call[:-1]):
                return call
    return None


def sections(tutorial, outcome, calls):
    """The anchors of the sections that use each call; that of the page itself is empty."""
    uses, section, cells = {}, None, iter(outcome["cells"])
    for cell in tutorial.cells:
        if cell.kind == "en" and cell.heading:
            section = "" if section is None else slug(cell.heading)
        elif cell.is_code:
            for call in used(next(cells)["named"], calls):
                if section not in uses.setdefault(call, []):
                    uses[call].append(section)
    return uses


def headings(tutorial, lang):
    """The heading of each section in ``lang``, by its anchor."""
    pairs = [(en, zh) for en, zh in tutorial.twins() if en.heading]
    anchors = ["", *(slug(en.heading) for en, _ in pairs[1:])]
    return dict(
        zip(anchors, ((zh if lang == "zh" else en).heading for en, zh in pairs), strict=True)
    )


class group(nodes.General, nodes.Element):
    """Stands for the calls of one group until the page has been read."""


class fold(nodes.General, nodes.Element):
    """What an entry with many sections folds away; ``summary`` is what stands on the fold."""


class Calls(Directive):
    """``{calls} group`` lists the calls of a group; without one it says how many there are."""

    optional_arguments = 1

    def run(self):
        groups, _ = listed()
        name = self.arguments[0] if self.arguments else None
        if name is not None and name not in groups:
            raise self.error(f"no group {name!r} in {CALLS.name}: write one of {', '.join(groups)}")
        return [group(name=name)]


def show_calls(app, doctree):
    """Fill the page of calls, and end each tutorial with those that it uses."""
    docname = app.env.docname
    tutorial = app.tutorials.get(docname)
    groups, _ = listed()
    if docname == PAGE:
        for node in list(doctree.findall(group)):
            node.replace_self(entries(app, node["name"]) if node["name"] else [total(app)])
    elif tutorial is not None and PAGE in app.env.found_docs:
        calls = [call for names in groups.values() for call in names]
        uses = sections(tutorial, recorded(app, docname), set(calls))
        if uses:
            end = last_section(app, docname, [call for call in calls if call in uses])
            next(doctree.findall(nodes.section)).append(end)


def last_section(app, docname, calls):
    words = WORDS[language(app)]
    section = nodes.section("", nodes.title("", words["title"]), ids=[PAGE], classes=[PAGE])
    page = app.builder.get_relative_uri(docname, PAGE)
    line = nodes.paragraph()
    for call in calls:
        line += [nodes.Text(words["and"])] if line.children else []
        line += nodes.reference(
            "", "", nodes.literal("", call), internal=True, refuri=f"{page}#{anchor(call)}"
        )
    section += line
    return section


def uses_of_all(app):
    """``{call: {docname: [anchor, …]}}`` of the whole course, read once a build."""
    if not hasattr(app, "uses_of_calls"):
        app.uses_of_calls = {}
        calls = {call for names in listed()[0].values() for call in names}
        for docname, tutorial in app.tutorials.items():
            for call, found in sections(tutorial, recorded(app, docname), calls).items():
                app.uses_of_calls.setdefault(call, {})[docname] = found
    return app.uses_of_calls


def total(app):
    calls = [call for names in listed()[0].values() for call in names]
    count = sum(call in uses_of_all(app) for call in calls)
    return nodes.paragraph("", WORDS[language(app)]["all"].format(count, len(calls)))


def entries(app, name):
    """The nodes of one group: how many are used, each used call, and those not taught yet."""
    words, calls, uses = WORDS[language(app)], listed()[0][name], uses_of_all(app)
    missing = [call for call in calls if call not in uses]
    share = words["share"].format(len(calls) - len(missing), len(calls))
    shown = [nodes.paragraph("", share, classes=["part-count"])]
    entries = nodes.definition_list(classes=[PAGE])
    for call in calls:
        if call in uses:
            term = nodes.term("", "", official(app, call), ids=[anchor(call)])
            body = nodes.definition("", *where(app, uses[call]))
            entries += nodes.definition_list_item("", term, body)
    shown += [entries] if entries.children else []
    if missing:
        line = nodes.paragraph("", words["missing"])
        for call in missing:
            line += [nodes.Text(words["and"])] if call != missing[0] else []
            line += official(app, call)
        shown.append(line)
    return shown


def official(app, call):
    """The call, linked to its documentation if it has a page."""
    target = address(app.inventory, [call.partition("(")[0]], language(app))
    literal = nodes.literal("", call)
    return nodes.reference("", "", literal, refuri=target[1]) if target else literal


def where(app, uses):
    """A line for each tutorial with its sections, folded if they are many."""
    lang, lines = language(app), []
    words = WORDS[lang]
    for docname, anchors in uses.items():
        titles = headings(app.tutorials[docname], lang)
        page = app.builder.get_relative_uri(PAGE, docname)
        line = nodes.paragraph("", "", link("", titles[""], page))
        for number, place in enumerate(filter(None, anchors)):
            line += nodes.Text(" · " if number else words["colon"])
            line += link(place, titles[place], page)
        lines.append(line)
    count = sum(len(anchors) for anchors in uses.values())
    if len(lines) > 1 and count > FEW:
        return [fold("", *lines, summary=words["sections"].format(len(uses), count))]
    return lines


def link(place, heading, page):
    """A link to a section, its heading's literals kept."""
    reference = nodes.reference("", "", internal=True, refuri=f"{page}#{place}" if place else page)
    for number, part in enumerate(LITERAL.split(heading)):
        reference += nodes.literal("", part) if number % 2 else nodes.Text(part)
    return reference


def visit_fold(translator, node):
    translator.body.append(f'<details class="calls"><summary>{node["summary"]}</summary>\n')


def depart_fold(translator, node):
    translator.body.append("</details>\n")


def outdated(app, env, added, changed, removed):
    """The page of calls, when code or a heading of a tutorial has changed."""
    facts = [
        [
            docname,
            EXPECTED["keys"].get(docname.removeprefix("tutorials/")),
            headings(tutorial, language(app)),
        ]
        for docname, tutorial in app.tutorials.items()
    ]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    before, env.calls_digest = getattr(env, "calls_digest", None), digest
    return [PAGE] if PAGE in env.found_docs and before != digest else []


def print_share():
    """Print how many calls of each group the tutorials use."""
    from build import settings
    from record import Records, key
    from tutorial import tutorials

    running, folder = settings()
    groups, _ = listed()
    calls = {call for names in groups.values() for call in names}
    uses = set()
    for tutorial in tutorials():
        if not tutorial.is_index:
            outcome = Records(folder).read(key(tutorial, running))
            if outcome is None:
                sys.exit(f"{tutorial.path}:1: there is no record of this code: run 'make html'")
            uses |= sections(tutorial, outcome, calls).keys()
    for name, names in {**groups, "in all": sorted(calls)}.items():
        count = len(uses.intersection(names))
        print(f"{name:12}{count:4} of {len(names):3}{count / len(names):6.0%}")


def setup(app):
    app.add_config_value("calls_listed", hashlib.sha256(CALLS.read_bytes()).hexdigest(), "env")
    app.add_node(group)
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_directive(PAGE, Calls)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-read", show_calls, priority=400)  # before the contents are taken
    return {"parallel_read_safe": False, "parallel_write_safe": True}


if __name__ == "__main__":
    print_share()
