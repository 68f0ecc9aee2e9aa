"""Sphinx's builder of HTML pages, with the files of our theme and of the copy button and no others.

``docs/_theme/autograd`` inherits the PyData theme and puts a frame of its own in its place, so no
page asks for what that theme and Sphinx itself would copy.
"""

from pathlib import Path

from pydata_sphinx_theme.pygments import overwrite_pygments_css
from pygments.formatters import HtmlFormatter
from pygments.token import Token
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.highlighting import PygmentsBridge
from sphinx.util.fileutil import copy_asset

from course.words import LANGUAGES
from pages.site import write

COPYBUTTON = ("clipboard.min.js", "copybutton.js", "copybutton.css")


class PlainNames(HtmlFormatter):
    """Marks up only the tokens that site.css colours: half as many elements on a page."""

    PLAIN = (Token, Token.Name, Token.Name.Builtin, Token.Operator, Token.Punctuation)

    def _get_css_class(self, ttype):
        plain = ttype in self.PLAIN or ttype in Token.Text or ttype is Token.Name.Builtin.Pseudo
        return "" if plain else super()._get_css_class(ttype)


class Highlighter(PygmentsBridge):
    html_formatter = PlainNames


class Pages(StandaloneHTMLBuilder):
    search = False  # ours is made by ``search``
    copysource = False  # ``copy_sources`` does it

    def init_highlighter(self):
        self.highlighter, self.dark_highlighter = Highlighter("html", "none"), None

    def own(self):
        """The static files of our theme, by name."""
        return {path.name.removesuffix(".jinja") for path in self.static().iterdir()}

    def static(self):
        return Path(self.theme.get_theme_dirs()[0], "static")

    def add_css_file(self, filename, **attributes):
        if filename in (*COPYBUTTON, *self.own()):
            super().add_css_file(filename, **attributes)

    def add_js_file(self, filename, **attributes):
        if filename in (*COPYBUTTON, *self.own()):
            super().add_js_file(filename, **attributes)

    def create_pygments_style_file(self):
        """The colours of code stand in site.css."""

    def copy_translation_js(self):
        """No script of Sphinx's is asked for that would speak."""

    def copy_theme_static_files(self, context):
        context = context | {"words": self._app.site.words}
        others = {f"card-{key}.png" for key in LANGUAGES if key != self._app.site.language}
        copy_asset(
            self.static(),
            self._static_dir,
            excluded=lambda path: Path(path).name in others,
            context=context,
            renderer=self.templates,
            force=True,
        )

    def copy_html_static_files(self, context):
        for folder in map(Path, self.config.html_static_path):
            for path in folder.iterdir():
                if path.name.removesuffix("_t") in COPYBUTTON:
                    copy_asset(
                        path, self._static_dir, context=context, renderer=self.templates, force=True
                    )


def leave_out_colours(app):
    """Let the theme not write its style sheet of code: no page asks for it."""
    for listener in list(app.events.listeners["build-finished"]):
        if listener.handler is overwrite_pygments_css:
            app.disconnect(listener.id)


def copy_sources(app):
    """Lay the source of each page where its link leads: of a tutorial the bilingual script."""
    folder = Path(app.outdir, "_sources")
    for docname in app.env.found_docs:
        tutorial = app.site.tutorials.get(docname)
        source = tutorial.path if tutorial else Path(app.env.doc2path(docname))
        name = f"{docname}.py.txt" if tutorial else f"{docname}{source.suffix}.txt"
        write(folder / name, source.read_text(encoding="utf-8"))


def remove_gone(app):
    """Remove pages and figures that are no more: a reader's old link should end at the 404."""
    pages = Path(app.outdir)
    (pages / ".buildinfo.bak").unlink(missing_ok=True)
    for page in pages.rglob("*.html"):
        docname = page.relative_to(pages).as_posix().partition(".")[0]
        if docname not in app.env.found_docs | {"search"}:
            page.unlink()
            for source in (pages / "_sources").glob(f"{docname}.*"):
                source.unlink()
    shown = {name for _, name in app.env.images.values()}
    for image in (pages / "_images").glob("sphx_glr_*"):
        if image.name not in shown:
            image.unlink()
