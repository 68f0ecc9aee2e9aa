"""The words of the frame, which no author of a page writes: ``docs/words.toml``, by language."""

import tomllib
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")
CODES = {"en": "en", "zh": "zh-CN"}  # as HTML names them
FILE = Path(__file__).parents[2] / "words.toml"


@cache
def words(language):
    """Each word of the frame in ``language``, by its name in ``docs/words.toml``."""
    said = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: both[language] for name, both in said.items()}
