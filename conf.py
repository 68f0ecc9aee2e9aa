"""Sphinx configuration of both languages: ``-t zh`` builds the Chinese site from docs/zh."""

import os
import sys
from pathlib import Path

root = Path(__file__).parent
sys.path.insert(0, str(root / "docs/_ext"))
lang = "zh" if tags.has("zh") else "en"  # noqa: F821 (Sphinx defines tags)

# The address of the published site: links in notebooks, canonical and hreflang use it.
site_url = os.environ.get("SITE_URL", "https://learn-autograd.example").rstrip("/") + "/"

project = {"en": "Learn PyTorch Autograd", "zh": "学懂 PyTorch 自动微分"}[lang]
html_title = project
author = copyright = {"en": "the authors", "zh": "作者们"}[lang]
language = {"en": "en", "zh": "zh_CN"}[lang]
html_baseurl = f"{site_url}{lang}/"

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "figures",
    "record",
    "gallery",
    "layout",
    "links",
    "calls",
    "downloads",
    "languages",
    "sharing",
    "search",
    "chinese",
    "mathml",
]
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
html_math_renderer = "mathml"
locale_dirs = [str(root / "build/locale")]
templates_path = ["docs/_templates"]
exclude_patterns = ["tutorials/**/*.md5", "tutorials/**/*.json"]
nitpicky = True

projected_dir = str(root / "build/projected" / lang)
records_dir = str(root / "build/records")
# What changes how a script runs and is shown; a record is made for these settings.
running = {"image_scrapers": ("figures.scrape",), "capture_repr": ()}
sphinx_gallery_conf = running | {
    "examples_dirs": projected_dir,
    "gallery_dirs": "tutorials",
    "filename_pattern": r"/\d+_",
    "copyfile_regex": r"index\.rst",
    "notebook_extensions": set(),  # ours are written from the resolved page
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "write_computation_times": False,
    "min_reported_time": 10**6,
    "show_signature": False,
    "image_scrapers": (),
    "thumbnail_size": (700, 490),  # twice the width of a card
    "reset_modules": (),
    "inspect_global_variables": False,
    "css": (),  # site.css says it in both languages
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["docs/_static"]
html_css_files = ["site.css"]
html_js_files = ["language.js", "site.js"]
html_copy_source = True
html_scaled_image_link = False  # a size on an image is no wish to link its file
html_use_index = False
html_favicon = "docs/_static/favicon.svg"
html_theme_options = {
    "logo": {"text": {"en": "Learn Autograd", "zh": "学懂自动微分"}[lang]},
    "shorten_urls": False,
}
copybutton_exclude = ".linenos, .gp, .go"
copybutton_selector = "div:not(.sphx-glr-script-out) > div.highlight > pre"  # code, not output
