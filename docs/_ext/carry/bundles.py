"""Bundle the built site for reading without a network: in each language a zip and a book.

The zip holds the pages as they are, the book (EPUB 3) the course in the order of its contents.
Both come from the built pages; where no page has changed since, nothing is done. The same pages
give the same bytes.
"""

import hashlib
import multiprocessing
import os
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from carry import book, offline
from course.words import FILE, LANGUAGES

SITE_ZIP, BOOK = "learn-autograd-site-{}.zip", "learn-autograd-book-{}.epub"
STAGES = Path(__file__).parents[1]
# Zip knows no date before this one.
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


def bundles(pages):
    """The two files that are made of the pages of one language: the zip and the book."""
    return [pages / "downloads" / name.format(pages.name) for name in (SITE_ZIP, BOOK)]


def changed(root):
    """When what readers see was last changed, as the history says; a copy without one is old."""
    command = ["git", "-C", root, "log", "-1", "--format=%ct", "--"]
    try:
        said = subprocess.run(
            [*command, "docs", "tutorials", "conf.py"], capture_output=True, text=True, check=False
        ).stdout.strip()
    except FileNotFoundError:
        said = ""
    return datetime.fromtimestamp(int(said), UTC) if said else EARLIEST


def digest(pages, date):
    """The digest of everything that the bundles are made of: the pages, ours and the date."""
    made = hashlib.sha256(str(date).encode())
    ours = [path for stage in ("course", "carry") for path in (STAGES / stage).glob("*.py")]
    ours += [*book.FOLDER.iterdir(), FILE]
    found = {path for path in pages.rglob("*") if path.is_file()} - set(bundles(pages))
    for path in [*sorted(ours), *sorted(found)]:
        data = path.read_bytes()
        made.update(f"{path.name} {len(data)} ".encode())
        made.update(data)
    return made.hexdigest()


def write(path, members):
    """Write the zip archive ``path`` of ``members`` (name, bytes), in their order.

    It gets its name when it is whole, so that a reader never meets half of one. What an EPUB
    begins with, its ``mimetype``, is stored; everything else is compressed.
    """
    path.parent.mkdir(exist_ok=True)
    part = path.parents[3] / f"{path.name}.part"
    with zipfile.ZipFile(part, "w", compresslevel=9) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o644 << 16  # the same on every system
            stored = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(info, data, stored)
    os.replace(part, path)


def make(pages, date):
    """Write both bundles of ``pages``, the folder of one language."""
    site_zip, epub = bundles(pages)
    write(site_zip, offline.members(pages, site_zip.stem))
    write(epub, book.members(pages, date))


def bundle(folder):
    """Make what has changed in the build ``folder``.

    ``LANGUAGE.bundled`` keeps the digest of what it was made of.
    """
    date, due = changed(folder.parent), {}
    for language in LANGUAGES:
        pages, mark = folder / "html" / language, folder / f"{language}.bundled"
        now = digest(pages, date)
        made = mark.read_text() if mark.is_file() else ""
        if made != now or not all(path.is_file() for path in bundles(pages)):
            due[mark] = pages, now
    if not due:
        return
    with multiprocessing.Pool(len(due)) as pool:
        pool.starmap(make, [(pages, date) for pages, _ in due.values()])
    for mark, (pages, now) in due.items():
        mark.write_text(now)
        for path in bundles(pages):
            print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")
