"""The house: its stages, its words in one file, and nothing that knows a part by name.

Each rule gives what is wrong in one text; a planted fault shows that it finds it.
"""

import ast
import re
import tomllib

import pytest
from bs4 import BeautifulSoup
from conftest import COURSE, ROOT

from course.kinds import LEVELS
from course.text import HAN
from course.words import FILE, LANGUAGES

EXT = ROOT / "docs/_ext"
# What each stage may import of the house; the build and the tools may import all.
STAGES = {"course": [], "run": ["course"], "pages": ["course", "run"], "carry": ["course"]}
HOUSE = {*STAGES, "build", "tools"}
MOST_LINES = 250
WORDS = tomllib.loads(FILE.read_text(encoding="utf-8"))
TEMPLATES = ("docs/_theme/**/*.*", "docs/_book/*.*")
# Chinese that is no word of the frame, or that no template can fill in; by its line.
UNAVOIDABLE = {
    "docs/_theme/autograd/static/search.js.jinja": "QUIET_CHINESE",  # what questions are made of
    "docs/_book/cover.svg": 'id="zh"|fill-opacity=".85"',  # a drawing, made by hand
}
SPOKEN = ("title", "aria-label", "alt", "placeholder", "data-auto")
HOOKS = {"docs/_ext/run/watch.py": ["builtins", "builtins"]}  # the hook of a script's own process


def texts(*patterns):
    """Each file of the repository that fits, by its path, with its text."""
    paths = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    kept = (path for path in paths if path.suffix not in (".pyc", ".png", ".woff2"))
    shown = {path.relative_to(ROOT).as_posix(): path for path in kept}
    found = {name: path.read_text("utf-8") for name, path in sorted(shown.items())}
    assert found, patterns
    return {name: text for name, text in found.items() if "/vendor/" not in name}


# Rules: from a text to what is wrong in it.


def imports(code):
    """The packages that ``code`` imports, with the names that it binds for them."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                module = getattr(node, "module", alias.name) or "."
                package = "." if getattr(node, "level", 0) else module.split(".")[0]
                yield package, alias.asname or alias.name.split(".")[0]


def passed_over(code, stage):
    """What ``code`` imports that does not lie before its ``stage``."""
    return {package for package, _ in imports(code)} & {*HOUSE, "."} - {stage, *STAGES[stage]}


def too_long(code, limit=MOST_LINES):
    return len(code.splitlines()) > limit


def patched(code):
    """The libraries of others that ``code`` sets something in."""
    theirs = {name for package, name in imports(code) if package not in HOUSE}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            owner = node.value
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "setattr":
            owner = node.args[0]
        else:
            continue
        while isinstance(owner, ast.Attribute):
            owner = owner.value
        if getattr(owner, "id", None) in theirs:
            yield owner.id


def strings(code):
    """The strings in ``code``, docstrings left out."""
    tree = ast.parse(code)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [n.value for n in constants if isinstance(n.value, str) and id(n) not in docstrings]


def quoted(text):
    """The strings in a script or a style sheet, and what stands between tags or quotes."""
    return [part.strip() for part in re.findall(r"(?<=[>\"'`])[^<>\"'`]+(?=[<\"'`])", text)]


def wrong_words(words, used):
    """What is wrong with the ``words`` of the frame where the names ``used`` are used."""
    for name, said in words.items():
        holes = [sorted(re.findall(r"\{\w*\}", text)) for text in said.values()]
        if list(said) != list(LANGUAGES) or not all(said.values()) or holes[0] != holes[1]:
            yield name
    yield from words.keys() ^ used


def used_in_code(code):
    return re.findall(r"\b(?:words|own)(?:\([^()]*\))?\[[\"'](\w+)[\"']\]", code)


def used_in_template(text):
    filled = " ".join(re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text, re.S))
    return re.findall(r"\bwords(?:\.en|\.zh|\[\w+\])?\.(\w+)", filled)


def unfilled(text):
    """The words of a page's template that no name stands for."""
    plain = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|<\?.*?\?>|<!.*?>", "", text, flags=re.S)
    page = BeautifulSoup(plain, "html.parser")
    spoken = [tag[key] for key in SPOKEN for tag in page(attrs={key: True})]
    return [part for part in (*page.stripped_strings, *spoken) if re.search("[A-Za-z]", part)]


def chinese(text, but=None):
    """The Chinese in ``text``, lines with what ``but`` matches left out."""
    lines = [line for line in text.split("\n") if not (but and re.search(but, line))]
    return re.findall(f"[{HAN}]+", "\n".join(lines))


def parts_named(text, parts):
    """The ``parts`` of the course that stand in quotes; one page's address may hold its part's."""
    names = "|".join(map(re.escape, parts))
    return re.findall(rf"[\"'](?:[^\"'\n]*/)?({names})(?:/(?!\d)[^\"'\n]*)?[\"']", text)


# The house keeps to its rules.


def test_the_stages_are_those_that_are_here():
    folders = {path.parent.name for path in EXT.rglob("*.py")} - {EXT.name}
    assert folders == {*STAGES, "tools"}
    assert {path.stem for path in EXT.glob("*.py")} == {"build", "__main__"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_what_lies_before_it(stage):
    found = texts(f"docs/_ext/{stage}/*.py").items()
    assert not {path: over for path, code in found if (over := passed_over(code, stage))}


def test_every_module_can_be_read_at_one_go():
    assert not [path for path, code in texts("docs/_ext/**/*.py").items() if too_long(code)]


def test_no_library_is_patched():
    for path, code in texts("docs/_ext/**/*.py", "conf.py").items():
        assert sorted(patched(code)) == HOOKS.get(path, []), path


def test_the_words_of_the_frame_are_whole_and_each_is_used():
    used = set(LEVELS)
    for code in texts("docs/_ext/**/*.py", "conf.py").values():
        used.update(used_in_code(code))
    for text in texts(*TEMPLATES).values():
        used.update(used_in_template(text))
    assert not sorted(wrong_words(WORDS, used))


def test_the_words_of_the_frame_stand_nowhere_else():
    said = {word.strip() for both in WORDS.values() for word in both.values()}
    said = {word for word in said if re.search(f"[A-Za-z{HAN}]", word)}
    said -= {*WORDS["language_name"].values()}  # messages to authors name the languages too
    for path, code in texts("docs/_ext/**/*.py", "conf.py").items():
        assert not said.intersection(strings(code)), path
        assert not chinese(code), f"{path}: write \\uXXXX for the bounds of a range"
    for path, text in texts(*TEMPLATES).items():
        but = UNAVOIDABLE.get(path)
        assert not chinese(text, but), path
        assert not but or chinese(text), f"{path} is no exception any more"
        if not path.endswith(".svg"):
            assert not said.intersection(quoted(text)), path
        if path.endswith("html"):
            assert not unfilled(text), path


def test_no_part_of_the_course_is_known_by_name():
    parts = [part.name for part in COURSE.parts]
    found = texts("docs/_ext/**/*.py", "docs/_theme/**/*.*", "tests/*.py", "conf.py").items()
    assert not {path: named for path, text in found if (named := parts_named(text, parts))}


# The rules find what is planted, and nothing beside it.


@pytest.mark.parametrize(
    ("stage", "code", "found"),
    [
        ("course", "import run.record", {"run"}),
        ("run", "def late():\n    from pages import site", {"pages"}),
        ("run", "from course.text import HAN\nfrom run import names\nimport torch", set()),
        ("pages", "from course import text, words\nfrom run import record", set()),
        ("pages", "from carry.page import Page\nimport build", {"carry", "build"}),
        ("carry", "import run, course.words as words", {"run"}),
        ("carry", "from ..pages import site", {"."}),
    ],
)
def test_an_import_against_the_order_is_found(stage, code, found):
    assert passed_over(code, stage) == found


def test_a_long_module_is_found():
    assert too_long("\n" * (MOST_LINES + 1)) and not too_long("\n" * MOST_LINES)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from a import b\nb.run = 1", ["b"]),
        ("import a.b\na.b.run += 1", ["a"]),
        ("import a as c\ndel c.run", ["c"]),
        ("import a\ndef f():\n    with open(a) as a.run: pass", ["a"]),
        ("import a\nsetattr(a, 'run', 1)", ["a"]),
        ("import a\nclass C(a.B):\n    x = a.y\n    def f(self):\n        self.x = a.x", []),
        ("from run import names\nnames.x = 1", []),
    ],
)
def test_a_patched_library_is_found(code, found):
    assert list(patched(code)) == found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"en": "{} of {n}", "zh": "{n}：{}"}, []),
        ({"en": "One"}, ["a"]),
        ({"en": "One", "zh": ""}, ["a"]),
        ({"zh": "一", "en": "One"}, ["a"]),
        ({"en": "{} of {n}", "zh": "{}"}, ["a"]),
        ({"en": "One", "zh": "一", "fr": "Un"}, ["a"]),
    ],
)
def test_a_word_that_is_not_whole_is_found(said, found):
    assert list(wrong_words({"a": said}, {"a"})) == found


def test_a_word_that_nothing_uses_or_nobody_wrote_is_found():
    both = {"en": "One", "zh": "一"}
    code = 'words["a"] + own[\'b\'] + words(key)["c"] + f"{self.words["d"]} {sword["x"]}"'
    template = "{{ words.e }} {% if words.zh.f %}{{ words[language].g.format() }} words.x words.en"
    used = {*used_in_code(code), *used_in_template(template)}
    assert used == set("abcdefg")
    assert set(wrong_words(dict.fromkeys("abcdefh", both), used)) == {"g", "h"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>{{ words.a }} · 404</p>{# Some words #}", []),
        ('<a title="{{ words.a }}" class="tool">{% if "here" %}there{% endif %}</a>', ["there"]),
        ("<p>Next page</p>", ["Next page"]),
        ('<a aria-label="Next {{ words.a }}"></a>', ["Next "]),
        ('<?xml version="1.0"?><!DOCTYPE html><meta content="width=device-width">', []),
    ],
)
def test_a_word_in_a_template_is_found(text, found):
    assert unfilled(text) == found


def test_words_in_code_scripts_and_style_sheets_are_found():
    code = '"""A docstring"""\ndef f():\n    "another"\n    return "Next" + f"{x} Back"'
    assert strings(code) == ["Next", " Back"]
    assert chinese("a 搜索 b\nQUIET = 什么", "QUIET") == ["搜索"]
    assert {"Next", "Back"} <= set(quoted("""button.text = "Next"; content: 'Back'"""))


def test_a_part_that_is_named_is_found():
    text = 'a("one") b("x/two/index.html") c("two/10_page") d(\'x/one\') one "alone" "one two"'
    assert parts_named(text, ["one", "two"]) == ["one", "two", "one"]
