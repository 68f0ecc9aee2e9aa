"""The pages of one language for reading from a folder, where no server and no network is.

Links that lead out of the folder, to the other language or to what is not taken along, lead to
the published site.
"""

import html
import posixpath
import re
from urllib.parse import unquote, urljoin, urlsplit

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
LINK = re.compile(r'(<a\s[^>]*?\bhref=")([^"]*)')


def home(page):
    """The published address of a page, from its text."""
    return html.unescape(re.search(r'<link rel="canonical" href="([^"]+)"', page)[1])


def within(page, target):
    """Where a link on ``page`` leads: the path from the language's folder, and the fragment.

    ``None`` for an address of its own (``https:``, ``mailto:``).
    """
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    path = posixpath.join(posixpath.dirname(page), unquote(parts.path))
    return posixpath.normpath(path) if parts.path else page, parts.fragment


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
    index = (pages / "index.html").read_text(encoding="utf-8")
    lang, title = re.search(r'<html lang="(.*?)".*?<title>(.*?)</title>', index, re.S).groups()
    yield f"{folder}/index.html", START.format(lang=lang, title=title).encode()
    site = home(index)
    for path in kept:
        data = (pages / path).read_bytes()
        if path.endswith(".html"):
            data = led_out(data.decode(), path, site, set(kept)).encode()
        yield f"{folder}/pages/{path}", data


def led_out(text, page, site, kept):
    """The text of ``page`` with each link that leaves ``kept`` leading to the published site."""

    def lead(match):
        place = within(page, html.unescape(match[2]))
        if place is None or place[0] in kept:
            return match[0]
        address = urljoin(urljoin(site, page), html.unescape(match[2]))
        return match[1] + html.escape(address)

    return LINK.sub(lead, text)
