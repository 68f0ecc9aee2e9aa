"""What several test files need: the repository, the tutorials, the built site and a browser."""

import functools
import http.server
import shutil
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright
from sphinx.config import eval_config_file
from sphinx.util.tags import Tags

from tutorial import tutorials

ROOT = Path(__file__).resolve().parents[1]
HOME = eval_config_file(ROOT / "conf.py", Tags())["site_url"]
SITE = ROOT / "build/html"
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
SCRIPTS = [tutorial for tutorial in tutorials() if not tutorial.is_index]


def name(tutorial):
    return f"{tutorial.path.parent.name}/{tutorial.path.stem}"


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


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the site under the strict content security policy that it promises to keep."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_):
        """Say nothing between the tests' own lines."""


@pytest.fixture(scope="session")
def served(site):
    """The address of the built site, served on this machine."""
    handler = functools.partial(Handler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail("no Chromium on PATH: 'make test' installs it as root, else install it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


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
