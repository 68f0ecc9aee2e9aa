"""Sphinx configuration of both languages: ``-t zh`` builds the Chinese site from docs/zh."""

import os
import sys
from pathlib import Path

root = Path(__file__).parent
sys.path.insert(0, str(root / "docs/_ext"))

from course.words import words  # noqa: E402

lang = "zh" if tags.has("zh") else "en"  # noqa: F821 (Sphinx defines tags)
language = "en" if lang == "en" else words(lang)["locale"]
project = html_title = words(lang)["title"]
author = copyright = words(lang)["authors"]

# The address of the published site: links in notebooks, canonical and hreflang use it.
site_url = os.environ.get("SITE_URL", "https://learn-autograd.example").rstrip("/") + "/"
html_baseurl = f"{site_url}{lang}/"

extensions = ["myst_parser", "sphinx_copybutton", "pages"]
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
nitpicky = True

records_dir = str(root / "build/records")
# How Sphinx-Gallery runs the scripts; a record is made for these settings.
sphinx_gallery_conf = {
    "image_scrapers": ("run.figures.scrape",),
    "capture_repr": (),
}

html_theme = "autograd"
html_theme_path = ["docs/_theme"]
html_theme_options = {"shorten_urls": False}
html_css_files = ["site.css"]  # behind what extensions bring
html_js_files = ["language.js", "site.js"]
html_favicon = "docs/_theme/autograd/static/favicon.svg"
html_math_renderer = "mathml"
html_scaled_image_link = False  # a size on an image is no wish to link its file
html_use_index = False
copybutton_exclude = ".linenos, .gp, .go"
copybutton_selector = "div:not(.sphx-glr-script-out) > div.highlight > pre"  # code, not output
