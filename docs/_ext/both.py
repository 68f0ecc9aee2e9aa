"""The reading view with both languages side by side, joined from the two built pages.

Both pages come from the same cells, so their articles have the same blocks in the same order.
Words of the two languages are put next to each other; what is the same in both (code, outputs,
figures, formulas) stands once.
"""

import os
import re
from pathlib import Path

from tutorial import CODES, LANGUAGES

SUFFIX = ".both.html"
WORDS = {
    "en": {"title": "side by side", "back": "English only"},
    "zh": {"title": "中英对照", "back": "只看中文"},
}
ALONE = ("tutorial-facts", "tutorial-downloads")  # stay in the reader's language
SHARED = ("pre", "img", "math", "figure")


class Mismatch(Exception):
    """The pages of a tutorial do not have the same blocks."""


def write_views(site, names):
    """Write the view of each tutorial (``part/stem``) that is older than one of its pages."""
    for name in names:
        pages = {lang: Path(site, lang, "tutorials", f"{name}.html") for lang in LANGUAGES}
        newest = max(page.stat().st_mtime_ns for page in pages.values())
        for lang, other in (("en", "zh"), ("zh", "en")):
            view = pages[lang].with_suffix(SUFFIX)
            if not view.is_file() or view.stat().st_mtime_ns < newest:
                try:
                    text = join(pages[lang], pages[other], lang, other)
                except Mismatch as error:
                    raise Mismatch(f"tutorials/{name}.py: {error}") from None
                part = view.with_suffix(".part")
                part.write_text(text, encoding="utf-8")
                os.replace(part, view)  # a view is whole or not there: its age is trusted


def join(page, twin, lang, other):
    """The text of ``page`` with the words of ``twin`` beside its own."""
    from lxml import html

    trees = [html.parse(str(path), html.HTMLParser(encoding="utf-8")) for path in (page, twin)]
    article, translation = (tree.find(".//article") for tree in trees)
    for mark in translation.iterfind(".//a[@class='headerlink']"):
        mark.drop_tree()
    for named in translation.xpath("descendant-or-self::*[@id]"):
        del named.attrib["id"]
    pair_blocks(article, translation, CODES[lang], CODES[other])
    lead(trees[0].getroot(), page.stem, lang)
    return html.tostring(trees[0], encoding="unicode", doctype="<!DOCTYPE html>") + "\n"


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


def lead(page, stem, lang):
    """Let the frame say what this view is, and lead to the views of other pages and back."""
    words = WORDS[lang]
    title = page.find(".//title")
    title.text = title.text.replace(" · ", f" · {words['title']} · ", 1)
    page.find("body").set("class", "both")
    back = page.find(".//a[@data-both]")
    back.set("href", f"{stem}.html")
    back.text = words["back"]
    frame = (
        ".//a[contains(@class, 'language-switch')] | .//nav[not(ancestor::article)]//a"
        " | .//link[@rel='canonical' or @rel='alternate'] | .//meta[@property='og:url']"
    )
    for link in page.xpath(frame):
        key = "content" if link.tag == "meta" else "href"
        link.set(key, re.sub(r"(/|^)(\d+_\w+)\.html", rf"\1\2{SUFFIX}", link.get(key)))
