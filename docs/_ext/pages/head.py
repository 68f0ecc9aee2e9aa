"""What stands around a page: what the templates know of it, and the line of facts under a title."""

from urllib.parse import urljoin

from docutils import nodes
from sphinx.transforms import SphinxTransform

from course.text import plain
from course.words import CODES, LANGUAGES, words
from pages.gallery import card, facts


def show_facts(app, doctree):
    """Put level, minutes and tags under the title."""
    tutorial = app.site.tutorials.get(app.env.docname)
    if tutorial is None:
        return
    line = nodes.paragraph("", facts(app.site, tutorial) + " · ", classes=["tutorial-facts"])
    for tag in tutorial.about.get("tags", "").split(","):
        line += [nodes.literal(tag.strip(), tag.strip()), nodes.Text(" ")]
    title = next(doctree.findall(nodes.title))
    title.parent.insert(title.parent.index(title) + 1, line)


class ColumnLanguages(SphinxTransform):
    """Say the language of a table's column that is headed by another language's name."""

    default_priority = 500

    def apply(self):
        own = self.app.site.language
        foreign = {words(key)["language_name"]: CODES[key] for key in LANGUAGES if key != own}
        for table in self.document.findall(nodes.tgroup):
            head = next(table.findall(nodes.thead))
            codes = [foreign.get(entry.astext()) for entry in head.findall(nodes.entry)]
            for row in table.findall(nodes.row):
                for code, entry in zip(codes, row, strict=True):
                    for paragraph in entry.findall(nodes.paragraph) if code else ():
                        # docutils writes this class as the attribute ``lang``
                        paragraph["classes"].append(f"language-{code}")


def follow_titles(app, env):
    """Every page is written when a heading or the order of pages has changed."""
    shown = dict(env.toctree_includes), dict(env.get_domain("std").labels)
    before, env.titles_shown = getattr(env, "titles_shown", shown), shown
    return [] if shown == before else env.found_docs


def give_context(app, pagename, templatename, context, doctree):
    """Tell the templates what this page is, what it shows, and where it stands in each language."""
    site, body = app.site, context.get("body", "")
    context["words"] = site.words
    context["has_formula"] = "<math" in body
    context["has_graph"] = "autograd-figure" in body
    context["has_prediction"] = 'class="cover"' in body
    context["show_contents"] = context.get("display_toc") and pagename != app.config.root_doc
    context |= addresses(app, pagename) | description(app, pagename, doctree)
    if pagename in site.tutorials:
        context["sourcename"] = f"{pagename}.py.txt"
        context["view_of_both"] = site.tutorials[pagename].view


def addresses(app, pagename):
    """This page in every language: for the switch and for search engines."""
    other = next(language for language in LANGUAGES if language != app.site.language)
    target = app.builder.get_target_uri(pagename)
    pages = {lang: urljoin(app.config.site_url, f"{lang}/{target}") for lang in LANGUAGES}
    default = app.config.site_url if pagename == app.config.root_doc else pages["en"]
    return {
        "other_language": {
            "name": words(other)["language_name"],
            "code": CODES[other],
            "href": f"{'../' * (pagename.count('/') + 1)}{other}/{target}",
            "key": other,
        },
        "alternates": {CODES[lang]: url for lang, url in pages.items()} | {"x-default": default},
    }


def description(app, pagename, doctree):
    """A description of the page, and a picture, for whoever finds or shares it."""
    site = app.site
    tutorial = site.tutorials.get(pagename)
    image = f"_static/card-{site.language}.png"
    if tutorial is not None:
        text = plain(tutorial.summary(site.language))
        if card(tutorial) in site.outcome(tutorial)["figures"]:
            image = f"_images/{card(tutorial)}"
    else:
        first = next(doctree.findall(nodes.paragraph), None) if doctree else None
        text = " ".join(first.astext().split()) if first else app.config.project
    picture = urljoin(app.config.html_baseurl, image)
    return {"description": text, "picture": picture}
