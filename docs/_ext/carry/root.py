"""What stands above the languages: the root page, the 404, and what robots and models read."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from course.text import plain
from course.words import CODES, LANGUAGES, words

THEME = Path(__file__).parents[2] / "_theme/autograd"


def write_root(site, course, site_url):
    """Write it into the folder ``site``, for the published address ``site_url``."""
    templates = Environment(loader=FileSystemLoader(THEME / "root"), undefined=StrictUndefined)
    english = site / "en"
    pages = {path.relative_to(english).as_posix() for path in english.rglob("*.html")}
    about = {
        "base": urlsplit(site_url).path,
        "codes": CODES,
        "course": course,
        "pages": sorted(pages - {"search.html"}),
        "plain": plain,
        "site_url": site_url,
        "words": {language: words(language) for language in LANGUAGES},
    }
    for name in templates.list_templates():
        text = templates.get_template(name).render(about) + "\n" * (not name.endswith(".html"))
        if not (site / name).is_file() or (site / name).read_text(encoding="utf-8") != text:
            (site / name).write_text(text, encoding="utf-8")
    shutil.copyfile(THEME / "static/language.js", site / "language.js")
    (site / ".nojekyll").touch()  # GitHub Pages would leave out folders that begin with _
