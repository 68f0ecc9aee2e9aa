"""The pages of one language for reading from a folder, where no server and no network is.

Links that lead out of the folder, to the other language or to what is not taken along, lead to
the published site.
"""

import posixpath
import re
from urllib.parse import unquote

from carry.page import Page

START = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=pages/index.html">
<title>{title}</title>
</head>
<body><a href="pages/index.html">{title}</a></body>
</html>
"""
FILE_NAME = re.compile(r"[\w.%-]+\.\w+")


def needed(pages, left):
    """The files that the pages need, ``left`` left out, as paths from the folder ``pages``.

    All pages; of the other files those whose name stands in a page, or in a script or style
    sheet that is needed; and the scripts of the search, which load each other by names that
    they put together.
    """
    paths = {path.relative_to(pages).as_posix() for path in pages.rglob("*") if path.is_file()}
    paths = {path for path in paths if not path.endswith((".map", ".epub"))} - left
    kept = {path for path in paths if path.endswith(".html") and not path.startswith("_static/")}
    kept |= {path for path in paths if re.search(r"(^|/)_static/(.*/)?search[^/]*$", path)}
    unread = kept
    while unread:
        names = set()
        for path in unread:
            if path.endswith((".html", ".js", ".css")):
                names |= set(FILE_NAME.findall((pages / path).read_text(encoding="utf-8")))
        names = {unquote(name) for name in names}
        unread = {path for path in paths - kept if posixpath.basename(path) in names}
        kept = kept | unread
    return sorted(kept)


def members(pages, folder):
    """The files of the zip, (name, bytes), all in ``folder``: a start page and ``pages``."""
    kept = needed(pages, {f"downloads/{folder}.zip"})
    index = Page(pages, "index.html")
    title = index.tree.findtext(".//title")
    yield f"{folder}/index.html", START.format(lang=index.language, title=title).encode()
    for path in kept:
        if path.endswith(".html"):
            data = Page(pages, path).led_out(set(kept)).encode()
        else:
            data = (pages / path).read_bytes()
        yield f"{folder}/pages/{path}", data
