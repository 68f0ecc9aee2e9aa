"""What opens pages: a server like GitHub Pages, and a browser for which no other host exists."""

import gzip
import mimetypes
import os
import shutil
import threading
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("text/javascript", ".js")
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
OFFLINE = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # no other host has an address
COMPRESSED = ("text/", "application/json", "application/xml", "image/svg")


@contextmanager
def served(site, address, **headers):
    """Serve the folder ``site`` at the path of its public ``address``; gives its address here.

    Pages have gzip, ten minutes of cache and the site's own ``404.html``. Where a page names the
    public address it names this one instead, so that whoever compares its canonical link with
    where it was found finds them equal. ``headers`` are sent with every answer, such as
    ``Content_Security_Policy=POLICY``.
    """
    site = Path(site).resolve()
    base = urlsplit(address).path

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave together

        def do_GET(self):
            path = unquote(urlsplit(self.path).path)
            file = (site / path.removeprefix(base)).resolve()
            if not path.startswith(base) or not file.is_relative_to(site):
                return self.answer(404, site / "404.html")
            if file.is_dir() and not path.endswith("/"):
                return self.answer(301, location=f"{path}/")
            if file.is_dir():
                file /= "index.html"
            return self.answer(200, file) if file.is_file() else self.answer(404, site / "404.html")

        def answer(self, status, file=None, **more):
            body, kind = content(file) if file and file.is_file() else (b"", "text/plain")
            if kind.startswith(COMPRESSED) and "gzip" in self.headers.get("Accept-Encoding", ""):
                body, more["Content-Encoding"] = packed(body), "gzip"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", len(body))
            self.send_header("Cache-Control", "max-age=600")
            for key, value in (headers | more).items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = f"http://127.0.0.1:{server.server_port}{base}"

    @cache
    def content(file):
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        body = file.read_bytes()
        if kind == "text/html":
            body = body.replace(address.encode(), here.encode())
        return body, f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    @cache
    def packed(body):
        return gzip.compress(body, 6)

    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


def chromium():
    """The path of Chromium or Chrome: CHROME_PATH, or the first that is on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROME_PATH") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise FileNotFoundError(
            "no browser to open the pages in: install chromium and fonts-noto-cjk (make does as "
            "root, with apt-get), or set CHROME_PATH to a Chromium or Chrome"
        )
    return found


@contextmanager
def browsing():
    """Start the browser."""
    flags = ["--no-sandbox", "--disable-gpu", f"--host-resolver-rules={OFFLINE}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield browser
        browser.close()


def load_images(page):
    """Load every image of ``page``, those far down too; fails if one is broken."""
    page.evaluate(
        """() => Promise.all([...document.images].map((image) => {
            image.loading = "eager";
            return image.decode();
        }))"""
    )


def uncover(page):
    """Show the answers to all predictions of ``page``."""
    page.evaluate("document.querySelectorAll('.guess [type=button]').forEach((it) => it.click())")
