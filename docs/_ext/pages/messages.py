"""Sphinx's messages, said of the file and the line that an author wrote."""

import re
from pathlib import Path

from course.tutorial import TUTORIALS, Tutorial
from pages.script import cell_at


def at_source(said):
    """``said`` with the bilingual script and the line of its cell for each place in a page.

    Sphinx reads what ``gallery`` wrote; an author has never seen that file. A mistake of an
    author's needs no versions, no list of extensions and no traceback of ours around it.
    """
    if mistake := re.search(r"AuthoringError: (.+?)\n+The full traceback", said, re.S):
        said = said.partition("\nAuthoring error!")[0] + mistake[1].strip() + "\n"

    def place(match):
        rendered, language, name, line = Path(match[1]), match[2], match[3], int(match[4])
        path = TUTORIALS / f"{name}.py"
        if not path.is_file() or not rendered.is_file():
            return match[0]
        number = cell_at(rendered.read_text(encoding="utf-8"), line)
        return f"{path}:{Tutorial.read(path).cells[number].line}: ({language})"

    return re.sub(r"(\S*/docs/(en|zh)/tutorials/(\S+)\.rst):(\d+):", place, said)
