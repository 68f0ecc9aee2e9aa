"""The view with both languages side by side: nothing lost, code once, and a guard against drift."""

import pytest
from bs4 import BeautifulSoup
from conftest import SCRIPTS, SITE, name

import both

CODES = {"en": "en", "zh": "zh-CN"}


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def page(language, tutorial, suffix):
    return SITE / language / "tutorials" / f"{name(tutorial)}{suffix}"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_every_word_of_both_languages_stands_in_the_view(site, tutorial, language):
    view = soup(page(language, tutorial, both.SUFFIX)).article
    for code in ("en", "zh"):
        plain = soup(page(code, tutorial, ".html")).article
        if code != language:
            for alone in plain.select(".tutorial-facts, .tutorial-downloads"):
                alone.decompose()
        shown = {" ".join(p.get_text().split()) for p in view(["p", "li", "td", "th"])}
        for text in plain(["p", "li", "td", "th"]):
            assert " ".join(text.get_text().split()) in shown
    pairs = view.select(".pair")
    assert len(pairs) >= sum(cell.kind == "en" and not cell.alt for cell in tutorial.cells)
    for pair in pairs:
        first, second = pair.find_all(recursive=False)
        other = "zh" if language == "en" else "en"
        assert (first["lang"], second["lang"]) == (CODES[language], CODES[other])


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_code_output_and_figures_stand_once(site, tutorial):
    view, plain = (soup(page("zh", tutorial, end)).article for end in (both.SUFFIX, ".html"))
    for once in ("pre", "img", "div.math", "section[id]", "h1, h2"):
        assert len(view.select(once)) == len(plain.select(once)), once
    ids = [tag["id"] for tag in view.select("[id]")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_view_leads_to_the_other_language_the_next_page_and_back(site, language):
    path = page(language, SCRIPTS[0], both.SUFFIX)
    document = soup(path)
    other = "zh" if language == "en" else "en"
    switch = path.parent / document.select_one("a.language-switch")["href"]
    assert switch.resolve() == page(other, SCRIPTS[0], both.SUFFIX)
    assert (path.parent / document.select_one("a.right-next")["href"]).name.endswith(both.SUFFIX)
    assert path.parent / document.select_one("a[data-both]")["href"] == page(
        language, SCRIPTS[0], ".html"
    )
    for link in document.select("nav a[href], .page-tools a[href]"):
        target = link["href"].split("#")[0]
        assert not target or (path.parent / target).is_file(), target


def test_pages_with_other_blocks_are_refused(tmp_path):
    for language, text in (("en", "<p>One</p><p>Two</p>"), ("zh", "<p>一</p><pre>2</pre>")):
        path = tmp_path / language / "tutorials/basics/10_example.html"
        path.parent.mkdir(parents=True)
        path.write_text(f"<article><section id='here'>{text}</section></article>", "utf-8")
    message = r"tutorials/basics/10_example\.py: section here holds <p p> .* <p pre> .*equal blocks"
    with pytest.raises(both.Mismatch, match=message):
        both.write_views(tmp_path, ["basics/10_example"])
    assert not list(tmp_path.rglob("*.both.html"))
