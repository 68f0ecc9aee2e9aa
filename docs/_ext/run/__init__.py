"""Code to records: knows torch and Sphinx-Gallery's execution, and nothing of the site."""

import sys
from pathlib import Path

READERS = Path(__file__).parents[2] / "tools"  # what readers take draws here too
sys.path.append(str(READERS))
