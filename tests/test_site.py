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
from conftest import HOME, ROOT, SCRIPTS, SITE, name
from PIL import Image

from tutorial import LANGUAGES

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
    assert len(PAGES) >= len(SCRIPTS) + 10


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
        assert switch["hreflang"] == switch["lang"] == {"en": "en", "zh": "zh-CN"}[other]


@on_every_page
def test_language_is_declared(site, language, page):
    document = soup(language, page)
    code = {"en": "en", "zh": "zh-CN"}
    assert document.html["lang"] == code[language]
    found = {link["hreflang"]: link["href"] for link in document.select('link[rel="alternate"]')}
    expected = {code[lang]: urljoin(HOME, f"{lang}/{page}") for lang in LANGUAGES}
    default = HOME if page == "index.html" else expected["en"]
    assert found == expected | {"x-default": default}
    assert document.select_one('link[rel="canonical"]')["href"] == expected[code[language]]


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

    english, chinese = shown("en"), shown("zh")
    assert english == chinese
    assert all(english)
    assert len(english[1]) == sum(cell.is_code for cell in tutorial.cells)


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
    assert all(fold.select("pre") and not fold.has_attr("open") for fold in folds)
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
        assert 200 < int(figure["width"]) <= 550, "begin with plt.rc: see docs/en/write.md"
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
    """Following "next" from the first tutorial passes every tutorial once."""
    page, seen = "tutorials/basics/index.html", []
    while page.startswith("tutorials/"):
        seen.append(page.removeprefix("tutorials/").removesuffix(".html"))
        link = soup("zh", page).select_one("a.right-next")
        page = str((Path("/") / page).parent.joinpath(link["href"]))
        page = Path("/", *resolve(page)).as_posix().lstrip("/")
    assert [step for step in seen if not step.endswith("index")] == [
        name(t)
        for part in ("basics", "training", "devices", "matrices")
        for t in SCRIPTS
        if t.path.parent.name == part
    ]


def resolve(path):
    """The parts of ``path`` with ``..`` taken out."""
    parts = []
    for part in Path(path.lstrip("/")).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return parts


@pytest.mark.parametrize("language", LANGUAGES)
def test_cards(site, language):
    cards = soup(language, "tutorials/index.html").select(".course-card")
    assert len(cards) == len(SCRIPTS)
    for card in cards:
        assert card.img["src"].endswith("_thumb.png")
        assert "no_image" not in card.img["src"]
        picture = site / language / "tutorials" / card.img["src"]
        with Image.open(picture) as bitmap:
            assert bitmap.size == (2 * int(card.img["width"]), 2 * int(card.img["height"]))
            assert bitmap.format == "PNG"  # other sites show it when a page is shared
        assert picture.stat().st_size <= 16_000
        link, sentence, facts = card.find_all("p")[-3:]
        assert link.a["href"]
        assert sentence.get_text().count("。" if language == "zh" else ".") >= 1
        assert re.search(r"\d+ (min|分钟)", facts.get_text())
    assert not cards[0].img.has_attr("loading"), "it is on the first screen"
    assert cards[-1].img["loading"] == "lazy"


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
    assert len(english) >= 30


@pytest.mark.parametrize(("language", "column"), [("en", 1), ("zh", 1)])
def test_the_glossary_says_which_words_are_of_the_other_language(site, language, column):
    code = {"en": "zh-CN", "zh": "en"}[language]
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
    assert len(listed) == len(set(listed)) >= 2 * (len(SCRIPTS) + 10)
    guide = (site / "llms.txt").read_text(encoding="utf-8")
    linked_pages = re.findall(r"\]\((.*?)\)", guide)
    assert len(linked_pages) == 2 * len(SCRIPTS)
    for address in [*listed, *linked_pages]:
        assert (site / address.removeprefix(HOME)).is_file(), address


def test_nothing_of_the_theme_is_served_that_no_page_asks_for(site):
    for language in LANGUAGES:
        static = site / language / "_static"
        assert (static / "site.css").is_file()
        for gone in ("pygments.css", "basic.css", "searchtools.js", "styles", "vendor/fontawesome"):
            assert not (static / gone).exists(), gone
        assert not list(static.rglob("*.map"))
    assert (site / ".nojekyll").is_file(), "GitHub Pages would leave out _static"


def test_the_root_page_points_to_both_languages_and_each_home_back(site):
    root = BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")
    found = {link["hreflang"]: link["href"] for link in root.select('link[rel="alternate"]')}
    homes = {"en": f"{HOME}en/index.html", "zh-CN": f"{HOME}zh/index.html"}
    assert found == homes | {"x-default": HOME}
    assert root.select_one('link[rel="canonical"]')["href"] == HOME
    views = re.findall(r"<loc>(\S+?\.both\.html)</loc>", (site / "sitemap.xml").read_text())
    assert len(views) == 2 * len(SCRIPTS)
