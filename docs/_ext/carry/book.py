"""The course as a book, an EPUB 3, made from the built pages of one language.

Its chapters are the articles of the pages, in the order of the site's contents. A book has no
scripts, covers nothing and folds nothing: solutions stand at the end of their chapter, and what is
not in the book is linked on the published site.
Source: EPUB 3.3 (W3C Recommendation), EPUB Accessibility 1.1.
"""

import posixpath
import re
import uuid
from pathlib import Path
from urllib.parse import urljoin

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import etree
from lxml.builder import E
from lxml.html import fragment_fromstring
from pygments.formatters import HtmlFormatter

from carry.page import in_order, uncover
from course.words import words

FOLDER = Path(__file__).parents[2] / "_book"
TYPES = {
    ".css": "text/css",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".xhtml": "application/xhtml+xml",
}
FOR_AUTHORS = {"write.html"}
# An element's namespace, and what the manifest calls a chapter that holds one.
NAMESPACES = {
    "math": ("http://www.w3.org/1998/Math/MathML", "mathml"),
    "svg": ("http://www.w3.org/2000/svg", "svg"),
}


def contents(pages):
    """The chapters as a list of (page, pages below it): parts of the course hold their tutorials.

    What says how to read comes first, behind the home.
    """
    tops = []
    for page in pages:
        if not page.parents:
            tops.append([(page, [])])
        elif len(page.parents) == 1:
            tops[-1].append((page, []))
        else:
            tops[-1][-1][1].append(page)
    home, *others = [top for top in tops if top[0][0].address not in FOR_AUTHORS]
    others.sort(key=lambda top: top[0][0].address != "guide.html")
    return [chapter for top in (home, *others) for chapter in top]


class Chapter:
    """One page as XHTML: ``body``, the ``images`` that it shows, its manifest ``properties``.

    ``chapters`` are the addresses of all pages in the book.
    """

    def __init__(self, page, chapters, words):
        self.page, self.chapters, self.words = page, chapters, words
        self.docname = name_of(page)
        self.images, self.properties = set(), []
        text = page.article
        self.article = fragment_fromstring(text)
        uncover(self.article)
        self.leave_out()
        self.open_folds()
        self.move_solutions()
        self.show_images()
        self.lead()
        self.set_levels()
        self.name_spaces(text)
        parts = (etree.tostring(child, encoding="unicode") for child in self.article)
        self.body = "".join(parts).strip()

    def leave_out(self):
        """Take out what only a browser with scripts has use for."""
        chrome = ("script", "noscript", "template", "button")
        etree.strip_elements(self.article, *chrome, with_tail=False)
        # The parser does not know that these are empty, and puts what follows into them.
        etree.strip_tags(self.article, "source", "wbr")
        for link in self.article.find_class("headerlink"):
            link.drop_tree()

    def open_folds(self):
        """Let everything but solutions stand open."""
        for fold in self.article.xpath(".//details[not(contains(@class, 'solution'))]"):
            fold.find("summary").tag, fold.tag = "p", "div"

    def move_solutions(self):
        """Move the folded solutions to the end of the chapter, linked there and back."""
        folds = list(self.article.iter("details"))
        if not folds:
            return
        answers = E.section(E.h2(self.words["solutions"]), id="solutions")
        for number, fold in enumerate(folds, 1):
            exercise = next(fold.iterancestors("section"))
            heading = next(exercise.iter("h1", "h2", "h3", "h4", "h5", "h6")).text_content()
            summary = fold.find("summary")
            forth = linked(f"#solution-{number}", summary.text_content())
            summary.drop_tree()
            answer = E.section(E.h3(heading), id=f"solution-{number}")
            answer.extend(fold)
            answer.append(linked(f"#{exercise.get('id')}", self.words["exercise"]))
            answers.append(answer)
            forth.tail = fold.tail
            fold.getparent().replace(fold, forth)
        self.article.find("section").append(answers)

    def show_images(self):
        """Let each image be the largest file that the page offers; readers choose none."""
        for image in self.article.iter("img"):
            offered = [choice.split()[0] for choice in image.get("srcset", "").split(",") if choice]
            image.set("src", offered[-1] if offered else image.get("src"))
            for name in ("srcset", "sizes", "loading", "decoding"):
                image.attrib.pop(name, None)
            self.images.add(self.page.within(image.get("src"))[0])

    def lead(self):
        """Let links lead to chapters, or else to the published site."""
        for link in self.article.iterfind(".//a[@href]"):
            link.attrib.pop("download", None)
            place = self.page.within(link.get("href"))
            if place is None:
                continue
            address, fragment = place
            docname = address.removesuffix(".html")
            if address not in self.chapters:
                link.set("href", urljoin(self.page.published, link.get("href")))
            elif docname != self.docname:
                up = posixpath.relpath(docname, posixpath.dirname(self.docname) or ".")
                link.set("href", f"{up}.xhtml" + (f"#{fragment}" if fragment else ""))

    def set_levels(self):
        """Let ``mstyle`` set style and level, as in MathML 3; in MathML Core any element may."""
        for name in ("displaystyle", "scriptlevel"):
            for part in self.article.xpath(f".//*[@{name}][not(self::math or self::mstyle)]"):
                style = E.mstyle({name: part.attrib.pop(name)})
                style.tail, part.tail = part.tail, None
                part.getparent().replace(part, style)
                style.append(part)

    def name_spaces(self, text):
        """Say of formulas and drawings in the text what they are; XML does not know by itself.

        HTML's parser writes names small that SVG writes with capitals (``viewBox``).
        """
        capital = {name.lower(): name for name in re.findall(r"\b[a-z]+[A-Z][A-Za-z]*\b", text)}
        for kind, (space, named) in NAMESPACES.items():
            found = list(self.article.iter(kind))
            self.properties += [named] if found else []
            for element in found:
                element.set("xmlns", space)
        for element in self.article.xpath(".//svg/descendant-or-self::*"):
            values = {capital.get(name, name): value for name, value in element.attrib.items()}
            element.tag = capital.get(element.tag, element.tag)
            element.attrib.clear()
            element.attrib.update(values)


def name_of(page):
    return page.address.removesuffix(".html")


def linked(target, text):
    return E.p({"class": "solution"}, E.a(text, href=target))


def style():
    """The book's style sheet with the colours of code, light and dark."""
    light, dark = (
        HtmlFormatter(style=f"a11y-high-contrast-{mode}").get_style_defs(".highlight")
        for mode in ("light", "dark")
    )
    own = (FOLDER / "book.css").read_text(encoding="utf-8")
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def members(pages, date):
    """The files of the book, (name, bytes), in the order that the format asks for.

    ``date`` is when the content last changed, in UTC.
    """
    lang, own = pages.name, words(pages.name)
    tree = contents(in_order(pages))
    order = [page for chapter, below in tree for page in (chapter, *below)]
    home, addresses = order[0], {page.address for page in order}
    chapters = [Chapter(page, addresses, own) for page in order]
    files = {
        "book.css": style().encode(),
        "cover.png": (FOLDER / f"cover-{lang}.png").read_bytes(),
    }
    for path in sorted(set().union(*(chapter.images for chapter in chapters))):
        files[path] = (pages / path).read_bytes()
    templates = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined
    )
    about = {
        "words": own,
        "code": home.language,
        "title": home.title,
        "tree": [(name_of(page), [name_of(each) for each in below]) for page, below in tree],
        "titles": {name_of(page): page.title for page in order},
        "chapters": chapters,
        "files": {name: TYPES[posixpath.splitext(name)[1]] for name in files},
        "description": home.description,
        "site": home.published,
        "identifier": uuid.uuid5(uuid.NAMESPACE_URL, home.published),
        "modified": f"{date:%Y-%m-%dT%H:%M:%SZ}",
    }

    def rendered(template, **more):
        return templates.get_template(template).render(about | more).encode()

    yield "mimetype", b"application/epub+zip"
    yield "META-INF/container.xml", (FOLDER / "container.xml").read_bytes()
    for name in ("package.opf", "contents.xhtml", "cover.xhtml"):
        yield f"EPUB/{name}", rendered(name)
    for chapter in chapters:
        up = "../" * chapter.docname.count("/")
        yield f"EPUB/{chapter.docname}.xhtml", rendered("chapter.xhtml", chapter=chapter, up=up)
    for name, data in files.items():
        yield f"EPUB/{name}", data
