"""What the names in code stand for, by full names of modules, classes and what they offer.

A place in the code is the number of its node among ``places``: layout and comments do not count,
as they do not count in the digest of a record.
"""

import ast
import functools
import inspect
import sys
from types import ModuleType


def places(tree):
    """The nodes that may have a name, in an order that only the code decides."""
    kinds = (ast.Attribute, ast.alias, ast.Call, ast.FunctionDef)
    if isinstance(tree, kinds) or (isinstance(tree, ast.Name) and isinstance(tree.ctx, ast.Load)):
        yield tree
    for child in ast.iter_child_nodes(tree):
        yield from places(child)


def bound(tree):
    """The names that ``tree`` binds by other means than an import."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs):
            names.add(node.name)
    return names


def imported(tree):
    """The names that imports in ``tree`` bind, and the full names of what they stand for."""
    bound = {}
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                full = full_name(statement, alias)
                if isinstance(statement, ast.Import) and not alias.asname:
                    full = full.split(".")[0]  # ``import os.path`` binds ``os``
                bound[alias.asname or alias.name.split(".")[0]] = full
    return bound


def full_name(statement, alias):
    """The full name of what ``alias`` of an import stands for."""
    return f"{statement.module}.{alias.name}" if hasattr(statement, "module") else alias.name


def spelled(node, aliases):
    """The full name that a chain of names spells on one line, or ``None``."""
    if isinstance(node, ast.Attribute) and node.lineno == node.end_lineno:
        before = spelled(node.value, aliases)
        return before and f"{before}.{node.attr}"
    return aliases.get(node.id) if isinstance(node, ast.Name) else None


def first(node):
    """The name that a chain of names begins with; ``None`` if it begins with something else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return getattr(node, "id", None)


def at(name):
    """The object with a full name, among the modules that are imported; ``None`` without one."""
    parts = (name or "").split(".")
    for length in range(len(parts), 0, -1):
        if module := sys.modules.get(".".join(parts[:length])):
            return functools.reduce(
                lambda found, part: getattr(found, part, None), parts[length:], module
            )
    return None


def public(value):
    """The full names by which ``value`` can be imported, the shortest first.

    A class is defined in one module and offered in others: ``torch.optim.sgd.SGD`` is also
    ``torch.optim.SGD``.
    """
    if isinstance(value, ModuleType):
        return [value.__name__]
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return []
    if module == "builtins":
        return [name] if at(f"builtins.{name}") is value else []
    parts = module.split(".")
    longer = [".".join(parts[:length]) + f".{name}" for length in range(1, len(parts) + 1)]
    return [full for full in longer if at(full) is value]


def members(owner, attribute):
    """The full names of ``attribute`` of a module, a class or the instances of a class."""
    if isinstance(owner, ModuleType):
        value = getattr(owner, attribute, None)
        return [f"{owner.__name__}.{attribute}", *public(value)] if value is not None else []
    if not isinstance(owner, type):
        return []
    line = list(owner.__mro__)
    defined = next((i for i, kind in enumerate(line) if attribute in vars(kind)), None)
    if defined is None:
        return []
    kinds = line[defined::-1]
    graph = sys.modules.get("torch.autograd.graph")
    if graph and issubclass(owner, graph.Node):  # those of C++ inherit from it by name only
        kinds = [graph.Node, *kinds]
    return [f"{name}.{attribute}" for kind in kinds for name in public(kind)]


def given(call, function):
    """The names of the arguments that ``call`` gives to ``function``, where they can be known."""
    keywords = [keyword.arg for keyword in call.keywords if keyword.arg]
    try:
        parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    except (TypeError, ValueError):
        return keywords
    plain = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
    return keywords + parameters[: len(plain)]
