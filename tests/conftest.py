"""What several test files need: the repository, the tutorials, the built site and a browser."""

from pathlib import Path
from urllib.parse import urlsplit

import browsing
import pytest
from sphinx.config import eval_config_file
from sphinx.util.tags import Tags
from sphinx_gallery.py_source_parser import remove_config_comments

from tutorial import tutorials

ROOT = Path(__file__).resolve().parents[1]
HOME = eval_config_file(ROOT / "conf.py", Tags())["site_url"]
SITE = ROOT / "build/html"
SCRIPTS = [tutorial for tutorial in tutorials() if not tutorial.is_index]


def name(tutorial):
    return f"{tutorial.path.parent.name}/{tutorial.path.stem}"


def code(cell):
    """The code of a cell as pages and downloads show it."""
    return remove_config_comments("\n".join(cell.lines)).strip("\n")


@pytest.fixture(scope="session")
def site():
    """The folder of the built site; ``make test`` builds it first."""
    if not (SITE / "zh/index.html").is_file():
        pytest.fail("the site is not built: run 'make test', or 'make html' first")
    return SITE


@pytest.fixture
def write(tmp_path):
    """Write a tutorial into a temporary folder and return its path."""

    def write(text, name="10_example.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture(scope="session")
def served(site):
    """The address of the built site, served here under the policy that it promises to keep."""
    with browsing.served(site, HOME, Content_Security_Policy=browsing.POLICY) as here:
        yield here


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium."""
    with browsing.browsing() as browser:
        yield browser


@pytest.fixture
def visit(browser, served):
    """Open a page of the site in a fresh context; what it asks or breaks there fails the test.

    ``visit("zh/index.html", **context_options)`` gives Playwright's page. A path may be a
    ``file://`` address.
    """
    contexts, wrong = [], []

    def visit(path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: note_request(request.url))
        page.on("requestfailed", note_failure)
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.goto(path if path.startswith("file:") else served + path)
        return page

    def note_request(url):
        parts = urlsplit(url)
        if parts.scheme not in ("file", "data", "blob") and not url.startswith(served):
            wrong.append(f"asked elsewhere: {url}")

    def note_failure(request):
        if request.failure != "net::ERR_ABORTED":  # the reader went on to the next page
            wrong.append(f"failed: {request.url}")

    yield visit
    for context in contexts:
        context.close()
    assert not wrong
