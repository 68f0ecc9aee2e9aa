"""Find out what the names in a script's code are, while the script runs.

What ``x.grad`` or ``loss.backward()`` is depends on the value before the dot, which only the run
knows. So each such value, and each name that may be imported or built in, passes on its way
through a function that notes what it is and gives it back. The code that readers see is not
touched, nor is the namespace of the script.

A place in the code is the number of its node among ``places``: layout and comments do not count,
as they do not count in the digest of a record. This file needs nothing of ours, like ``runner``.
"""

import ast
import builtins
import functools
import inspect
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType

HOOK = "__noted__"  # a built-in name in the script's process: none of the script's own


def places(tree):
    """The nodes that may have a name, in an order that only the code decides."""
    kinds = (ast.Attribute, ast.alias, ast.Call, ast.FunctionDef)
    if isinstance(tree, kinds) or (isinstance(tree, ast.Name) and isinstance(tree.ctx, ast.Load)):
        yield tree
    for child in ast.iter_child_nodes(tree):
        yield from places(child)


class Noted:
    """What was seen at each place of a script's cells.

    It takes the place of the ``compiler`` of the cells (``codeop.Compile``); call ``begin``
    before each cell. Sphinx-Gallery compiles the last expression of a cell by itself.
    """

    def __init__(self, compiler):
        self.compiler = compiler
        self.nodes, self.seen, self.starts = [], [], []
        self.place, self.bases, self.imports, self.spelled = {}, {}, {}, {}
        self.first, self.bound, self.owners = {}, set(), set()
        self.known = {name: None for name in dir(builtins) if not name.startswith("_")}
        setattr(builtins, HOOK, self.note)

    @property
    def flags(self):
        return self.compiler.flags

    def begin(self):
        self.starts.append(len(self.nodes))

    def __call__(self, tree, *arguments):
        """Compile ``tree``, a cell or a part of one, so that what it meets is noted."""
        for node in places(tree):
            self.place[id(node)] = len(self.nodes)
            self.nodes.append(node)
            self.seen.append(set())
        new = imported(tree)
        self.bound |= {name for name, full in new.items() if self.known.get(name, full) != full}
        self.bound |= bound(tree)
        self.known |= new
        for node in places(tree):  # before the tree is changed
            self.spelled[id(node)], self.first[id(node)] = spelled(node, self.known), first(node)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports |= {id(alias): full_name(node, alias) for alias in node.names}
            elif isinstance(node, ast.ClassDef):
                self.bases |= {id(statement): node.bases for statement in node.body}
            elif isinstance(node, ast.Attribute):
                self.owners.add(id(node.value))
        return self.compiler(Watched(self.place, self.known).visit(tree), *arguments)

    def note(self, place, value):
        kind = type(value)
        whole = kind in (ModuleType, BuiltinFunctionType) or isinstance(value, type)
        # A function of the script's own may hold tensors, whose life is not ours to prolong.
        whole = whole or (kind is FunctionType and value.__module__ != "__main__")
        self.seen[place].add(value if whole else kind)
        return value

    def cells(self):
        """For each cell ``{place: {"names": […], "arguments": […]}}``, once the script has run.

        ``names`` are the full names that hold for all that was seen at the place, that of the
        definition first, with ``"ran": False`` where the code did not run; ``arguments`` are
        those of a call to a function with a signature.
        """
        ends = [*self.starts[1:], len(self.nodes)]
        return [
            {
                str(place - start): noted
                for place in range(start, end)
                if (noted := self.noted(self.nodes[place]))
            }
            for start, end in zip(self.starts, ends, strict=True)
        ]

    def noted(self, node):
        if isinstance(node, ast.Call):
            arguments = {
                argument for call in self.objects(node.func) for argument in given(node, call)
            }
            return {"arguments": sorted(arguments)} if arguments else None
        if names := self.names(node):
            return {"names": names}
        names = self.unseen(node)
        return {"names": names, "ran": False} if names else None

    def unseen(self, node):
        """The full names in code that did not run, if nothing else ever took the name's place."""
        if not isinstance(node, ast.Attribute | ast.Name) or self.seen[self.place[id(node)]]:
            return []
        if isinstance(node, ast.Name) and id(node) in self.owners:
            return []
        full = self.spelled[id(node)]
        if isinstance(node, ast.Name) and full is None:
            return [node.id] if node.id in self.known and node.id not in self.bound else []
        value = at(full) if self.first[id(node)] not in self.bound else None
        return list(dict.fromkeys([full, *public(value)])) if value is not None else []

    def names(self, node):
        """The full names of what ``node`` was in the run, as far as all agree."""
        if isinstance(node, ast.alias):
            found = [[self.imports[id(node)]]]
        elif isinstance(node, ast.FunctionDef):
            bases = [
                base
                for expression in self.bases.get(id(node), ())
                for base in self.objects(expression)
            ]
            found = [members(base, node.name) for base in bases if isinstance(base, type)]
        elif id(node) not in self.place:
            found = []
        elif isinstance(node, ast.Attribute):
            found = [
                [*self.written(node, owner), *members(owner, node.attr)]
                for owner in self.seen[self.place[id(node)]]
            ]
        else:
            found = [
                [*[self.known[node.id]] * (at(self.known[node.id]) is value), *public(value)]
                for value in self.seen[self.place[id(node)]]
            ]
        first, *others = found or [[]]
        return list(dict.fromkeys(name for name in first if all(name in other for other in others)))

    def written(self, node, owner):
        """The name that the code spells, if it is that of a module's: ``os.path.join``."""
        full = self.spelled[id(node)]
        is_module = isinstance(owner, ModuleType) and full and at(full.rpartition(".")[0]) is owner
        return [full] if is_module else []

    def objects(self, node):
        """What ``node``, a name or an attribute, was in the run, as far as it was noted."""
        seen = self.seen[self.place[id(node)]] if id(node) in self.place else ()
        if isinstance(node, ast.Attribute):
            return [getattr(owner, node.attr) for owner in seen if hasattr(owner, node.attr)]
        return list(seen)


class Watched(ast.NodeTransformer):
    """Lets each value before a dot, and each name in ``known``, pass through the hook."""

    def __init__(self, place, known):
        self.place, self.known = place, known

    def passed(self, node, value):
        call = ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(self.place[id(node)]), value], [])
        for made in (call, call.func, call.args[0]):
            ast.copy_location(made, value)
        return call

    def visit_Attribute(self, node):
        if not isinstance(node.value, ast.Name):
            self.generic_visit(node)
        node.value = self.passed(node, node.value)
        return node

    def visit_Name(self, node):
        is_read = isinstance(node.ctx, ast.Load)
        return self.passed(node, node) if is_read and node.id in self.known else node

    def visit_match_case(self, node):
        """Leave the pattern alone: it holds names and no expressions."""
        node.body = [self.visit(statement) for statement in node.body]
        return node


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
