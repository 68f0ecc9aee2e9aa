"""Lead the reader between the languages: the switch, ``hreflang``, the root page and the 404."""

from pathlib import Path
from urllib.parse import urljoin, urlsplit

from docutils import nodes
from sphinx.transforms import SphinxTransform

import both
from gallery import language
from tutorial import CODES, LANGUAGES

NAMES = {"en": "English", "zh": "中文"}


def add_links(app, pagename, templatename, context, doctree):
    """Give the templates this page's address in every language."""
    other = next(lang for lang in LANGUAGES if lang != language(app))
    target = app.builder.get_target_uri(pagename)
    up = "../" * (pagename.count("/") + 1)
    pages = {lang: urljoin(app.config.site_url, f"{lang}/{target}") for lang in LANGUAGES}
    context["other_language"] = {
        "name": NAMES[other],
        "code": CODES[other],
        "href": f"{up}{other}/{target}",
        "key": other,
    }
    context["alternates"] = {CODES[lang]: url for lang, url in pages.items()}
    is_home = pagename == app.config.root_doc
    context["alternates"]["x-default"] = app.config.site_url if is_home else pages["en"]
    tutorial = app.tutorials.get(pagename)
    if tutorial is not None:
        context["sourcename"] = f"{pagename}.py.txt"
        context["view_of_both"] = tutorial.path.stem + both.SUFFIX


class ColumnLanguages(SphinxTransform):
    """Say the language of a table's column that is headed by another language's name."""

    default_priority = 500

    def apply(self):
        foreign = {name: CODES[lang] for lang, name in NAMES.items() if lang != language(self.app)}
        for table in self.document.findall(nodes.tgroup):
            head = next(table.findall(nodes.thead))
            codes = [foreign.get(entry.astext()) for entry in head.findall(nodes.entry)]
            for row in table.findall(nodes.row):
                for code, entry in zip(codes, row, strict=True):
                    for paragraph in entry.findall(nodes.paragraph) if code else ():
                        # docutils writes this class as the attribute ``lang``
                        paragraph["classes"].append(f"language-{code}")


def write_root(app, error):
    """Write what stands above the languages: the root page, the 404 and the bilingual sources."""
    if error or app.builder.format != "html":
        return
    root = Path(app.outdir).parent
    base = urlsplit(app.config.site_url).path
    for name in ("index.html", "404.html"):
        page = app.builder.templates.render(
            f"root/{name}", {"base": base, "site_url": app.config.site_url}
        )
        (root / name).write_text(page, encoding="utf-8")
    (root / "language.js").write_bytes(Path(app.confdir, "docs/_static/language.js").read_bytes())
    (root / ".nojekyll").touch()  # GitHub Pages would leave out folders that begin with _
    for docname, tutorial in app.tutorials.items():
        source = Path(app.outdir, "_sources", f"{docname}.py.txt")
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(tutorial.path.read_bytes())
        source.with_name(tutorial.path.stem + ".rst.txt").unlink(missing_ok=True)


def setup(app):
    app.add_config_value("site_url", None, "html")
    app.add_transform(ColumnLanguages)
    app.connect("html-page-context", add_links)
    app.connect("build-finished", write_root)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
