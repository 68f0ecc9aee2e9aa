"""What several test files need: the repository, the tutorials and the built site."""

from pathlib import Path

import pytest
from sphinx.config import eval_config_file
from sphinx.util.tags import Tags

from tutorial import tutorials

ROOT = Path(__file__).resolve().parents[1]
HOME = eval_config_file(ROOT / "conf.py", Tags())["site_url"]
SITE = ROOT / "build/html"
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
