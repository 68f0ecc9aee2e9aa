"""The page of the official documentation that each public name has, without asking the network.

    python docs/_ext/inventory.py       write docs/inventory.txt anew from what is installed

A name is public if the installed package offers it and describes it in a docstring; PyTorch's own
``test_docs_coverage.py`` holds its documentation to the same rule. Which page and anchor a name
has follows from the rules below. Those of torch were read from the sources of its documentation
(autograd, func, optim, profiler, checkpoint, testing) and from addresses of 2.13 that others link
to; those of Python were compared, name by name, with the ``objects.inv`` of 3.11.

The file lists patterns and, below each, the names that follow it; ``*`` is the name.
"""

import builtins
import importlib
import inspect
import platform
import re
from importlib import metadata
from pathlib import Path
from types import ModuleType

INVENTORY = Path(__file__).resolve().parents[1] / "inventory.txt"
PYTHON = "https://docs.python.org/3/"
MATPLOTLIB = "https://matplotlib.org/stable/api/"

# Modules of torch whose names have pages of their own.
GENERATED = (
    "torch",
    "torch.accelerator",
    "torch.autograd",
    "torch.autograd.forward_ad",
    "torch.autograd.functional",
    "torch.cuda",
    "torch.fft",
    "torch.func",
    "torch.linalg",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.utils",
    "torch.optim",
    "torch.optim.lr_scheduler",
)
# Modules of torch whose names stand together on one page.
ON_ONE_PAGE = {
    "torch.amp": "amp",
    "torch.autograd.graph": "autograd",
    "torch.library": "library",
    "torch.nn.init": "nn.init",
    "torch.profiler": "profiler",
    "torch.special": "special",
    "torch.testing": "testing",
    "torch.utils.checkpoint": "checkpoint",
    "torch.utils.data": "data",
}
PAGES = {  # of the modules whose page has another name
    "torch": "torch",
    "torch.autograd.forward_ad": "autograd",
    "torch.autograd.functional": "autograd",
    "torch.nn.utils": "nn",
    "torch.optim.lr_scheduler": "optim",
}
# Names of torch that follow neither rule, with their address.
SPECIAL = {
    "torch.Tensor": "tensors.html#torch.Tensor",
    "torch.Tensor.T": "tensors.html#torch.Tensor.T",
    "torch.Tensor.H": "tensors.html#torch.Tensor.H",
    "torch.Tensor.mT": "tensors.html#torch.Tensor.mT",
    "torch.Tensor.mH": "tensors.html#torch.Tensor.mH",
    "torch.Tensor.data": "autograd.html#variable-deprecated",
    "torch.Tensor.dtype": "tensor_attributes.html#torch.dtype",
    "torch.Tensor.grad_fn": "autograd.html#autograd-graph",
    "torch.Tensor.layout": "tensor_attributes.html#torch.layout",
    "torch.Size": "size.html#torch.Size",
    "torch.device": "tensor_attributes.html#torch.device",
    "torch.dtype": "tensor_attributes.html#torch.dtype",
    "torch.layout": "tensor_attributes.html#torch.layout",
    "torch.finfo": "type_info.html#torch.finfo",
    "torch.iinfo": "type_info.html#torch.iinfo",
    "torch.inference_mode": "generated/torch.autograd.grad_mode.inference_mode.html",
    "torch.set_grad_enabled": "generated/torch.autograd.grad_mode.set_grad_enabled.html",
    "torch.nn.Parameter": "generated/torch.nn.parameter.Parameter.html",
    "torch.optim.Optimizer": "optim.html#torch.optim.Optimizer",
    "torch.autograd.Function": "autograd.html#torch.autograd.Function",
    "torch.autograd.detect_anomaly": "autograd.html#torch.autograd.detect_anomaly",
    "torch.autograd.set_detect_anomaly": "autograd.html#torch.autograd.set_detect_anomaly",
    "torch.autograd.gradcheck": "generated/torch.autograd.gradcheck.gradcheck.html",
    "torch.autograd.gradgradcheck": "generated/torch.autograd.gradcheck.gradgradcheck.html",
    "torch.autograd.set_multithreading_enabled": (
        "generated/torch.autograd.grad_mode.set_multithreading_enabled.html"
    ),
    "torch.autograd.enforce_grad_layout_policy": (
        "generated/torch.autograd.grad_mode.enforce_grad_layout_policy.html"
    ),
    "torch.autograd.graph.Node": "autograd.html#autograd-graph",
    "torch.autograd.function.FunctionCtx": "autograd.html#torch.autograd.function.FunctionCtx",
    "torch.autograd.profiler.profile": "autograd.html#torch.autograd.profiler.profile",
    "torch.autograd.profiler.emit_itt": "autograd.html#torch.autograd.profiler.emit_itt",
    "torch.autograd.profiler.emit_nvtx": "autograd.html#torch.autograd.profiler.emit_nvtx",
    "torch.profiler.record_function": "generated/torch.autograd.profiler.record_function.html",
    "torch.profiler.schedule": "profiler.html#torch.profiler.profiler.schedule",
    "torch.profiler.supported_activities": (
        "profiler.html#torch.profiler.profiler.supported_activities"
    ),
    "torch.profiler.tensorboard_trace_handler": (
        "profiler.html#torch.profiler.profiler.tensorboard_trace_handler"
    ),
    "torch.vmap": "generated/torch.func.vmap.html",
}
# Classes of torch whose members have pages of their own, and those whose members stand on theirs.
MEMBERS_HAVE_PAGES = (
    "torch.Tensor",
    "torch.autograd.Function",
    "torch.autograd.function.FunctionCtx",
    "torch.autograd.graph.Node",
    "torch.optim.Optimizer",
)
MORE = (
    "torch.no_grad",
    "torch.enable_grad",
    "torch.Generator",
    "torch.autograd.graph.Node.next_functions",
    "torch.autograd.function.once_differentiable",
    "torch.autograd.gradcheck.GradcheckError",
    "torch.nn.parallel.DistributedDataParallel",
    "torch.autograd.function.BackwardCFunction",
    "torch.autograd.profiler.record_function",
    "torch.autograd.profiler_util.EventList",
    "torch.autograd.profiler_util.FunctionEvent",
)

PYTHON_MODULES = (
    "abc",
    "argparse",
    "array",
    "bisect",
    "cmath",
    "collections",
    "collections.abc",
    "concurrent.futures",
    "contextlib",
    "contextvars",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "gc",
    "glob",
    "hashlib",
    "heapq",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "math",
    "multiprocessing",
    "numbers",
    "operator",
    "os",
    "os.path",
    "pathlib",
    "pickle",
    "pprint",
    "queue",
    "random",
    "re",
    "shutil",
    "statistics",
    "string",
    "struct",
    "subprocess",
    "sys",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "traceback",
    "tracemalloc",
    "types",
    "typing",
    "unittest.mock",
    "uuid",
    "warnings",
    "weakref",
    "zipfile",
)
OF_THE_SHELL = ("copyright", "credits", "exit", "license", "quit")
ON_STDTYPES = (
    "bytearray",
    "bytes",
    "dict",
    "frozenset",
    "list",
    "memoryview",
    "range",
    "set",
    "str",
    "tuple",
)


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

    for module in GENERATED:
        yield module, f"{PAGES.get(module, module.removeprefix('torch.'))}.html"
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
            yield f"torch.{name}", SPECIAL["torch.dtype"]
    for module, page in ON_ONE_PAGE.items():
        yield module, f"{page}.html"
        for name, value in offered(importlib.import_module(module)):
            if is_described(value):
                yield f"{module}.{name}", f"{page}.html#*"
                for member in members(value, inherited=True) if isinstance(value, type) else ():
                    yield f"{module}.{name}.{member}", f"{page}.html#*"
    for name in MORE:
        yield name, "generated/*.html"
        for member in members(value) if isinstance(value := find(name), type) else ():
            yield f"{name}.{member}", f"generated/{name}.html#*"
    for name in MEMBERS_HAVE_PAGES:
        for member in members(find(name), inherited=name == "torch.Tensor"):
            yield f"{name}.{member}", "generated/*.html"
    yield from SPECIAL.items()


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
        if name.startswith("_") or not callable(value) or name in OF_THE_SHELL:
            continue
        if isinstance(value, type) and issubclass(value, BaseException):
            yield value.__name__, "library/exceptions.html#*"
            continue
        yield name, f"library/{'stdtypes' if name in ON_STDTYPES else 'functions'}.html#*"
        for member in members(value) if isinstance(value, type) else ():
            # What lists and sets share with others is told under the others' names.
            anchor = name if name in ("list", "tuple", "set", "frozenset", "range") else "*"
            yield f"{name}.{member}", f"library/stdtypes.html#{anchor}"
    for module in PYTHON_MODULES:
        page = f"library/{module}.html"
        yield module, f"{page}#module-*"
        for name, value in offered(importlib.import_module(module)):
            yield f"{module}.{name}", f"{page}#*"
            if isinstance(value, type) and value.__qualname__ == name:
                for member in members(value):
                    yield f"{module}.{name}.{member}", f"{page}#*"


def made():
    """The inventory as text."""
    release = ".".join(metadata.version("torch").split(".")[:2])
    sources = {
        f"https://docs.pytorch.org/docs/{release}/": torch_addresses(),
        MATPLOTLIB: matplotlib_addresses(),
        PYTHON: python_addresses(),
    }
    patterns = {}
    for base, addresses in sources.items():
        for name, page in dict(addresses).items():
            patterns.setdefault(base + page, []).append(name)
    versions = f"torch {release}, matplotlib {metadata.version('matplotlib')} and Python"
    lines = [f"# Made by 'make inventory' from {versions} {python_version()}."]
    for pattern, names in sorted(patterns.items()):
        lines += [pattern, *(f"  {name}" for name in sorted(names))]
    return "\n".join(lines) + "\n"


def python_version():
    return ".".join(platform.python_version_tuple()[:2])


def read(path=INVENTORY):
    """The address of each name in the inventory."""
    addresses, pattern = {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("https:"):
            pattern = line
        elif line.startswith("  "):
            addresses[line.strip()] = pattern.replace("*", line.strip())
    return addresses


def address(addresses, names, language):
    """The name among ``names`` that has a page, and the page; ``None`` if none of them has.

    Python has its documentation in Chinese too.
    """
    for name in names:
        if name in addresses:
            chinese = language == "zh"
            return name, re.sub(
                f"^{PYTHON}", f"{PYTHON[:-2]}zh-cn/3/" if chinese else PYTHON, addresses[name]
            )
    return None


if __name__ == "__main__":
    INVENTORY.write_text(made(), encoding="utf-8")
    print(f"{len(read())} names in {INVENTORY}")
