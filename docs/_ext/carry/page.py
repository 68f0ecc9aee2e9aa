"""The one reader of finished pages: what a page says of itself, and where its links lead."""

import html
import posixpath
import re
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from lxml.html import document_fromstring

LINK = re.compile(r'(<a\s[^>]*?\bhref=")([^"]*)')


class Page:
    """The page ``address`` in ``folder``, which holds the pages of one language; its ``text``."""

    def __init__(self, folder, address):
        self.folder, self.address = Path(folder), address
        self.text = (self.folder / address).read_text(encoding="utf-8")

    @cached_property
    def tree(self):
        return document_fromstring(self.text)

    @property
    def language(self):
        """As HTML names it."""
        return self.tree.get("lang")

    @property
    def title(self):
        """The first heading, without its link."""
        heading = self.tree.find(".//h1")
        return "".join(heading.xpath(".//text()[not(ancestor::a[@class='headerlink'])]"))

    @property
    def description(self):
        return self.tree.find(".//meta[@name='description']").get("content")

    @property
    def published(self):
        """The page's published address."""
        return html.unescape(re.search(r'<link rel="canonical" href="([^"]+)"', self.text)[1])

    @property
    def article(self):
        return re.search(r"<article\b.*</article>", self.text, re.S)[0]

    @property
    def links(self):
        """Where the article leads."""
        return self.tree.xpath("//article//a/@href")

    @property
    def parents(self):
        """The addresses of the pages above it, from the top; the home is none."""
        links = self.tree.xpath("//nav[@class='breadcrumbs']/a/@href")
        return [self.within(link)[0] for link in links]

    @property
    def next(self):
        """The address of the page that a reader is led to next, or ``None``."""
        link = self.tree.find(".//a[@rel='next']")
        return self.within(link.get("href"))[0] if link is not None else None

    def within(self, target):
        """Where a link of the page leads: the address in its folder, and the fragment.

        ``None`` for an address of its own (``https:``, ``mailto:``).
        """
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            return None
        path = posixpath.join(posixpath.dirname(self.address), unquote(parts.path))
        return posixpath.normpath(path) if parts.path else self.address, parts.fragment

    def led_out(self, kept):
        """The text, each link that leaves the addresses ``kept`` leading to the published site."""

        def lead(match):
            target = html.unescape(match[2])
            place = self.within(target)
            if place is None or place[0] in kept:
                return match[0]
            return match[1] + html.escape(urljoin(self.published, target))

        return LINK.sub(lead, self.text)


def uncover(article):
    """Let the answers to predictions stand open, where no script opens them."""
    for form in article.find_class("guess"):
        form.drop_tree()
    for cover in article.find_class("cover"):
        cover.drop_tag()


def in_order(folder):
    """The pages of one language in the order in which a reader is led from the home."""
    address = "index.html"
    while address:
        page = Page(folder, address)
        yield page
        address = page.next


def left_for(pages):
    """The addresses outside the site that ``pages`` lead to, below what they have in common."""
    found = {link for page in pages for link in page.links if link.startswith("http")}
    bases = {}
    for link in sorted(found):
        base = re.match(r"https?://[^/]+/?(docs/[\d.]+/)?", link)[0]
        bases.setdefault(base, []).append(link.removeprefix(base))
    lines = [line for base, rest in bases.items() for line in (base, *(f"  {r}" for r in rest))]
    return "\n".join(lines) + "\n"
