"""Give the page what it uses of the theme, and nothing else.

The PyData theme brings its directives, its tables and its toctree; our ``layout.html`` and
``site.css`` take the place of its frame, whose style sheet, scripts and icon fonts weigh more
than a page. What no page refers to does not stay in the built site either.
"""

import hashlib
from pathlib import Path

from pygments.formatters import HtmlFormatter
from pygments.token import Token
from sphinx.highlighting import PygmentsBridge

STYLES = ("copybutton.css", "site.css")
SCRIPTS = (
    "documentation_options.js",
    "clipboard.min.js",
    "copybutton.js",
    "language.js",
    "site.js",
)


class PlainNames(HtmlFormatter):
    """Marks up only the tokens that site.css colours: half as many elements on a page."""

    PLAIN = (Token, Token.Name, Token.Name.Builtin, Token.Operator, Token.Punctuation)

    def _get_css_class(self, ttype):
        plain = ttype in self.PLAIN or ttype in Token.Text or ttype is Token.Name.Builtin.Pseudo
        return "" if plain else super()._get_css_class(ttype)


def choose(files, names):
    """Those of Sphinx's asset ``files`` with the given ``names``, in the order of the names."""
    found = {Path(str(file.filename)).name: file for file in files if file.filename}
    return [found[name] for name in names]


def give_assets(app, pagename, templatename, context, doctree):
    context["stylesheets"] = choose(context["css_files"], STYLES)
    context["scripts"] = choose(context["script_files"], SCRIPTS)
    context["has_formula"] = "<math" in context.get("body", "")
    context["has_graph"] = "autograd-figure" in context.get("body", "")
    context["show_contents"] = context.get("display_toc") and pagename != app.config.root_doc


def drop_theme_assets(app, error):
    """Remove what themes and extensions copied into the built site and no page asks for."""
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    themes = [Path(folder, "static") for folder in app.builder.theme.get_theme_dirs()]
    extensions = [Path(path) for path in app.config.html_static_path if Path(path).is_absolute()]
    for folder in (*themes, *extensions):
        for path in folder.rglob("*"):
            copy = static / str(path.relative_to(folder)).removesuffix(".jinja").removesuffix("_t")
            if copy.is_file() and copy.name not in STYLES + SCRIPTS:
                copy.unlink()
    (static / "pygments.css").unlink(missing_ok=True)
    Path(app.outdir, ".buildinfo.bak").unlink(missing_ok=True)
    for folder in sorted((p for p in static.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def code_digest():
    """A digest of these extensions: pages are made anew when the code that makes them changes."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def setup(app):
    PygmentsBridge.html_formatter = PlainNames
    app.add_config_value("code_digest", code_digest(), "env")
    app.connect("html-page-context", give_assets, priority=900)
    app.connect("build-finished", drop_theme_assets, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
