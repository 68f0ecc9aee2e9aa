"""What the modules of the site share: ``app.site``, the state of one build of one language."""

import hashlib
from pathlib import Path

from sphinx.errors import SphinxError

from course.check import check_parts, said
from course.tutorial import Course
from course.words import words
from run.inventory import addresses
from run.record import Records, versions


class AuthoringError(SphinxError):
    """A mistake in a tutorial or a page; the message names the file, the line and the mend."""

    category = "Authoring error"


class Site:
    """The language of a build, its words, the course, and the records of its runs.

    ``tutorials`` has each script by its docname, ``inventory`` the address of each public name.
    """

    def __init__(self, config):
        self.language = "zh" if config.language.startswith("zh") else "en"
        self.words = words(self.language)
        self.course = Course()
        if problems := [said(*problem) for problem in check_parts(self.course)]:
            raise AuthoringError("\n".join(problems))
        self.tutorials = {script.docname: script for script in self.course.scripts}
        self.records = Records(config.records_dir, config.sphinx_gallery_conf)
        self.inventory = addresses(self.records.folder.parent)

    def outcome(self, tutorial):
        """What the code of ``tutorial`` produced when it ran."""
        outcome = self.records.read(tutorial)
        if outcome is None:
            raise AuthoringError(
                f"{tutorial.path}:1: there is no record of this code: run 'make html', which makes "
                "it"
            )
        return outcome


def open_site(app, config):
    app.site = Site(config)
    stages = [f"_ext/{stage}/*.py" for stage in ("course", "run", "pages")]
    config.made_of = [digest(*stages, "*.toml"), versions()]
    config.framed_by = digest("_theme/**/*.*")


def digest(*patterns):
    """A digest of the files in docs/ that fit the patterns."""
    docs = Path(__file__).parents[2]
    found = sorted({path for pattern in patterns for path in docs.glob(pattern) if path.is_file()})
    return hashlib.sha256(b"".join(path.read_bytes() for path in found)).hexdigest()


def write(path, text):
    """Write ``text`` unless it stands there already: Sphinx rebuilds what is newer."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
