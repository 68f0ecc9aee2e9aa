"""Records to pages: the one Sphinx extension of the site.

``setup`` lists what happens in a build, in the order in which it happens. A number is a priority;
where none is given it is Sphinx's 500, and what stands first here comes first.
"""

from docutils import nodes
from sphinx_gallery.directives import ImageSg

from pages import (
    builder,
    calls,
    cells,
    chinese,
    downloads,
    gallery,
    head,
    images,
    links,
    mathml,
    pieces,
    search,
    site,
)


def setup(app):
    # What conf.py says of the published address, of records, and of runs (Sphinx-Gallery's words).
    app.add_config_value("site_url", "", "html")
    app.add_config_value("records_dir", "", "")
    app.add_config_value("sphinx_gallery_conf", {}, "")
    # What every page is made of, and framed by: a change reads, or only writes, all of them anew.
    app.add_config_value("made_of", [], "env")
    app.add_config_value("framed_by", "", "html")

    # 1. The course is read; pages are told what it says.
    app.connect("config-inited", site.open_site)
    app.add_builder(builder.Pages, override=True)

    app.connect("builder-inited", builder.leave_out_colours)  # the theme is loaded by now

    # 2. Tutorials and their outputs are written as reStructuredText, before Sphinx looks for files.
    app.connect("builder-inited", gallery.write_sources)

    # 3. Sphinx says which pages are to be read; the list of calls follows the code of all.
    app.connect("env-get-outdated", calls.outdated)
    app.connect("env-before-read-docs", chinese.allow_markup_inside_words)
    app.connect("env-purge-doc", search.forget)

    # 4. A page is read.
    app.add_directive("image-sg", ImageSg)  # of Sphinx-Gallery's outputs
    app.add_directive("calls", calls.Calls)
    app.add_directive("recorded-graph", images.RecordedGraph)
    app.add_transform(cells.Anchors)
    app.add_transform(cells.Cells)
    app.add_transform(head.ColumnLanguages)
    app.add_transform(chinese.CloseLines)
    # Before Sphinx takes the page's contents, in which the last section is to stand.
    app.connect("doctree-read", calls.show_calls, priority=400)
    app.connect("doctree-read", images.show_cards)
    app.connect("doctree-read", head.show_facts)
    app.connect("doctree-read", links.link_names)
    # Behind what puts words on the page, which are to be found: the facts hold its tags.
    app.connect("doctree-read", search.gather, priority=600)
    # All pages are read. Any may show the title or the place of another.
    app.connect("env-updated", head.follow_titles)

    # 5. A page is written. Its downloads are made of it when all references are resolved.
    app.connect("doctree-resolved", calls.lead)
    app.connect("doctree-resolved", downloads.offer)
    app.add_node(cells.fold, html=(cells.visit_fold, cells.depart_fold))
    app.add_node(cells.cover, html=(cells.visit_cover, cells.depart_cover))
    app.add_node(calls.group)
    app.add_node(nodes.image, override=True, html=(images.visit_image, None))
    app.add_node(nodes.literal_block, override=True, html=(links.visit_code, None))
    app.add_html_math_renderer("mathml", (mathml.visit_math, None), (mathml.visit_math_block, None))
    app.connect("html-page-context", mathml.join_punctuation)
    # Behind Sphinx's own extensions and the theme, whose context it completes.
    app.connect("html-page-context", head.give_context, priority=900)
    app.connect("html-collect-pages", search.search_page)

    # 6. All pages are written.
    app.connect("build-finished", finish)
    return {"parallel_read_safe": False, "parallel_write_safe": False}


def finish(app, error):
    """Complete a build of HTML pages that has ended well."""
    if error is None and app.builder.format == "html":
        builder.remove_gone(app)
        downloads.pack(app)
        builder.copy_sources(app)
        pieces.write_index(app)
