"""The search in a real browser: what readers ask, what they see, what it weighs."""

import gzip
import json
import random
import re
import shutil
import tomllib
from urllib.parse import unquote, urlencode, urlsplit

import browsing
import pytest
from conftest import HOME, ROOT
from playwright.sync_api import expect
from sphinx.errors import SphinxError

from course.words import LANGUAGES
from pages.pieces import cut, pieces
from pages.search import glossary, printed

ASKED = tomllib.loads((ROOT / "tests/search_queries.toml").read_text(encoding="utf-8"))
QUERIES = [(language, query) for language in LANGUAGES for query in ASKED[language]]
CHINESE = re.compile("[\u3400-\u9fff]")
MOST = 150 * 1024  # bytes that a first query may load
LESSON = re.compile(r"/\d+_")


@pytest.fixture
def page(browser):
    """A page that lets no error pass; ``page.requests`` are the addresses that it asked for."""
    page = browser.new_page()
    errors, page.requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: page.requests.append(request.url))
    yield page
    page.close()
    assert not errors


@pytest.fixture(scope="module")
def answers(browser, site):
    """What the search finds, from files: ``(language, query)`` to pages with their snippets."""
    found = {}
    for language in LANGUAGES:
        page = browser.new_page()
        page.goto((site / language / "search.html").as_uri())
        results = page.evaluate(
            "async (queries) => { const all = []; "
            "for (const query of queries) all.push(await searchSite(query)); return all; }",
            list(ASKED[language]),
        )
        found |= {(language, q): r for q, r in zip(ASKED[language], results, strict=True)}
        page.close()
    return found


def index_of(folder):
    """What the script of the index says, and its pages with their sections, read back."""
    text = (folder / "search-index.js").read_text(encoding="utf-8")
    index, pages = json.loads(text.removeprefix("window.searchIndex=").removesuffix(";\n")), []
    for address, _, name, _ in index["pages"]:
        text = (folder / f"search-{name}.js").read_text(encoding="utf-8")
        sections = json.loads(text.partition("=")[2].removesuffix(";\n"))
        pages.append([address, [], sections])
    return index, pages


def wait_for_results(page, query):
    found = "query => document.querySelector('.search-summary')?.textContent.includes(`“${query}”`)"
    page.wait_for_function(found, arg=query)
    assert page.locator("ul.search > li").count()


def named(address):
    """A page's name without folder, number and suffix."""
    return re.sub(r"^\d+_|\.html$", "", address.rsplit("/", 1)[-1])


def test_enough_is_asked():
    assert all(len(ASKED[language]) >= 30 for language in LANGUAGES)


@pytest.mark.parametrize(("language", "query"), QUERIES)
def test_the_right_page_is_among_the_first_three(answers, site, language, query):
    results = answers[language, query]
    right, names = ASKED[language][query], [named(result["address"]) for result in results]
    ranks = [rank for rank, name in enumerate(names, 1) if name in right]
    assert ranks and ranks[0] <= 3, f"{right} at {ranks}; the first are {names[:4]}"
    assert len(names) == len({result["address"] for result in results})
    for result in results:
        text = (site / language / result["address"]).read_text(encoding="utf-8")
        assert 1 <= len(result["sections"]) <= 3
        assert all(not s["anchor"] or f'id="{s["anchor"]}"' in text for s in result["sections"])
    parts = [part for section in results[0]["sections"] for part in section["parts"]]
    assert any(marked for _, marked in parts) or results[0]["sections"][0]["heading"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_files_and_over_http_the_same_is_shown(page, site, served, language):
    query = {"en": "gradient acumulation", "zh": "为什么第二次backward会报错"}[language]
    shown = []
    for start in (f"{site.as_uri()}/", served):
        page.goto(f"{start}{language}/search.html?q={query}")
        wait_for_results(page, query)
        items = page.locator("#search-results ul.search > li")
        assert items.count() == int(re.search(r"\d+", page.inner_text(".search-summary"))[0])
        assert items.first.locator("p.context mark").count()
        for link in page.locator("#search-results a[href]").all():
            target = urlsplit(page.evaluate("link => link.href", link.element_handle()))
            path = unquote(target.path).removeprefix(site.as_posix()).lstrip("/")
            assert (site / path).is_file()
        shown.append(page.inner_text("#search-results"))
        assert bool(CHINESE.search(page.inner_text(".search-summary"))) == (language == "zh")
    assert shown[0] == shown[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_loaded_before_and_little_for_the_first_query(page, site, served, language):
    page.goto(f"{served}{language}/tutorials/basics/40_read_the_graph.html")
    before = set(page.requests)
    assert not [address for address in before if "search" in address or "vendor" in address]
    page.keyboard.press("/")
    query = {"en": "leaf tensor", "zh": "叶子张量"}[language]
    page.fill("dialog[open] input", query)
    wait_for_results(page, query)
    asked = set(page.requests) - before
    assert len(asked) >= 4
    files = [site / urlsplit(address).path.lstrip("/") for address in asked]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= MOST


def text_of(sections):
    return "\0".join(text for section in sections for text in section[1:])


def grown(pages, lessons=60, errors=40):
    """``pages`` and more, modelled on their lessons.

    A page has the sections of a real lesson, or the first five of them where it is about one
    error, each as long as the real one, filled with lines from anywhere in the course. Then words
    give way to new ones until the page brings as many, for its size, as each of the last four
    real lessons did: the vocabulary goes on to grow as it grows now.
    """
    chance, seen, brought = random.Random(0), set(), []
    models = [sections for address, _, sections in pages if LESSON.search(address)]
    for sections in models:
        new = set(cut(text_of(sections))) - seen
        seen |= new
        brought.append(len(new) / len(text_of(sections)))
    lines = [
        [line for sections in models for s in sections for line in s[field].split("\n")]
        for field in range(4)
    ]
    characters, names = CHINESE.findall("".join(lines[2])), {}
    for word in sorted(seen):
        names.setdefault(len(word), []).append(word)

    def like(text, lines):
        made = ""
        while len(made) < len(text):
            made += f"{chance.choice(lines)}\n"
        return made[: len(text)]

    def new(word):
        if CHINESE.match(word):
            return "".join(chance.choices(characters, k=len(word)))
        first, second = chance.choices(names[len(word)], k=2)
        return first[: len(first) // 2] + second[len(first) // 2 :]

    made = []
    for number in range(lessons + errors - len(models)):
        kind = "lessons" if number < lessons - len(models) else "errors"
        model = models[number % len(models)][: None if kind == "lessons" else 5]
        text = "\0".join(like(s[field], lines[field]) for s in model for field in (1, 2, 3))
        wanted = sum(brought[-4:]) / 4 * len(text)
        while len(found := set(cut(text)) - seen) < wanted:
            for word in chance.sample(sorted(set(cut(text))), int(wanted - len(found)) // 2 + 1):
                at = re.compile(rf"(?<![a-zA-Z]){re.escape(word)}", re.I)
                text = at.sub(new(word) if len(word) in names else word, text, count=1)
        seen |= found
        fields = iter(text.split("\0"))
        sections = [[s[0], next(fields), next(fields), next(fields)] for s in model]
        made.append([f"tutorials/{kind}/{number}_page.html", [], sections])
    return [*pages, *made]


@pytest.fixture(scope="module")
def large(site, tmp_path_factory):
    """The address of a site whose index is that of 60 lessons and 40 pages about errors."""
    folder = tmp_path_factory.mktemp("large")
    shutil.copy(site / "language.js", folder)
    for language in LANGUAGES:
        static = folder / language / "_static"
        shutil.copytree(site / language / "_static", static)
        shutil.copy(site / language / "search.html", folder / language)
        index, pages = index_of(static)
        more = grown(pages)
        sizes = {"lessons": [], "errors": []}
        for address, _, sections in more[len(pages) :]:
            sizes[address.split("/")[1]].append(len(text_of(sections)))
        real = [len(text_of(sections)) for address, _, sections in pages if LESSON.search(address)]
        assert len(real) + len(sizes["lessons"]) == 60 and len(sizes["errors"]) == 40
        average = sum(sizes["lessons"]) / len(sizes["lessons"])
        assert average == pytest.approx(sum(real) / len(real), rel=0.05)
        told = {key: index[key] for key in ("terms", "related")}
        for name, text in pieces(more, **told).items():
            (static / name).write_text(text, encoding="utf-8")
    with browsing.served(folder, HOME, Content_Security_Policy=browsing.POLICY) as here:
        yield folder, here


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_query_in_a_large_course_loads_little(browser, large, language):
    folder, here = large
    queries = sorted(ASKED[language], key=len)
    for query in [*queries[::12], *queries[-3:]]:
        page, asked = browser.new_page(), set()
        page.on("request", lambda request, asked=asked: asked.add(urlsplit(request.url).path))
        page.goto(f"{here}{language}/search.html?" + urlencode({"q": query}))
        page.wait_for_selector("ul.search > li")
        paths = {path[path.index(f"/{language}/") + 1 :] for path in asked if "/_static/" in path}
        files = [folder / path for path in paths if re.search("search|vendor", path)]
        page.close()
        assert len(files) > 5
        assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= MOST, query


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_and_queries_are_cut_alike(page, site, language):
    page.goto((site / language / "search.html").as_uri())
    page.evaluate("searchSite('backward')")
    texts = [text_of(sections) for _, _, sections in index_of(site / language / "_static")[1]]
    ours = [page.evaluate("words => words.map(searchSite.stem)", [*cut(text)]) for text in texts]
    theirs = [page.evaluate("text => searchSite.terms(text)", text) for text in texts]
    assert [set(terms) for terms in ours] == [set(terms) for terms in theirs]


def test_a_piece_that_does_not_come_is_said_and_asked_for_again(browser, served):
    page, query = browser.new_page(), "leaf tensor"
    page.route(re.compile("search-[0-9a-f]{8}"), lambda route: route.abort(), times=1)
    page.goto(f"{served}en/search.html?q=gradient")
    failed = page.locator(".search-summary", has_text="could not be loaded")
    expect(failed).to_be_visible()
    page.fill("#search-query", query)
    wait_for_results(page, query)
    page.close()


def test_the_keyboard_is_enough(page, site):
    page.goto((site / "en/tutorials/basics/40_read_the_graph.html").as_uri())
    page.locator("a[data-search]").focus()
    page.keyboard.press("Control+k")
    page.wait_for_selector("dialog[open] input:focus")
    page.keyboard.type("retain_graph")
    page.keyboard.press("ArrowDown")
    wait_for_results(page, "retain_graph")
    first, second = page.locator("#search-results a").all()[:2]
    expect(first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("dialog input")).to_be_focused()
    page.keyboard.press("Escape")
    assert not page.locator("dialog[open]").count()
    assert page.evaluate("document.activeElement.matches('[data-search]')")
    page.keyboard.press("/")
    page.wait_for_selector("dialog[open] input:focus")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tutorials/basics/6*.html*")


def test_a_word_that_is_being_composed_is_not_searched(page, site):
    page.goto((site / "zh/search.html").as_uri())
    typing = page.context.new_cdp_session(page)
    page.focus("#search-query")
    typing.send(
        "Input.imeSetComposition", {"text": "ti'du", "selectionStart": 5, "selectionEnd": 5}
    )
    page.wait_for_timeout(400)
    assert page.input_value("#search-query") == "ti'du"
    assert not page.locator("ul.search > li").count()
    typing.send("Input.insertText", {"text": "梯度"})
    wait_for_results(page, "梯度")


def test_the_address_holds_the_query(page, served):
    page.goto(f"{served}en/search.html")
    page.fill("#search-query", "hessian")
    wait_for_results(page, "hessian")
    assert page.url.endswith("?q=hessian")
    page.locator("ul.search a").first.click()
    page.wait_for_url("**/tutorials/**")
    page.go_back()
    wait_for_results(page, "hessian")
    assert page.input_value("#search-query") == "hessian"


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_finds_nothing_is_led_on(page, site, language):
    page.goto((site / language / "search.html").as_uri() + "?q=zzzqqqxxx")
    page.wait_for_selector("#search-results li a")
    assert not page.locator("ul.search > li").count()
    targets = {a.get_attribute("href") for a in page.locator("#search-results a").all()}
    other = {"en": "zh", "zh": "en"}[language]
    assert {"./tutorials/index.html", "./glossary.html"} < targets
    assert f"./../{other}/search.html?q=zzzqqqxxx" in targets


def test_a_query_cannot_bring_markup(page, site):
    query = "<img src=x onerror=document.title=1> gradient"
    page.goto((site / "en/search.html").as_uri())
    page.fill("#search-query", query)
    wait_for_results(page, query)
    assert not page.locator("#search-results img").count()


@pytest.mark.parametrize("language", LANGUAGES)
def test_formulas_times_and_addresses_are_not_found(site, language):
    _, pages = index_of(site / language / "_static")
    assert len(pages) >= 20
    for address, _, sections in pages:
        for _, heading, prose, code in sections:
            if address != "write.html":  # shows how a formula is written
                assert not re.search(r"\\\\?(frac|mathrm|partial|sum|lVert|cos)\b", heading + prose)
            assert not re.search(r"\d(ms|us|μs)\b|\d\.\d+%|0x[0-9a-f]{4}", code)
            assert "\0" not in heading + prose


def test_of_an_output_sentences_and_names_are_kept():
    assert printed("tensor([ 2., 11.], grad_fn=<MulBackward0>)\n1998\nTrue") == [
        "grad_fn MulBackward0"
    ]
    wrapped = "one of the variables needed for gradient computation has been modified by an\n"
    assert printed(f"3 4\n{wrapped}inplace operation: version 1\n") == [
        f"{wrapped.strip()} inplace operation: version 1"
    ]
    assert printed("      Name  Self CPU\naten::div   4.875ms") == []
    assert printed("forward    5   40.8%") == []
    assert printed("<Node object at 0x7f3a12bc>") == []


def test_a_row_of_the_glossary_with_a_missing_cell_is_named(tmp_path):
    path = tmp_path / "glossary.md"
    row = "| 梯度 | gradient | 导数。 | 坡度、斜度 |"
    path.write_text(f"| 中文 | English | 含义 | 不用 |\n| --- | --- | --- | --- |\n{row}\n")
    assert glossary(path) == [["梯度", "gradient", "坡度", "斜度"]]
    path.write_text(path.read_text() + "| 张量 | tensor |\n")
    with pytest.raises(SphinxError, match=r"glossary.md:4: .* 2 cells: write four"):
        glossary(path)
