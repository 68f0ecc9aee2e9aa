"""The view with both languages side by side: nothing lost, code once, and a guard against drift."""

import pytest
from bs4 import BeautifulSoup
from conftest import SCRIPTS, SITE, name

from carry.side_by_side import Mismatch, write_views
from course.tutorial import Course
from course.words import CODES, LANGUAGES


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def page(language, tutorial):
    return SITE / language / f"{tutorial.docname}.html"


def view(language, tutorial):
    return page(language, tutorial).with_name(tutorial.view)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_every_word_of_both_languages_stands_in_the_view(site, tutorial, language):
    joined = soup(view(language, tutorial)).article
    for code in LANGUAGES:
        plain = soup(page(code, tutorial)).article
        if code != language:
            for alone in plain.select(".tutorial-facts, .tutorial-downloads"):
                alone.decompose()
        shown = {" ".join(p.get_text().split()) for p in joined(["p", "li", "td", "th"])}
        for text in plain(["p", "li", "td", "th"]):
            assert " ".join(text.get_text().split()) in shown
    pairs = joined.select(".pair")
    assert len(pairs) >= sum(cell.kind == "en" and not cell.alt for cell in tutorial.cells)
    for pair in pairs:
        first, second = pair.find_all(recursive=False)
        other = "zh" if language == "en" else "en"
        assert (first["lang"], second["lang"]) == (CODES[language], CODES[other])


@pytest.mark.parametrize("tutorial", SCRIPTS, ids=name)
def test_code_output_and_figures_stand_once(site, tutorial):
    joined, plain = (soup(path("zh", tutorial)).article for path in (view, page))
    for once in ("pre", "img", "div.math", "section[id]", "h1, h2"):
        assert len(joined.select(once)) == len(plain.select(once)), once
    ids = [tag["id"] for tag in joined.select("[id]")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_view_leads_to_the_other_language_the_next_page_and_back(site, language):
    path = view(language, SCRIPTS[0])
    document = soup(path)
    other = "zh" if language == "en" else "en"
    switch = path.parent / document.select_one("a.language-switch")["href"]
    assert switch.resolve() == view(other, SCRIPTS[0])
    behind = path.parent / document.select_one("a.right-next")["href"]
    assert behind.resolve() == view(language, SCRIPTS[1])
    assert path.parent / document.select_one("a[data-both]")["href"] == page(language, SCRIPTS[0])
    for link in document.select("nav a[href], .page-tools a[href]"):
        target = link["href"].split("#")[0]
        assert not target or (path.parent / target).is_file(), target


def test_pages_with_other_blocks_are_refused(tmp_path, write):
    write("# %% about\n# parts: part\n", "tutorials/index.py")
    write("# %% about\n# kind: lesson\n", "tutorials/part/index.py")
    write("", "tutorials/part/10_example.py")
    for language, text in (("en", "<p>One</p><p>Two</p>"), ("zh", "<p>一</p><pre>2</pre>")):
        path = tmp_path / language / "tutorials/part/10_example.html"
        path.parent.mkdir(parents=True)
        path.write_text(f"<article><section id='here'>{text}</section></article>", "utf-8")
    message = r"tutorials/part/10_example\.py:1: section here holds <p p> .* <p pre> .*equal blocks"
    with pytest.raises(Mismatch, match=message):
        write_views(tmp_path, Course(tmp_path / "tutorials"))
    assert not list(tmp_path.rglob("*.both.html"))
