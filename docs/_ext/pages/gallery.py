"""The sources that Sphinx reads: each tutorial's page and figures, the indexes with their cards."""

import shutil
from pathlib import Path

from pages.script import page
from pages.site import write


def cards(site, scripts):
    """The cards of one part: picture, title, one sentence, level and minutes."""
    lines = [".. container:: cards", ""]
    for script in scripts:
        lines += ["   .. container:: course-card", ""]
        if card(script) in site.outcome(script)["figures"]:
            picture = f"/tutorials/{script.part}/images/{card(script)}"
            lines += [f"      .. image:: {picture}", "         :alt:", ""]
        for text in (f":ref:`{script.label}`", script.summary(site.language), facts(site, script)):
            lines += [f"      {text}", ""]
    return "\n".join(lines)


def card(script):
    """The name of the file of a tutorial's card."""
    return f"sphx_glr_{script.path.stem}_thumb.png"


def facts(site, script):
    """The minutes, behind the level if the page's kind knows one."""
    level, minutes = site.words.get(script.about.get("level")), script.minutes
    return " · ".join(filter(None, (level, site.words["minutes"].format(minutes))))


def index_page(index, language, body, entries):
    """An index: label, title and text of its ``index.py``, then ``body`` and a toctree."""
    heading = index.title(language)
    texts = [cell.text for cell in index.cells if cell.kind == language]
    toctree = "\n".join([".. toctree::", "   :hidden:", "", *(f"   {name}" for name in entries)])
    rule = "=" * (2 * len(heading))
    top = [f".. _{index.part or 'course'}:", f"{heading}\n{rule}"]
    return "\n\n".join([*top, *texts, body, toctree]) + "\n"


def overview(site, part, shown):
    """The section of one part on the page of the course."""
    minutes = sum(script.minutes for script in part.scripts)
    count = site.words["count"].format(len(part.scripts), minutes)
    title, summary = part.index.title(site.language), part.index.summary(site.language)
    return (
        f".. _course-{part.name}:\n\n{title}\n{'-' * 2 * len(title)}\n\n{summary}\n\n"
        f".. rst-class:: part-count\n\n{count} · :ref:`{part.name}`\n\n{shown}"
    )


def sources(site):
    """The text of every page of the course, by its docname."""
    pages, overviews = {}, []
    for part in site.course.parts:
        shown = cards(site, part.scripts)
        overviews.append(overview(site, part, shown))
        names = [script.path.stem for script in part.scripts]
        pages[part.index.docname] = index_page(part.index, site.language, shown, names)
        for script in part.scripts:
            pages[script.docname] = page(script, site.language, site.outcome(script))
    entries = [f"{part.name}/index" for part in site.course.parts]
    course = index_page(site.course.index, site.language, "\n\n".join(overviews), entries)
    return pages | {site.course.index.docname: course}


def write_sources(app):
    """Write what has changed, and remove what is left of tutorials that are gone."""
    folder, kept, records = Path(app.srcdir), set(), app.site.records
    for docname, text in sources(app.site).items():
        kept.add(folder / f"{docname}.rst")
        write(folder / f"{docname}.rst", text)
    for script in app.site.course.scripts:
        for figure in app.site.outcome(script)["figures"]:
            target = folder / "tutorials" / script.part / "images" / figure
            kept.add(target)
            copy_if_new(records.folder / records.key(script) / figure, target)
    for path in (folder / "tutorials").rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()


def copy_if_new(source, target):
    """Copy ``source`` with its time unless it was copied before: Sphinx copies what is newer."""
    wanted = source.stat()
    if target.is_file():
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
