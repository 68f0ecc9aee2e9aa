"""The kinds of pages that a part may hold, with their rules: ``kind`` in the part's ``index.py``.

``make check`` and the tests take what they ask of a page from here; nothing knows a part by name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """The rules of one kind of page.

    ``about`` has for each key of the ``about`` cell the pattern of its value, and the mend.
    ``predictions`` and ``exercises`` are the least numbers of predictions, and of exercises with a
    solution; ``shows`` says whether a figure is drawn for the page's card.
    """

    about: dict[str, tuple[str, str]]
    predictions: int
    exercises: int
    shows: bool


LEVELS = ("beginner", "intermediate", "advanced")
KINDS = {
    "lesson": Kind(
        about={
            "level": ("|".join(LEVELS), f"write one of {', '.join(LEVELS)}"),
            "tags": ("[ -~]+", "write API names, with commas between"),
        },
        predictions=3,
        exercises=1,
        shows=True,
    ),
}
