"""The page of the official documentation that each public name has, without asking the network.

A name is public if the installed package offers it and describes it in a docstring; PyTorch's own
``test_docs_coverage.py`` holds its documentation to the same rule. Which page and anchor a name
has follows from the rules in ``docs/documentation.toml``. The inventory is made where it is missing
or was made of other versions.
"""

import builtins
import hashlib
import importlib
import inspect
import json
import multiprocessing
import os
import re
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType

from run.record import versions

FILE = Path(__file__).parents[2] / "documentation.toml"
RULES = tomllib.loads(FILE.read_text(encoding="utf-8"))
PYTHON = "https://docs.python.org/3/"
MATPLOTLIB = "https://matplotlib.org/stable/api/"


def addresses(folder):
    """The address of each public name, kept in ``folder``."""
    path, made_of = Path(folder, "inventory.json"), facts()
    for _ in range(2):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["made of"] == made_of:
                return kept["addresses"]
        except (OSError, ValueError, KeyError):
            pass
        # In a process of its own: it imports torch and much of Python's library.
        process = multiprocessing.get_context("forkserver").Process(target=write, args=(path,))
        process.start()
        process.join()
    raise RuntimeError(f"{path} could not be made: see the error above")


def facts():
    """What the inventory is made of."""
    ours = b"".join(path.read_bytes() for path in (FILE, Path(__file__)))
    return [versions(), hashlib.sha256(ours).hexdigest()]


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(json.dumps({"made of": facts(), "addresses": made()}), encoding="utf-8")
    os.replace(part, path)  # whole or not there


def made():
    """The address of each public name of what is installed; ``*`` of a rule is the name."""
    release = ".".join(metadata.version("torch").split(".")[:2])
    sources = {
        f"https://docs.pytorch.org/docs/{release}/": torch_addresses(),
        MATPLOTLIB: matplotlib_addresses(),
        PYTHON: python_addresses(),
    }
    return {
        name: base + page.replace("*", name)
        for base, pages in sources.items()
        for name, page in dict(pages).items()
    }


def is_described(value):
    return bool(getattr(value, "__doc__", None))


def offered(module):
    """The public names of ``module`` with their objects: ``__all__``, or what it defines."""
    for name in sorted(getattr(module, "__all__", vars(module))):
        value = getattr(module, name, None)
        home = getattr(value, "__module__", None) or module.__name__
        own = hasattr(module, "__all__") or home.startswith(module.__name__)
        own = own or inspect.isbuiltin(value)  # of C++, as in torch.linalg
        if own and not name.startswith("_") and not isinstance(value, ModuleType):
            yield name, value


def members(owner, inherited=False):
    """The names of what ``owner`` and, if asked, its bases define and describe."""
    for name in dir(owner) if inherited else sorted(vars(owner)):
        value = inspect.getattr_static(owner, name)
        if not name.startswith("_") and is_described(value) and not isinstance(value, type):
            yield name


def find(name):
    """The object with a full name; its module is imported."""
    head, _, tail = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ImportError:
        return getattr(find(head), tail)


def torch_addresses():
    """Each public name of torch with its page and anchor."""
    import torch

    for module in RULES["generated"]:
        page = RULES["pages"].get(module, module.removeprefix("torch."))
        yield module, f"{page}.html"
        for name, value in offered(importlib.import_module(module)):
            if is_described(value) and not (module == "torch" and isinstance(value, type)):
                yield f"{module}.{name}", "generated/*.html"
                if isinstance(value, type):
                    for member in members(value, inherited=module == "torch.optim"):
                        yield f"{module}.{name}.{member}", f"generated/{module}.{name}.html#*"
    for name, value in vars(torch).items():
        if inspect.isroutine(value) and is_described(value) and not name.startswith("_"):
            yield f"torch.{name}", "generated/*.html"
        elif isinstance(value, torch.dtype):
            yield f"torch.{name}", RULES["special"]["torch.dtype"]
    for module, page in RULES["on_one_page"].items():
        yield module, f"{page}.html"
        for name, value in offered(importlib.import_module(module)):
            if is_described(value):
                yield f"{module}.{name}", f"{page}.html#*"
                for member in members(value, inherited=True) if isinstance(value, type) else ():
                    yield f"{module}.{name}.{member}", f"{page}.html#*"
    for name in RULES["more"]:
        yield name, "generated/*.html"
        for member in members(value) if isinstance(value := find(name), type) else ():
            yield f"{name}.{member}", f"generated/{name}.html#*"
    for name in RULES["members_have_pages"]:
        for member in members(find(name), inherited=name == "torch.Tensor"):
            yield f"{name}.{member}", "generated/*.html"
    yield from RULES["special"].items()


def matplotlib_addresses():
    import matplotlib.pyplot

    yield "matplotlib", "matplotlib_configuration_api.html"
    yield "matplotlib.pyplot", "pyplot_summary.html"
    for name, value in vars(matplotlib.pyplot).items():
        own = inspect.isfunction(value) and value.__module__ == "matplotlib.pyplot"
        if own and not name.startswith("_"):
            yield f"matplotlib.pyplot.{name}", "_as_gen/*.html"
    for owner in ("matplotlib.axes.Axes", "matplotlib.figure.Figure"):
        found = find(owner)
        for name in dir(found):
            value = inspect.getattr_static(found, name)
            if not name.startswith("_") and inspect.isfunction(value):
                yield f"{owner}.{name}", "_as_gen/*.html"


def python_addresses():
    for name, value in vars(builtins).items():
        if name.startswith("_") or not callable(value) or name in RULES["of_the_shell"]:
            continue
        if isinstance(value, type) and issubclass(value, BaseException):
            yield value.__name__, "library/exceptions.html#*"
            continue
        page = "stdtypes" if name in RULES["on_stdtypes"] else "functions"
        yield name, f"library/{page}.html#*"
        for member in members(value) if isinstance(value, type) else ():
            # What lists and sets share with others is told under the others' names.
            anchor = name if name in ("list", "tuple", "set", "frozenset", "range") else "*"
            yield f"{name}.{member}", f"library/stdtypes.html#{anchor}"
    for module in RULES["python_modules"]:
        page = f"library/{module}.html"
        yield module, f"{page}#module-*"
        for name, value in offered(importlib.import_module(module)):
            yield f"{module}.{name}", f"{page}#*"
            if isinstance(value, type) and value.__qualname__ == name:
                for member in members(value):
                    yield f"{module}.{name}.{member}", f"{page}#*"


def address(inventory, names, language):
    """The name among ``names`` that has a page, and the page; ``None`` if none of them has.

    Python has its documentation in Chinese too.
    """
    for name in names:
        if name in inventory:
            chinese = language == "zh"
            return name, re.sub(
                f"^{PYTHON}", f"{PYTHON[:-2]}zh-cn/3/" if chinese else PYTHON, inventory[name]
            )
    return None
