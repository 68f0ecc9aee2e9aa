"""Ask, show, check: what a reader sees of a prediction, before the guess and after it."""

import json
import re
import zipfile

import browsing
import pytest
from bs4 import BeautifulSoup
from conftest import HOME
from small_site import SmallSite, edit, ran

from course.words import LANGUAGES, words

LESSON = """\
# %% about
# level: beginner
# tags: torch.tensor

# %% en: Title
# Words of an introduction.

# %% zh: 标题
# 介绍的文字。

# %%
import matplotlib.pyplot as plt
import torch

# %% en: Doubled
# How much is it?

# %% zh: 第一问
# 是多少？

# %% predict
x = torch.tensor(3.0)
print(x * 2)

# %% check
assert x * 2 == 6
torch.testing.assert_close(x, torch.tensor(3.0))

# %% en
# It is twice as much, zebrafish.

# %% zh
# 是两倍，斑马鱼。

# %%
y = x + 1

# %% en
# Plain words. Which way does it go?

# %% zh
# 平常的话。往哪边走？

# %% predict
plt.plot([0, 1])
plt.show()

# %% check
assert y == 4

# %% en alt
# A rising line.

# %% zh alt
# 一条上升的线。

# %% en
# It rises.

# %% zh
# 它往上走。

# %% en: Exercise
# Take 1 away.

# %% zh: 练习
# 减去 1。

# %% solution
assert y - 1 == x
"""
PAGE = "tutorials/part/10_first"
ANSWERS = {
    "en": ("tensor(6.)", "twice as much", "It rises."),
    "zh": ("tensor(6.)", "是两倍", "它往上走。"),
}
OPEN = {"en": ("How much is it?", "Plain words."), "zh": ("是多少？", "平常的话。")}
EACH = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A site of one lesson, with its zips and books."""
    small = SmallSite(tmp_path_factory.mktemp("predictions"))
    small.add("part/10_first.py", LESSON)
    code, said = ran(small.command("build"))
    assert code == 0, said
    return small


@pytest.fixture(scope="module")
def served(lesson):
    policy = browsing.POLICY
    with browsing.served(
        lesson.root / "build/html", HOME, Content_Security_Policy=policy
    ) as address:
        yield address


def seen(page):
    """What of the article can be seen, and what a screen reader may say."""
    return page.locator("article").inner_text() + page.locator("article").aria_snapshot()


# On the page


@EACH
def test_the_answer_is_covered_up_to_a_heading_or_other_code(lesson, language):
    article = BeautifulSoup(lesson.page(language, "10_first"), "html.parser").article
    covers = article.select(".cover")
    assert len(covers) == 2 and all(cover.find_previous_sibling("form") for cover in covers)
    covered = [cover.get_text() for cover in covers]
    assert ANSWERS[language][0] in covered[0] and ANSWERS[language][1] in covered[0]
    assert ANSWERS[language][2] in covered[1] and covers[1].find("img")
    for cover in covers:
        assert cover.select_one("details.check")
        assert not cover.select("h2, .solution")
    for words_shown in OPEN[language]:
        assert not any(words_shown in text for text in covered)


@EACH
def test_checks_stand_folded_in_one_line(lesson, language):
    article = BeautifulSoup(lesson.page(language, "10_first"), "html.parser").article
    folds = article.select("details.check")
    own = words(language)
    lines = [fold.summary.get_text() for fold in folds]
    assert lines == [own["checks"].format(2), own["check_one"]]
    assert all("assert" in fold.pre.get_text() and not fold.has_attr("open") for fold in folds)
    bare = [pre for pre in article("pre") if not pre.find_parent("details")]
    assert not any("assert" in pre.get_text() for pre in bare)


@EACH
def test_a_guess_uncovers_the_answer_and_stands_beside_it(visit, language):
    page = visit(f"{language}/{PAGE}.html")
    assert not any(answer in seen(page) for answer in ANSWERS[language])
    assert all(text in seen(page) for text in OPEN[language])
    above = page.locator(".guess").first.bounding_box()
    before = page.locator(".highlight-Python").nth(1).bounding_box()

    field = page.get_by_label(words(language)["guess"]).first
    field.press("Enter")  # no guess yet
    assert ANSWERS[language][0] not in seen(page)
    assert field.evaluate("(field) => field === document.activeElement")
    field.fill("<b>6</b>")
    field.press("Enter")
    assert all(answer in seen(page) for answer in ANSWERS[language][:2])
    assert ANSWERS[language][2] not in seen(page)
    guess = page.locator(".guessed")
    own = words(language)
    assert guess.inner_text() == f"{own['guess']}{own['colon']}<b>6</b>"
    output = page.locator(".cover .sphx-glr-script-out").first.bounding_box()
    assert guess.bounding_box()["y"] + guess.bounding_box()["height"] <= output["y"] + 1
    assert abs(guess.bounding_box()["y"] - above["y"]) < 20
    assert page.locator(".highlight-Python").nth(1).bounding_box() == before, "nothing moves above"
    assert page.evaluate("document.activeElement.matches('.cover')")


def test_who_asks_to_see_is_shown(visit):
    page = visit(f"en/{PAGE}.html")
    page.get_by_role("button", name=words("en")["guess_show"]).last.press("Enter")
    assert page.locator("article img").is_visible()
    assert ANSWERS["en"][2] in seen(page) and ANSWERS["en"][0] not in seen(page)
    assert not page.locator(".guessed").count()
    assert page.evaluate("document.activeElement.matches('.cover')")
    page.locator("details.check summary:visible").press("Enter")
    assert page.get_by_text("assert y == 4").is_visible()


def test_the_other_language_remembers_the_guess(visit):
    page = visit(f"en/{PAGE}.html")
    page.get_by_label(words("en")["guess"]).first.fill("5")
    page.keyboard.press("Enter")
    page.locator("a.language-switch").click()
    page.wait_for_url(f"**/zh/{PAGE}.html*", wait_until="load")
    assert "5" in page.locator(".guessed").inner_text()
    assert ANSWERS["zh"][0] in seen(page) and ANSWERS["zh"][2] not in seen(page)


def test_what_the_browser_finds_is_opened(visit):
    page = visit(f"en/{PAGE}.html")
    cover = page.locator(".cover").first
    assert cover.evaluate("(cover) => cover.hidden") == "until-found"
    cover.evaluate("(cover) => cover.dispatchEvent(new Event('beforematch', { bubbles: true }))")
    assert ANSWERS["en"][1] in seen(page)


def test_what_the_search_found_is_opened(visit):
    page = visit("en/search.html?q=zebrafish")
    link = page.locator("ul.search ul a").first
    assert link.inner_text() == "Doubled"
    link.click()
    page.wait_for_url(f"**/{PAGE}.html*#doubled", wait_until="load")
    assert ANSWERS["en"][1] in seen(page)


def test_checks_are_not_found(lesson):
    texts = [path.read_text() for path in lesson.root.glob("build/html/en/_static/search-*.js")]
    assert any("zebrafish" in text for text in texts)
    assert not any("assert_close" in text for text in texts)


@EACH
def test_nothing_is_covered_without_javascript_or_in_print(visit, language):
    page = visit(f"{language}/{PAGE}.html", java_script_enabled=False)
    assert all(answer in seen(page) for answer in ANSWERS[language])
    assert not page.locator(".guess:visible").count()
    page = visit(f"{language}/{PAGE}.html")
    page.emulate_media(media="print")
    assert all(answer in page.locator("article").inner_text() for answer in ANSWERS[language])
    assert page.locator("article img").bounding_box()["height"] > 100
    assert not page.locator(".guess:visible").count()


@EACH
def test_nothing_is_covered_side_by_side(visit, language):
    page = visit(f"{language}/{PAGE}.both.html")
    assert all(answer in seen(page) for answers in ANSWERS.values() for answer in answers)
    assert not page.locator(".guess, .cover").count()
    lines = page.locator("details.check summary").all_inner_texts()
    assert all(words(key)["check_one"] in lines[1] for key in LANGUAGES)


# Taken along


@EACH
def test_a_notebook_and_a_script_have_the_checks_apart(lesson, language):
    folder = lesson.root / f"build/html/{language}/downloads/part"
    cells = json.loads((folder / "10_first.ipynb").read_text(encoding="utf-8"))["cells"]
    checks = [cell for cell in cells if "check" in cell["metadata"].get("tags", ())]
    assert ["".join(cell["source"]).count("assert") for cell in checks] == [2, 1]
    for cell in checks:
        assert cell["metadata"]["jupyter"]["source_hidden"]  # JupyterLab, Notebook, VS Code
        assert "hide-input" in cell["metadata"]["tags"]  # Jupyter Book
    code = (folder / "10_first.py").read_text(encoding="utf-8")
    assert code.count(f"# %% {words(language)['check']}\nassert") == 2
    assert "# %%\nx = torch.tensor(3.0)" in code


@EACH
def test_the_book_and_the_offline_site(lesson, language):
    folder = lesson.root / f"build/html/{language}/downloads"
    with zipfile.ZipFile(folder / f"learn-autograd-book-{language}.epub") as book:
        chapter = book.read(f"EPUB/{PAGE}.xhtml").decode()
    assert all(answer in chapter for answer in ANSWERS[language])
    assert not re.search('<form|class="cover"|<details|hidden', chapter)
    text = BeautifulSoup(chapter, "html.parser").get_text()
    assert text.index("assert y == 4") < text.index(words(language)["solutions"])
    with zipfile.ZipFile(folder / f"learn-autograd-site-{language}.zip") as site:
        assert any(name.endswith("_static/predict.js") for name in site.namelist())


# What only a run can tell


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("print(x * 2)", "print(end='')", 21, "a prediction that shows nothing"),
        ("assert x * 2 == 6", "assert x * 2 == 6\nprint(x)", 25, "a check that prints or draws"),
        (
            "y = x + 1",
            "y = x + 1\ntry:\n    y + 1\nexcept RuntimeError as error:\n    print(error)",
            39,
            "an except that did not run: nothing in its try raises such an error",
        ),
        (
            "y = x + 1",
            "def f(z):\n    try:\n        z.item()\n    except RuntimeError:\n        z = 1\n\n\n"
            "y = x + 1\nf(y)",
            39,
            "an except that did not run",
        ),
        (
            "y = x + 1",
            "y = x + 1\ntry:\n    torch.ones(2) + torch.ones(3)\nexcept RuntimeError:\n    y = 4\n"
            "except ValueError:\n    y = 4",
            41,
            "an except that did not run",
        ),
    ],
)
def test_what_a_cell_does_against_its_kind_is_named(lesson, tmp_path, old, new, line, what):
    small = SmallSite(tmp_path, lesson)
    path = small.add("part/10_first.py", LESSON)
    edit(path, (old, new))
    code, said = small.build()
    assert code and f"{path}:{line}: {what}" in said
    assert not list(small.root.glob("build/html/en/tutorials/part/10_first.html"))


def test_an_except_that_runs_once_or_is_never_reached_is_right(lesson, tmp_path):
    small = SmallSite(tmp_path, lesson)
    path = small.add("part/10_first.py", LESSON)
    wrong = "torch.ones(2) + torch.ones(length)"
    caught = (
        f"for length in (2, 3):\n    try:\n        {wrong}\n    except RuntimeError:\n"
        "        y = 4\nif x > 5:\n    try:\n        x\n    except ValueError:\n        y = 5"
    )
    edit(path, ("y = x + 1", f"y = x + 1\n{caught}"))
    code, said = small.build()
    assert code == 0, said
