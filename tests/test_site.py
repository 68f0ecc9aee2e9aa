"""The built site as its readers meet it: links, languages, downloads."""

import gzip
import html
import json
import re
import zipfile
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import COURSE, HOME, ROOT, SCRIPTS, SITE, name
from PIL import Image

from course.words import CODES, LANGUAGES
from course.words import words as frame

PAGES = sorted(
    path.relative_to(SITE / "en").as_posix()
    for path in SITE.glob("en/**/*.html")
    if "_static" not in path.parts and not path.name.endswith(".both.html")
)
CHINESE = re.compile("[\u3400-\u9fff]")
# Names, not words: what may stand in Latin letters in the frame of a Chinese page.
NAMES = (
    r"English|PyTorch|Sphinx-Gallery|Sphinx|PyData|CPU|GPU|CUDA|autograd|Ctrl|K|zip|API|JavaScript"
)


@cache
def soup(language, page):
    return BeautifulSoup((SITE / language / page).read_text(encoding="utf-8"), "html.parser")


def on_every_page(function):
    pages = [(language, page) for language in LANGUAGES for page in PAGES]
    return pytest.mark.parametrize(("language", "page"), pages or [("en", "index.html")])(function)


def words(tag):
    """What a reader sees or hears of ``tag``, code and formulas left out."""
    copy = BeautifulSoup(str(tag), "html.parser")
    for hidden in copy(["script", "style", "code", "pre", "math", "template", "kbd"]):
        hidden.decompose()
    for foreign in copy(attrs={"hreflang": True}):
        foreign.decompose()
    spoken = [
        found[key]
        for key in (
            "title",
            "aria-label",
            "placeholder",
            "alt",
            "data-auto",
            "data-light",
            "data-dark",
        )
        for found in copy(attrs={key: True})
    ]
    return " \n ".join([*copy.stripped_strings, *spoken])


def test_the_languages_have_the_same_pages(site):
    for language in LANGUAGES:
        pages = {
            p.relative_to(site / language).as_posix()
            for p in (site / language).glob("**/*.html")
            if "_static" not in p.parts and not p.name.endswith(".both.html")
        }
        assert pages == set(PAGES)
    around = [path.stem for path in ROOT.glob("docs/en/*.md")]
    course = [file.docname for file in COURSE.files]
    assert {f"{docname}.html" for docname in (*around, *course, "search")} == set(PAGES)


@on_every_page
def test_links_and_anchors_inside_the_site(site, language, page):
    here = site / language / page
    for tag in soup(language, page).find_all(href=True) + soup(language, page).find_all(src=True):
        target = tag.get("href") or tag.get("src")
        if target.startswith(HOME):
            target = str(site / (target.removeprefix(HOME) or "index.html"))
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme in ("https", "data"), target
            assert tag.name == "a" or tag.get("rel") == ["license"], f"{target} is asked elsewhere"
            continue
        path = (here.parent / unquote(parts.path)).resolve() if parts.path else here
        assert path.is_file(), f"{page} links {target}"
        if parts.fragment and path.suffix == ".html":
            ids = {t["id"] for t in linked(path).find_all(id=True)}
            assert unquote(parts.fragment) in ids, f"{page} links {target}"


@cache
def linked(path):
    return BeautifulSoup(Path(path).read_text(encoding="utf-8"), "html.parser")


@on_every_page
def test_the_switch_leads_to_the_same_page(site, language, page):
    other = "zh" if language == "en" else "en"
    switches = soup(language, page).select("a.language-switch")
    assert switches
    for switch in switches:
        target = (site / language / page).parent / switch["href"]
        assert target.resolve() == site / other / page
        assert switch["hreflang"] == switch["lang"] == CODES[other]


@on_every_page
def test_language_is_declared(site, language, page):
    document = soup(language, page)
    assert document.html["lang"] == CODES[language]
    found = {link["hreflang"]: link["href"] for link in document.select('link[rel="alternate"]')}
    expected = {CODES[lang]: urljoin(HOME, f"{lang}/{page}") for lang in LANGUAGES}
    default = HOME if page == "index.html" else expected["en"]
    assert found == expected | {"x-default": default}
    assert document.select_one('link[rel="canonical"]')["href"] == expected[CODES[language]]


@on_every_page
def test_anchors_are_equal(site, language, page):
    def anchors(language):
        return [s["id"] for s in soup(language, page).select("article section[id]")]

    assert anchors("en") == anchors("zh")
    assert not [anchor for anchor in anchors(language) if re.fullmatch(r"id\d+", anchor)]


@pytest.mark.parametrize("page", PAGES)
def test_no_foreign_words(site, page):
    chinese = soup("zh", page)
    frame = BeautifulSoup(str(chinese), "html.parser")
    article = frame.find("article") or frame.new_tag("article")
    article.extract()
    left = re.sub(rf"\b({NAMES})\b", "", words(frame))
    taught = {cell.heading for t in SCRIPTS for cell in t.cells if cell.kind == "zh"}
    latin = set(re.findall("[A-Za-z]{2,}", left)) - set(re.findall("[A-Za-z]+", " ".join(taught)))
    assert not latin, f"English in the frame of zh/{page}"
    if page != "glossary.html":
        sentences = re.findall(r"(?:\b[a-z]{2,} ){3,}", words(article))
        assert not sentences, f"English prose on zh/{page}"
        assert not CHINESE.search(words(soup("en", page))), f"Chinese on en/{page}"


def test_no_words_in_style_sheets(site):
    """``content: "Out:"`` would be English on a Chinese page."""
    used = str([soup("zh", page).head for page in PAGES])
    sheets = [sheet for sheet in site.glob("zh/_static/**/*.css") if sheet.name in used]
    assert {"site.css", "graph.css", "search.css", "copybutton.css"} == {
        sheet.name for sheet in sheets
    }
    for sheet in sheets:
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.S)
        assert not re.findall(r"content:\s*[\"'][A-Za-z ]{2,}:?[\"']", text), sheet.name


@pytest.mark.parametrize("page", PAGES)
def test_no_spaces_where_chinese_lines_end(site, page):
    for paragraph in soup("zh", page).select("article p:not(.tutorial-downloads)"):
        text = paragraph.get_text()
        assert not re.search(r"[\u3400-\u9fff，。；：]\s+[\u3400-\u9fff，。；：]", text), text
        assert "``" not in text, "raw markup"


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_outputs_and_figures_are_identical(site, tutorial):
    def shown(language):
        document = soup(language, f"tutorials/{name(tutorial)}.html")
        outputs = [pre.get_text() for pre in document.select(".sphx-glr-script-out pre")]
        code = [pre.get_text() for pre in document.select("div.highlight-Python pre")]
        figures = [img["src"] for img in document.select("article img.sphx-glr-single-img")]
        page = site / language / f"tutorials/{name(tutorial)}.html"
        return outputs, code, [(page.parent / src).read_bytes() for src in figures]

    outputs, code, figures = shown("en")
    assert (outputs, code, figures) == shown("zh")
    assert outputs
    assert figures or not tutorial.kind.shows
    assert len(code) == sum(cell.is_code for cell in tutorial.cells)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_a_tutorial_page_offers_what_it_must(site, tutorial, language):
    document = soup(language, f"tutorials/{name(tutorial)}.html")
    page = site / language / f"tutorials/{name(tutorial)}.html"
    for figure in document.select("article img"):
        assert bool(CHINESE.search(figure["alt"])) == (language == "zh"), "text alternative"
        assert len(figure["alt"]) > 20
    folds = document.select("details.solution")
    assert len(folds) == sum(cell.kind == "solution" for cell in tutorial.cells)
    assert len(folds) >= tutorial.kind.exercises
    assert all(fold.select("pre") and not fold.has_attr("open") for fold in folds)
    covers = document.select(".guess + .cover")
    assert len(covers) == sum(cell.kind == "predict" for cell in tutorial.cells)
    assert len(covers) >= tutorial.kind.predictions
    checks = document.select("details.check")
    assert len(checks) == sum(cell.kind == "check" for cell in tutorial.cells)
    offered = [a["href"] for a in document.select(".tutorial-downloads a[download]")]
    suffixes = [Path(href).suffix for href in offered]
    assert suffixes == [".ipynb", ".py", ".zip", ".zip"]
    with zipfile.ZipFile(page.parent / offered[2]) as archive:
        stem = tutorial.path.stem
        assert sorted(archive.namelist()) == [f"{stem}.ipynb", f"{stem}.py"]
    source = document.select_one("a.source")["href"]
    assert (page.parent / source).read_bytes() == tutorial.path.read_bytes()
    assert len(document.select("nav.menu a[aria-current=page]")) == 1
    assert document.select_one(".prev-next a")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_figures_are_sharp_light_and_readable_on_a_phone(site, tutorial, language):
    page = site / language / f"tutorials/{name(tutorial)}.html"
    figures = soup(language, f"tutorials/{name(tutorial)}.html").select("article img")
    assert len(figures) == sum(cell.alt for cell in tutorial.cells) / 2
    weight = 0
    for figure in figures:
        path = page.parent / figure["src"]
        # Wider than this, letters of 10 points are less than 9 pixels high on a phone.
        assert 200 < int(figure["width"]) <= 550, "wider than figures are drawn"
        assert int(figure["height"]) > 100
        assert (figure["loading"], figure["decoding"]) == ("lazy", "async")
        if path.suffix == ".svg":
            weight += len(gzip.compress(path.read_bytes()))
        else:
            with Image.open(path) as bitmap:
                assert bitmap.width >= 2 * int(figure["width"])
            weight += path.stat().st_size
    assert weight <= 10_000 * len(figures), "bytes as a server sends them"


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_code_can_be_copied_and_output_is_left_alone(site, tutorial):
    """sphinx-copybutton puts its button on what this selector finds."""
    script = (site / "zh/_static/copybutton.js").read_text(encoding="utf-8")
    assert "'zh-CN'" in script
    selector = re.search(r"const COPYBUTTON_SELECTOR = '(.+)';", script)[1]
    blocks = soup("zh", f"tutorials/{name(tutorial)}.html").select(selector)
    assert len(blocks) >= sum(cell.is_code for cell in tutorial.cells)
    assert not [pre for pre in blocks if pre.find_parent(class_="sphx-glr-script-out")]


def test_the_course_in_order(site):
    """Following "next" from the page of the course passes every part and tutorial once."""
    page, seen = f"{COURSE.index.docname}.html", []
    while page.startswith("tutorials/"):
        seen.append(page.removesuffix(".html"))
        page = urljoin(page, soup("zh", page).select_one("a.right-next")["href"])
    parts = [[part.index.docname, *(t.docname for t in part.scripts)] for part in COURSE.parts]
    assert seen == [COURSE.index.docname, *(page for part in parts for page in part)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_cards(site, language):
    cards = soup(language, "tutorials/index.html").select(".course-card")
    for script, card in zip(SCRIPTS, cards, strict=True):
        link, sentence, facts = card.find_all("p")[-3:]
        assert link.a["href"] == f"{name(script)}.html#{script.label}"
        assert sentence.get_text().count("。" if language == "zh" else ".") >= 1
        minutes = frame(language)["minutes"].format(script.minutes)
        assert facts.get_text().endswith(minutes)
        if card.img is None:
            assert not script.kind.shows, f"{script.shown} draws no figure for its card"
            continue
        picture = site / language / "tutorials" / card.img["src"]
        with Image.open(picture) as bitmap:
            assert bitmap.size == (2 * int(card.img["width"]), 2 * int(card.img["height"]))
            assert bitmap.format == "PNG"  # other sites show it when a page is shared
        assert picture.stat().st_size <= 16_000
    loading = [card.img.get("loading") for card in cards if card.img]
    assert loading[0] is None, "it is on the first screen"
    assert loading[-1] == "lazy"


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_zip_of_everything(site, language):
    with zipfile.ZipFile(site / language / f"downloads/pytorch-autograd-{language}.zip") as archive:
        names = archive.namelist()
        folder = f"pytorch-autograd-{language}"
        expected = {f"{folder}/{name(t)}{suffix}" for t in SCRIPTS for suffix in (".py", ".ipynb")}
        assert set(names) == expected
        for member in names:
            text = archive.read(member).decode()
            assert bool(CHINESE.search(text)) == (language == "zh")
            compile(text, member, "exec") if member.endswith(".py") else json.loads(text)


def test_the_root_page_offers_both_languages_without_a_script(site):
    root = BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert {a["href"] for a in root("a")} == {"en/index.html", "zh/index.html"}
    assert (site / root.find("script")["src"]).is_file()
    missing = BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")
    for link in missing.find_all(href=True):
        assert (site / link["href"].removeprefix(urlsplit(HOME).path)).is_file()


def test_no_path_of_this_machine(site):
    for path in site.glob("**/*"):
        if path.suffix in (".html", ".js", ".ipynb", ".py", ".txt"):
            text = path.read_text(encoding="utf-8")
            assert str(ROOT) not in text, path
            assert html.escape(str(Path.home())) + "/" not in text, path


def glossary(language):
    text = (ROOT / f"docs/{language}/glossary.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip(" |") for cell in row] for row in rows[2:]]


def test_glossary_holds_the_same_terms_in_both_languages():
    english = {(row[0], row[1]) for row in glossary("en")}
    chinese = {(row[1], row[0]) for row in glossary("zh")}
    assert english == chinese
    assert ("autograd", "自动微分") in english or english, "no row was read"


@pytest.mark.parametrize(("language", "column"), [("en", 1), ("zh", 1)])
def test_the_glossary_says_which_words_are_of_the_other_language(site, language, column):
    code = {"en": CODES["zh"], "zh": CODES["en"]}[language]
    for row in soup(language, "glossary.html").select("tbody tr"):
        marked = [cell.p.get("lang") for cell in row("td")]
        assert marked[column] == code and marked.count(None) == len(marked) - 1


def test_tutorials_keep_to_the_glossary():
    avoided = {
        word: row[0]
        for row in glossary("zh")
        if len(row) > 3
        for word in row[3].split("、")
        if word
    }
    assert "自动求导" in avoided
    sources = [*ROOT.glob("tutorials/**/*.py"), *ROOT.glob("docs/zh/*.md")]
    for path in sources:
        if path.name == "glossary.md":
            continue
        text = path.read_text(encoding="utf-8")
        for word, term in avoided.items():
            assert word not in text, f"{path}: write {term}, not {word}"


@on_every_page
def test_a_page_says_what_it_is_when_shared(site, language, page):
    head = soup(language, page).head
    said = {
        meta.get("name") or meta.get("property"): meta["content"]
        for meta in head("meta", content=True)
    }
    assert said["og:title"] in head.title.get_text()
    assert said["description"] == said["og:description"]
    assert bool(CHINESE.search(said["description"])) == (language == "zh")
    assert said["og:url"] == urljoin(HOME, f"{language}/{page}")
    if "og:image" in said:
        assert (site / said["og:image"].removeprefix(HOME)).is_file()


def test_robots_and_language_models_are_led_to_every_tutorial(site):
    assert f"Sitemap: {HOME}sitemap.xml" in (site / "robots.txt").read_text()
    listed = re.findall("<loc>(.*?)</loc>", (site / "sitemap.xml").read_text())
    views = [f"tutorials/{script.part}/{script.view}" for script in SCRIPTS]
    pages = [*views, *(page for page in PAGES if page != "search.html")]
    assert sorted(listed) == sorted(f"{HOME}{lang}/{page}" for lang in LANGUAGES for page in pages)
    guide = (site / "llms.txt").read_text(encoding="utf-8")
    tutorials = [f"{HOME}{lang}/{t.docname}.html" for lang in LANGUAGES for t in SCRIPTS]
    assert re.findall(r"\]\((.*?)\)", guide) == tutorials
    for address in [*listed, *tutorials]:
        assert (site / address.removeprefix(HOME)).is_file(), address


# How a page, a style sheet and a script name a file. A script's names stand below _static.
NAMED = {
    ".html": re.compile(r'\b(?:href|src|content|data-font)="([^"#?]+)'),
    ".css": re.compile(r"\burl\([\"']?([^\"')#?]+)"),
    ".js": re.compile(r"[\"'](?:_static/)?([\w./-]+\.\w+)[\"']"),
}
# Pieces of the search are named by digests that its index lists.
PIECE = re.compile(r'"([0-9a-f]{8})"')
# What programs ask for by its name, and the licence that a font brings along.
BY_CONVENTION = re.compile(
    r"\.nojekyll|(robots|llms)\.txt|sitemap\.xml|\w+/(\.buildinfo|objects\.inv)|.*-OFL\.txt"
)


def idle(site):
    """The files of the folder ``site`` that no page, nor what a page asks for, asks for."""
    left = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    unread = {path for path in left if path.endswith(".html")}
    while unread:
        left -= unread
        asked = set()
        for path in unread:
            if pattern := NAMED.get(Path(path).suffix):
                text = (site / path).read_text(encoding="utf-8")
                found = {unquote(html.unescape(target)) for target in pattern.findall(text)}
                if path.endswith("search-index.js"):
                    found |= {f"search-{digest}.js" for digest in PIECE.findall(text)}
                asked |= {urljoin(HOME + path, target).removeprefix(HOME) for target in found}
        unread = left & asked
    return {path for path in left if not BY_CONVENTION.fullmatch(path)}


def test_nothing_is_served_that_nothing_asks_for(site):
    assert not idle(site)
    assert (site / ".nojekyll").is_file(), "GitHub Pages would leave out _static"


def test_what_nothing_asks_for_is_found(tmp_path):
    files = {
        "index.html": '<a href="en/a.html"><img src="/en/_images/a%20b.png?v=1">',
        "en/a.html": f'<link href="_static/a.css"><meta content="{HOME}en/_static/card.png">'
        '<script src="_static/a.js"></script>',
        "en/_static/a.css": "src: url('font.woff2') url(other.woff2)",
        "en/_static/a.js": 'a(root + "_static/b.js"); a("vendor/c.js"); a("search-index.js")',
        "en/_static/search-index.js": '["01234567"]',
        "en/_static/search-01234567.js": '["89abcdef"]',
        "en/_static/search-89abcdef.js": "",
        "en/_static/vendor/c.js": "",
        "zh/_static/a.css": "url(a.css)",
    }
    asked = ("_images/a b.png", *(f"_static/{n}" for n in ("b.js", "card.png", "font.woff2")))
    files |= dict.fromkeys(["en/_static/idle.js", "en/objects.inv", "en/a.css.map"], "")
    for path, text in (files | {f"en/{path}": "" for path in asked}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert idle(tmp_path) == {
        "en/_static/idle.js",
        "en/_static/search-89abcdef.js",
        "en/a.css.map",
        "zh/_static/a.css",
    }


def test_the_root_page_points_to_both_languages_and_each_home_back(site):
    root = BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")
    found = {link["hreflang"]: link["href"] for link in root.select('link[rel="alternate"]')}
    homes = {"en": f"{HOME}en/index.html", "zh-CN": f"{HOME}zh/index.html"}
    assert found == homes | {"x-default": HOME}
    assert root.select_one('link[rel="canonical"]')["href"] == HOME
