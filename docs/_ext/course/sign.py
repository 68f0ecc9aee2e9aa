"""Sign that the Chinese of a tutorial was read against its English of today."""

from course.check import check, said
from course.tutorial import Tutorial
from course.twins import check_signatures


class Unsigned(Exception):
    """A file with other mistakes, which are mended before it is signed."""


def sign(path):
    """Write into each Chinese marker the digest of the English twin; return how many changed."""
    tutorial = Tutorial.read(path)
    unsigned = set(check_signatures(tutorial))
    others = [said(tutorial, problem) for problem in check(tutorial) if problem not in unsigned]
    if others:
        raise Unsigned("\n".join(others))
    lines = tutorial.path.read_text(encoding="utf-8").split("\n")
    changed = 0
    for english, chinese in tutorial.twins():
        if chinese.signature != english.digest():
            marker = "# %% zh" + (" alt" if chinese.alt else "") + f" {english.digest()}"
            lines[chinese.line - 1] = marker + (f": {chinese.heading}" if chinese.heading else "")
            changed += 1
    if changed:
        tutorial.path.write_text("\n".join(lines), encoding="utf-8")
    return changed
