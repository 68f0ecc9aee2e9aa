"""Watch what the names in a script's code are, while the script runs.

What ``x.grad`` or ``loss.backward()`` is depends on the value before the dot, which only the run
knows. So each such value, and each name that may be imported or built in, passes on its way
through a function that notes what it is and gives it back. The code that readers see is not
touched, nor is the namespace of the script.
"""

import ast
import builtins
import codeop
from types import BuiltinFunctionType, FunctionType, ModuleType

from run import names

# Built-in names in the script's process: none of the script's own.
HOOK = "__noted__"
REACHED = "__reached__"


class Watch:
    """What was seen at each place of a script's cells.

    It compiles the cells, as ``codeop.Compile`` does; call ``begin`` before each. Sphinx-Gallery
    compiles the last expression of a cell by itself.
    """

    def __init__(self):
        self.compiler = codeop.Compile()
        self.nodes, self.seen, self.starts = [], [], []
        self.place, self.bases, self.imports, self.spelled = {}, {}, {}, {}
        self.first, self.bound, self.owners = {}, set(), set()
        self.known = {name: None for name in dir(builtins) if not name.startswith("_")}
        self.handlers, self.reached = [], set()
        setattr(builtins, HOOK, self.note)
        setattr(builtins, REACHED, self.reached.add)

    @property
    def flags(self):
        return self.compiler.flags

    def begin(self):
        self.starts.append(len(self.nodes))

    def __call__(self, tree, *arguments):
        """Compile ``tree``, a cell or a part of one, so that what it meets is noted."""
        for node in names.places(tree):
            self.place[id(node)] = len(self.nodes)
            self.nodes.append(node)
            self.seen.append(set())
        new = names.imported(tree)
        self.bound |= {name for name, full in new.items() if self.known.get(name, full) != full}
        self.bound |= names.bound(tree)
        self.known |= new
        for node in names.places(tree):  # before the tree is changed
            self.spelled[id(node)], self.first[id(node)] = (
                names.spelled(node, self.known),
                names.first(node),
            )
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports |= {id(alias): names.full_name(node, alias) for alias in node.names}
            elif isinstance(node, ast.ClassDef):
                self.bases |= {id(statement): node.bases for statement in node.body}
            elif isinstance(node, ast.Attribute):
                self.owners.add(id(node.value))
            elif isinstance(node, ast.Try | ast.TryStar):
                self.handlers += [(node.lineno, handler.lineno) for handler in node.handlers]
        return self.compiler(Hooked(self.place, self.known).visit(tree), *arguments)

    def note(self, place, value):
        kind = type(value)
        whole = kind in (ModuleType, BuiltinFunctionType) or isinstance(value, type)
        # A function of the script's own may hold tensors, whose life is not ours to prolong.
        whole = whole or (kind is FunctionType and value.__module__ != "__main__")
        self.seen[place].add(value if whole else kind)
        return value

    def untaken(self):
        """The lines of each ``except`` that did not run although its ``try`` was entered."""
        return [
            handler
            for attempt, handler in self.handlers
            if attempt in self.reached and handler not in self.reached
        ]

    def cells(self):
        """For each cell ``{place: {"names": […], "arguments": […]}}``, once the script has run.

        ``names`` are the full names that hold for all that was seen at the place, that of the
        definition first, with ``"ran": False`` where the code did not run; ``arguments`` are
        those of a call to a function with a signature.
        """
        ends = [*self.starts[1:], len(self.nodes)]
        return [
            {
                str(place - start): fact
                for place in range(start, end)
                if (fact := self.fact(self.nodes[place]))
            }
            for start, end in zip(self.starts, ends, strict=True)
        ]

    def fact(self, node):
        if isinstance(node, ast.Call):
            arguments = {
                argument for call in self.objects(node.func) for argument in names.given(node, call)
            }
            return {"arguments": sorted(arguments)} if arguments else None
        if seen := self.names(node):
            return {"names": seen}
        unseen = self.unseen(node)
        return {"names": unseen, "ran": False} if unseen else None

    def unseen(self, node):
        """The full names in code that did not run, if nothing else ever took the name's place."""
        if not isinstance(node, ast.Attribute | ast.Name) or self.seen[self.place[id(node)]]:
            return []
        if isinstance(node, ast.Name) and id(node) in self.owners:
            return []
        full = self.spelled[id(node)]
        if isinstance(node, ast.Name) and full is None:
            return [node.id] if node.id in self.known and node.id not in self.bound else []
        value = names.at(full) if self.first[id(node)] not in self.bound else None
        return list(dict.fromkeys([full, *names.public(value)])) if value is not None else []

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
            found = [names.members(base, node.name) for base in bases if isinstance(base, type)]
        elif id(node) not in self.place:
            found = []
        elif isinstance(node, ast.Attribute):
            found = [
                [*self.written(node, owner), *names.members(owner, node.attr)]
                for owner in self.seen[self.place[id(node)]]
            ]
        else:
            found = [
                [
                    *[self.known[node.id]] * (names.at(self.known[node.id]) is value),
                    *names.public(value),
                ]
                for value in self.seen[self.place[id(node)]]
            ]
        first, *others = found or [[]]
        return list(dict.fromkeys(name for name in first if all(name in other for other in others)))

    def written(self, node, owner):
        """The name that the code spells, if it is that of a module's: ``os.path.join``."""
        full = self.spelled[id(node)]
        is_module = (
            isinstance(owner, ModuleType) and full and names.at(full.rpartition(".")[0]) is owner
        )
        return [full] if is_module else []

    def objects(self, node):
        """What ``node``, a name or an attribute, was in the run, as far as it was noted."""
        seen = self.seen[self.place[id(node)]] if id(node) in self.place else ()
        if isinstance(node, ast.Attribute):
            return [getattr(owner, node.attr) for owner in seen if hasattr(owner, node.attr)]
        return list(seen)


class Hooked(ast.NodeTransformer):
    """Lets each value before a dot, and each name in ``known``, pass through the hook.

    Each ``try`` and each ``except`` says that it was reached.
    """

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

    def visit_Try(self, node):
        self.generic_visit(node)
        for block in (node, *node.handlers):
            call = ast.Call(ast.Name(REACHED, ast.Load()), [ast.Constant(block.lineno)], [])
            block.body.insert(0, ast.Expr(call))
            ast.copy_location(block.body[0], block)
            ast.fix_missing_locations(block.body[0])
        return node

    visit_TryStar = visit_Try

    def visit_match_case(self, node):
        """Leave the pattern alone: it holds names and no expressions."""
        node.body = [self.visit(statement) for statement in node.body]
        return node
