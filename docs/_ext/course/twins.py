"""What the two languages of a page must share: everything that is not prose, and the signature."""

import re
from collections import Counter

from course.text import LITERAL, ROLE
from course.tutorial import Problem

CODE_BLOCK = re.compile(r"^\.\. code-block::.*\n((?:\n|   .*(?:\n|$))+)", re.M)
LINK = re.compile(r"`[^`<]*<([^>`]+)>`_{1,2}|(https?://[^\s<>`)，。；）]+)")
DIRECTIVE = re.compile(r"^\.\. ([a-z-]+)::", re.M)
MATH_BLOCK = re.compile(r"^\.\. math::\n((?:\n|   .*(?:\n|$))+)", re.M)
LIST_ITEM = re.compile(r"^ *(?:[-*]|\d+\.|#\.) ", re.M)
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")


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


def check_content(tutorial):
    """Yield what one of two twins holds and the other does not."""
    for english, chinese in tutorial.twins():
        if english.alt != chinese.alt:
            continue
        if bool(english.heading) != bool(chinese.heading):
            side = "Chinese" if english.heading else "English"
            what = f"the {side} cell has no heading and its twin has one"
            yield Problem(chinese.line, what, "give both a heading or neither")
        left, right = content(english), content(chinese)
        for kind, item in sorted(left.keys() | right.keys()):
            counts = left[kind, item], right[kind, item]
            if counts[0] != counts[1]:
                named = f"{kind} '{item}'" if item else kind
                what = f"{named}: {counts[0]} in English, {counts[1]} in Chinese"
                yield Problem(chinese.line, what, "make the twins agree")


def check_signatures(tutorial):
    """Yield the Chinese cells that were not written for the English of today."""
    for english, chinese in tutorial.twins():
        if english.alt == chinese.alt and chinese.signature != english.digest():
            was = f"signed off for {chinese.signature}" if chinese.signature else "never signed off"
            yield Problem(
                chinese.line,
                f"the English now reads {english.digest()} and the Chinese was {was}",
                f"read the Chinese against it, then 'make sign FILES={tutorial.shown}' or write "
                f"{english.digest()} in its marker",
            )
