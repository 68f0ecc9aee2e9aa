"""The reading view with both languages side by side, joined from the two built pages.

Both pages come from the same cells, so their articles have the same blocks in the same order.
Words of the two languages are put next to each other; what is the same in both (code, outputs,
figures, formulas) stands once.
"""

import os
import posixpath
import re

from lxml import html

from carry.page import Page, uncover
from course.words import words

ALONE = ("tutorial-facts", "tutorial-downloads")  # stay in the reader's language
SHARED = ("pre", "img", "math", "figure")


class Mismatch(Exception):
    """The pages of a tutorial do not have the same blocks."""


def write_views(site, course):
    """Write the view of each tutorial that is older than one of its pages."""
    for script in course.scripts:
        address = f"{script.docname}.html"
        newest = max((site / lang / address).stat().st_mtime_ns for lang in ("en", "zh"))
        for lang, other in (("en", "zh"), ("zh", "en")):
            view = (site / lang / address).with_name(script.view)
            if not view.is_file() or view.stat().st_mtime_ns < newest:
                try:
                    text = join(Page(site / lang, address), Page(site / other, address))
                except Mismatch as error:
                    raise Mismatch(f"{script.shown}:1: {error}") from None
                part = view.with_suffix(".part")
                part.write_text(text, encoding="utf-8")
                os.replace(part, view)  # a view is whole or not there: its age is trusted


def join(page, twin):
    """The text of ``page`` with the words of ``twin`` beside its own."""
    article, translation = page.tree.find(".//article"), twin.tree.find(".//article")
    for tree in (article, translation):
        uncover(tree)
    for script in page.tree.xpath("//script[contains(@src, 'predict.js')]"):
        script.drop_tree()
    for mark in translation.iterfind(".//a[@class='headerlink']"):
        mark.drop_tree()
    for named in translation.xpath("descendant-or-self::*[@id]"):
        del named.attrib["id"]
    pair_blocks(article, translation, page.language, twin.language)
    lead(page)
    tree = page.tree.getroottree()
    return html.tostring(tree, encoding="unicode", doctype="<!DOCTYPE html>") + "\n"


def pair_blocks(parent, twin, code, other_code):
    """Put each block of ``twin`` that holds words beside its counterpart in ``parent``."""
    ours, theirs = ([child for child in tree if is_block(child)] for tree in (parent, twin))
    if [child.tag for child in ours] != [child.tag for child in theirs]:
        tags = [" ".join(child.tag for child in tree) for tree in (ours, theirs)]
        place = f"section {parent.get('id')}" if parent.get("id") else f"<{parent.tag}>"
        raise Mismatch(
            f"{place} holds <{tags[0]}> in one language and <{tags[1]}> in the other: "
            "give the twins equal blocks"
        )
    for block, translation in zip(ours, theirs, strict=True):
        classes = block.get("class", "").split()
        if block.tag == "summary":
            mark = block.makeelement("span", lang=other_code)
            mark.text, block.text = translation.text, f"{block.text} · "
            block.append(mark)
        elif block.tag in ("section", "details", "blockquote") or "admonition" in classes:
            pair_blocks(block, translation, code, other_code)
        elif not any(name in classes for name in ALONE) and has_words(block, translation):
            set_beside(block, translation, code, other_code)


def is_block(element):
    return isinstance(element.tag, str) and element.tag != "span"


def has_words(block, translation):
    """Whether the two say different things; code, figures and formulas do not."""
    shared = block.tag in SHARED or block.find("pre") is not None or block.find("*/pre") is not None
    return not shared and " ".join(block.itertext()) != " ".join(translation.itertext())


def set_beside(block, translation, code, other_code):
    row = block.makeelement("div", {"class": "pair"})
    row.tail, block.tail, translation.tail = block.tail, "\n", None
    block.getparent().replace(block, row)
    row.extend([block, translation])
    block.set("lang", code)
    translation.set("lang", other_code)
    if re.fullmatch("h[1-6]", translation.tag):  # one heading for the outline of the page
        translation.set("class", f"twin-{translation.tag}")
        translation.tag = "p"


def lead(page):
    """Let the frame say what this view is, and lead to the views of other pages and back."""
    tree, own = page.tree, words(page.folder.name)
    title = tree.find(".//title")
    title.text = title.text.replace(" · ", f" · {own['both_title']} · ", 1)
    tree.find("body").set("class", "both")
    back = tree.find(".//a[@data-both]")
    back.set("href", posixpath.basename(page.address))
    back.text = own["one_language"]
    frame = (
        ".//a[contains(@class, 'language-switch')] | .//nav[not(ancestor::article)]//a"
        " | .//link[@rel='canonical' or @rel='alternate'] | .//meta[@property='og:url']"
    )
    for link in tree.xpath(frame):
        key = "content" if link.tag == "meta" else "href"
        link.set(key, re.sub(r"(/|^)(\d+_\w+)\.html", r"\1\2.both.html", link.get(key)))
