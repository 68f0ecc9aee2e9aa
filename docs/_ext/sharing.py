"""Let pages be found and shared: descriptions, cards, the map of the site, ``llms.txt``."""

from pathlib import Path
from urllib.parse import urljoin
from xml.sax.saxutils import escape

from docutils import nodes

import both
from gallery import language
from tutorial import CODES, LANGUAGES, plain

LOCALES = {"en": "en_US", "zh": "zh_CN"}
ABOUT = (
    "Tutorials on PyTorch's automatic differentiation that run, in English and Chinese. Every "
    "output came from running the code above it; every claim that can be checked is asserted."
)


def describe(app, pagename, templatename, context, doctree):
    """Give the template a description of the page, and a picture for a card if it has one."""
    tutorial = app.tutorials.get(pagename)
    if tutorial is not None:
        text = plain(tutorial.summary(language(app)))
        image = f"_images/sphx_glr_{tutorial.path.stem}_thumb.png"
    else:
        image = f"_static/card-{language(app)}.png"
        first = next(doctree.findall(nodes.paragraph), None) if doctree else None
        text = " ".join(first.astext().split()) if first else app.config.project
    context["picture"] = urljoin(app.config.html_baseurl, image)
    context["description"] = text
    context["locale"] = LOCALES[language(app)]


def site_map(app):
    """The sitemap: every page and view with its address in both languages."""
    targets = [app.builder.get_target_uri(docname) for docname in app.env.found_docs]
    targets += [docname + both.SUFFIX for docname in app.tutorials]
    entries = []
    for target in sorted(targets):
        pages = {
            lang: escape(urljoin(app.config.site_url, f"{lang}/{target}")) for lang in LANGUAGES
        }
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang="{CODES[lang]}" href="{page}"/>'
            for lang, page in pages.items()
        )
        entries += [f"<url><loc>{page}</loc>{links}</url>" for page in pages.values()]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            'xmlns:xhtml="http://www.w3.org/1999/xhtml">',
            *entries,
            "</urlset>\n",
        ]
    )


def language_model_guide(app):
    """``llms.txt`` (llmstxt.org): what the site holds, in one plain page."""
    lines = ["# Learn PyTorch Autograd", "", f"> {ABOUT}"]
    for lang, heading in (("en", "Tutorials"), ("zh", "教程")):
        lines += ["", f"## {heading}", ""]
        for docname, tutorial in app.tutorials.items():
            page = urljoin(app.config.site_url, f"{lang}/{app.builder.get_target_uri(docname)}")
            lines.append(
                f"- [{plain(tutorial.title(lang))}]({page}): {plain(tutorial.summary(lang))}"
            )
    return "\n".join(lines) + "\n"


def write_guides(app, error):
    """Write what robots and language models read; both languages write the same."""
    if error or app.builder.format != "html":
        return
    root = Path(app.outdir).parent
    robots = f"User-agent: *\nAllow: /\nSitemap: {urljoin(app.config.site_url, 'sitemap.xml')}\n"
    (root / "robots.txt").write_text(robots, encoding="utf-8")
    (root / "sitemap.xml").write_text(site_map(app), encoding="utf-8")
    (root / "llms.txt").write_text(language_model_guide(app), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_guides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
