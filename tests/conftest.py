"""What several test files need: the repository, the tutorials, the built site and a browser."""

from urllib.parse import urlsplit

import browsing
import pytest

import build
from course.tutorial import Course

ROOT = build.ROOT
HOME = build.settings()["site_url"]
SITE = build.HTML
COURSE = Course()
SCRIPTS = COURSE.scripts


def name(tutorial):
    return tutorial.docname.removeprefix("tutorials/")


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
