"""Which of autograd's calls the code of a tutorial uses, and in which sections.

``docs/calls.toml`` lists the calls. What the names in a cell are was noted while it ran.
"""

import tomllib
from functools import cache
from pathlib import Path

from course.text import slug

CALLS = Path(__file__).parents[2] / "calls.toml"


@cache
def listed():
    """The calls of each group, and the names that are left out for each reason."""
    lists = tomllib.loads(CALLS.read_text(encoding="utf-8"))
    return lists["groups"], lists["excluded"]


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


@cache
def families():
    """The listed calls that end in ``*``, which stands for any ending."""
    return [call for names in listed()[0].values() for call in names if call.endswith("*")]


def matching(names, ending, calls):
    """The first of ``names`` that is listed, as it is listed; ``None`` if none is."""
    for name in names:
        if name + ending in calls:
            return name + ending
        for call in families():
            if call in calls and name.startswith(call[:-1]):
                return call
    return None


def sections(tutorial, outcome, calls):
    """The anchors of the sections that use each call; that of the page itself is empty."""
    uses, section, cells = {}, None, iter(outcome["cells"])
    for cell in tutorial.cells:
        if cell.kind == "en" and cell.heading:
            section = "" if section is None else slug(cell.heading)
        elif cell.is_code:
            named = next(cells)["named"]
            for call in used(named, calls) if cell.kind != "check" else ():
                if section not in uses.setdefault(call, []):
                    uses[call].append(section)
    return uses


def share(course, records):
    """The lines that say how many calls of each group the tutorials use."""
    groups, _ = listed()
    calls = {call for names in groups.values() for call in names}
    uses = set()
    for tutorial in course.scripts:
        uses |= sections(tutorial, records.read(tutorial), calls).keys()
    for name, names in {**groups, "in all": sorted(calls)}.items():
        count = len(uses.intersection(names))
        yield f"{name:12}{count:4} of {len(names):3}{count / len(names):6.0%}"
