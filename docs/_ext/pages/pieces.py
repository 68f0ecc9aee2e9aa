"""The index of the search, in pieces of which a query loads few.

``_static/search-index.js`` has titles, words and the glossary, and names the others: each has the
places of some words, for the ranking, or a page's sections, to be shown. They are scripts because
``file://`` allows no fetch, and named by what they hold so that those of two builds cannot mix.
``_static/search.js`` reads them. Sphinx's own search is off.
"""

import hashlib
import json
import re
import tomllib
import unicodedata
from collections import Counter
from functools import partial
from pathlib import Path

from course.text import HAN
from pages.search import glossary
from pages.site import write

RELATED = Path(__file__).parents[2] / "search.toml"
LATIN = rf"(?:(?![{HAN}])\w)+"
PIECE = re.compile(rf"[{HAN}]+|{LATIN}(?:(?:[.\-]|::){LATIN})*")
NUMBER = re.compile(r"[0-9.]*[0-9](?:e-?[0-9]+)?|0x[0-9a-f]+")
INSIDE = re.compile(r"_|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
FIELDS = "thkxc"  # the page's title, the section's heading, the page's tags, text, code
WORDS = 80  # whose places are in one piece
dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def cut(text):
    """The words of ``text``, as in ``search.js``: names and their parts, pairs of characters."""
    for piece in PIECE.findall(unicodedata.normalize("NFKC", text)):
        whole, names = piece.lower(), re.split(r"[.\-]|::", piece)
        if re.match(f"[{HAN}]", piece):
            yield from (piece[i : i + 2] for i in range(max(1, len(piece) - 1)))
        elif NUMBER.fullmatch(whole):
            yield whole
        else:
            parts = (part.lower() for name in names for part in INSIDE.split(name))
            parts = {re.sub("(?<=[a-z]{3})[0-9]+$", "", part) for part in parts} - {""}
            yield from parts | {whole, whole.replace("-", ""), *map(str.lower, names)}


def places(pages):
    """A line for each word that says where it stands, and of each page what its sections count.

    ``dropout 7 2h 0x3``: in section 7 of all; in the heading of section 9, and there in the text
    three times. A section counts what it is worth and how many words each of its fields has.
    """
    found, counts, number = {}, [], 0
    for _, tags, sections in pages:
        counts.append([])
        for anchor, heading, *rest in sections:
            own = (heading, "") if counts[-1] else ("", " ".join(tags))
            fields = [Counter(cut(text)) for text in (sections[0][1], *own, *rest)]
            counts[-1].append([0.5 if anchor == "where-next" else 1, *map(len, fields)])
            for letter, words in zip(FIELDS, fields, strict=True):
                for word, times in words.items():
                    line, last = found.get(word, (word, 0))
                    where = f"{letter}{times}" if times > 1 else letter.strip("x")
                    found[word] = f"{line} {number - last}{where}", number
            number += 1
    return [found[word][0] for word in sorted(found)], counts


def pieces(pages, **more):
    """The scripts that ``search.js`` loads, by name: the same pages give the same bytes."""
    files = {}

    def piece(held):
        name = hashlib.sha256(dumps(held).encode()).hexdigest()[:8]
        files[f"search-{name}.js"] = f'searchPieces["{name}"]={dumps(held)};\n'
        return name

    lines, counts = places(pages)
    words = [line.partition(" ")[0] for line in lines]
    groups = range(0, len(lines), WORDS)
    index = {
        "pages": [
            [address, sections[0][1], piece(sections), numbers]
            for (address, _, sections), numbers in zip(pages, counts, strict=True)
        ],
        "parts": [[words[i], piece("\n".join(lines[i : i + WORDS]))] for i in groups],
        "words": " ".join(word for word in words if re.fullmatch("[a-z_]+", word)),
    } | more
    return files | {"search-index.js": f"window.searchIndex={dumps(index)};\n"}


def write_index(app):
    """Write the pieces of this build, and remove those of the one before."""
    labels = app.env.get_domain("std").labels

    def titled(text):
        return re.sub("\0(.*?)\0", lambda match: labels.get(match[1], ("", "", ""))[2], text)

    pages = []
    for docname, (tags, sections) in sorted(app.env.search_pages.items()):
        shown = [[titled(text) for text in section] for section in sections]
        if shown:
            pages.append([app.builder.get_target_uri(docname), tags, shown])
    words = Path(app.confdir, "docs/zh/glossary.md")
    terms = glossary(words) if words.is_file() else []
    related = tomllib.loads(RELATED.read_text(encoding="utf-8"))["related"]
    files, static = pieces(pages, terms=terms, related=related), Path(app.outdir, "_static")
    for gone in {*static.glob("search-*.js")} - {static / name for name in files}:
        gone.unlink()
    for name, text in files.items():
        write(static / name, text)
