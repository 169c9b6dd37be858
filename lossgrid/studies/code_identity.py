"""What code decides a result: a hash that ignores comments, docstrings and everything unrelated.

The hash is taken from syntax trees, so that nothing is imported. It starts at a function or a script and
follows names through this package, statement by statement: a definition, a constant or an import counts when
something that counts mentions its name, and so does every statement that does something when a module that
counts is imported, such as setting an environment variable. Where a name could stand for several things, all of
them count.

What cannot be seen, because no name says it: functions chosen by a string (`getattr`, `import_module`; losses
are therefore passed as entries of their own), quoted annotations, data files, classes that act by being
subclassed, constructors that do more than construct, and other packages, whose versions the lock and the conda
environments fix. Trees are spelled by `_spell` and not by `ast.dump` or `ast.unparse`, whose output changed in
Python 3.12 and 3.13 for code that did not.
"""

import ast
import functools
import hashlib
from pathlib import Path

PACKAGE = "lossgrid"
ROOT = Path(__file__).resolve().parents[2]

# What these decide reaches a step as settings, which are tracked as such: following them would make every
# result depend on every objective and on the wording of error messages.
FOLLOWED_AS_SETTINGS = {
    f"{PACKAGE}.{name}" for name in ("studies", "objectives.catalogue", "objectives.specification")
}
# Calls into these compute a value and do nothing else: a constant made by one counts only where it is mentioned.
WITHOUT_EFFECTS = {
    "collections", "dataclasses", "enum", "fractions", "functools", "itertools", "math", "pathlib", "re", "typing",
}  # fmt: skip
BUILTINS_WITH_EFFECTS = {"delattr", "eval", "exec", "globals", "open", "print", "setattr", "vars"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
Import = ast.Import | ast.ImportFrom


@functools.cache
def get_code_identity(*entries: str) -> str:
    """Hash the code of this repository that the entries reach; see `CodeTree.get_identity`."""
    return REPOSITORY.get_identity(*entries)


class CodeTree:
    """The code below a folder that holds the package; files are read once, when they are first needed."""

    def __init__(self, root: Path):
        self.root = root
        self._read = functools.cache(lambda module: _Module(module, self.find_file(module)))

    def get_identity(self, *entries: str) -> str:
        """Hash the code that the entries reach.

        Args:
            *entries: Scripts as paths from the root (`workflow_scripts/train_cell.py`) or functions as
                `module:function` (`lossgrid.objectives.modulated:dlrml_loss`).

        Returns:
            A hexadecimal SHA-256, the same for any order of the entries.

        Raises:
            LookupError: An entry does not exist.
            ValueError: A file holds a star import or a relative import, whose names cannot be followed.
        """
        reached: dict[str, set[int]] = {}
        # Statements as (module, index); with None, the module is imported and none of its names is used.
        waiting = [position for entry in entries for position in self._find_entry(entry)]
        while waiting:
            module, index = waiting.pop()
            if module not in reached:
                reached[module] = set()
                waiting += self._find_effects(module)
            if index is not None and index not in reached[module]:
                reached[module].add(index)
                waiting += self._read(module).follow(index, self)
        lines = []
        for module, indices in sorted(reached.items()):
            lines += [module, *self._read(module).spell(indices)] if indices else []
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def resolve(self, module: str, path: tuple[str, ...], seen: frozenset = frozenset()) -> set[tuple]:
        """The statements that an imported name and the attributes after it stand for; all of a module in doubt."""
        if (module, path) in seen or not self.is_followed(module):
            return set()
        seen |= {(module, path)}
        read = self._read(module)
        names = path[:1] if path and path[0] in read.bindings else list(read.bindings)
        found = set()
        if path and self.find_file(f"{module}.{path[0]}"):
            found = self.resolve(f"{module}.{path[0]}", path[1:], seen) | {(module, None)}
            names = path[:1]
        for name in names:
            found |= {(module, index) for index in read.bindings.get(name, ())}
        for name, target, attributes, _ in read.imports:
            found |= self.resolve(target, (*attributes, *path[1:]), seen) if name in names else set()
        return found

    def is_followed(self, module: str) -> bool:
        """Whether a module is one of this package's own, and not one whose decisions are settings."""
        own = module.split(".")[0] == PACKAGE and FOLLOWED_AS_SETTINGS.isdisjoint(_get_prefixes(module))
        return own and self.find_file(module) is not None

    def find_file(self, module: str) -> Path | None:
        """The file of a dotted module or of a script's path, None where there is none."""
        path = self.root / module
        if not module.endswith(".py"):
            path = self.root.joinpath(*module.split("."))
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        return path if path.is_file() else None

    def _find_entry(self, entry: str) -> list[tuple]:
        where = f"code identity: {entry!r}"
        module, _, name = entry.partition(":")
        kind = "script" if entry.endswith(".py") else "module"
        if self.find_file(module) is None:
            raise LookupError(f"{where}: there is no {kind} {module}")
        read = self._read(module)
        if kind == "script":
            return [(module, index) for index in range(len(read.statements))]
        if name not in read.bindings:
            raise LookupError(f"{where}: {module} defines no {name!r}; write module:function")
        return [*self.resolve(module, (name,)), *[(module, index) for index in read.bindings[name]]]

    def _find_effects(self, module: str) -> list[tuple]:
        """What runs when a module is imported: its own effects, its parents' and those of what it imports."""
        read = self._read(module)
        imported = _get_modules(*[part for part in read.statements if not isinstance(part, Function)])
        parents = [] if module.endswith(".py") else _get_prefixes(module)[:-1]
        touched = [(name, None) for name in [*parents, *imported] if self.is_followed(name)]
        return [*[(module, index) for index in read.effects], *touched]


class _Module:
    """The top-level statements of one file in order, imports cut to one name each, and what they bind."""

    def __init__(self, name: str, file: Path):
        tree = ast.parse(file.read_text("utf-8"), str(file))
        _clean(name, tree)
        self.name = name
        self.statements = [part for statement in tree.body for part in _split_import(statement)]
        self.bindings: dict[str, list[int]] = {}
        for index, statement in enumerate(self.statements):
            for bound in _get_bound(statement):
                self.bindings.setdefault(bound, []).append(index)
        # A compound statement's imports are the module's own, a definition's are not.
        self.imports = _get_imported(*[part for part in self.statements if not isinstance(part, Definition)])
        self.effects = [index for index, part in enumerate(self.statements) if self._has_effects(part)]
        self._spell = functools.cache(lambda index: _spell(self.statements[index]))
        self.follow = functools.cache(self._follow)

    def spell(self, indices: set[int]) -> list[str]:
        """The statements in file order, functions by name: moving one in its file changes nothing."""
        names = [part.name if isinstance(part, Function) else "" for part in self.statements]
        return [self._spell(index) for index in sorted(indices, key=lambda index: (names[index], index))]

    def _follow(self, index: int, tree: CodeTree) -> set[tuple]:
        """The statements of the whole package that one statement needs."""
        statement = self.statements[index]
        imports = [*_get_imported(statement), *self.imports]
        found = {(name, None) for name in _get_modules(statement) if tree.is_followed(name)}
        for root, *attributes in _get_chains(statement):
            found |= {(self.name, position) for position in self.bindings.get(root, ())}
            for name, target, path, _ in imports:
                found |= tree.resolve(target, (*path, *attributes)) if name == root else set()
        return found

    def _has_effects(self, statement: ast.stmt) -> bool:
        """Whether a statement does something besides binding names when the module is imported."""
        if not isinstance(statement, Definition | ast.Assign | ast.AnnAssign):
            return type(statement).__name__ not in ("Import", "ImportFrom", "Pass", "TypeAlias")
        return any(self._is_effect(node) for node in _walk_executed(statement))

    def _is_effect(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute | ast.Subscript):
            return not isinstance(node.ctx, ast.Load)
        called = [node.func] if isinstance(node, ast.Call) else getattr(node, "decorator_list", [])
        return not all(self._only_computes(function) for function in called)

    def _only_computes(self, function: ast.expr) -> bool:
        name = getattr(function, "attr", getattr(function, "id", "")).lstrip("_")
        while isinstance(function, ast.Attribute | ast.Call | ast.Subscript):
            function = function.func if isinstance(function, ast.Call) else function.value
        if name[:1].isupper() or not isinstance(function, ast.Name):
            return True
        modules = {module.split(".")[0] for bound, module, *_ in self.imports if bound == function.id}
        is_builtin = function.id not in BUILTINS_WITH_EFFECTS and function.id not in self.bindings
        return modules <= WITHOUT_EFFECTS if modules else is_builtin


def _clean(name: str, tree: ast.Module) -> None:
    """Remove docstrings, other bare strings and what only type checkers read; refuse unclear imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*"):
            kind = "relative" if node.level else "star"
            where = f"code identity: {name}, line {node.lineno}"
            raise ValueError(
                f"{where}: a {kind} import cannot be followed; import each name from its full module"
            )
        for field in ("body", "orelse", "finalbody"):
            if isinstance(body := getattr(node, field, None), list) and body:
                kept = [part for statement in body for part in _keep_what_runs(statement)]
                setattr(node, field, kept or ([ast.Pass()] if field == "body" else []))


def _keep_what_runs(statement: ast.stmt) -> list[ast.stmt]:
    if (
        isinstance(statement, ast.If)
        and ast.unparse(statement.test).removeprefix("typing.") == "TYPE_CHECKING"
    ):
        return [part for other in statement.orelse for part in _keep_what_runs(other)]
    constant = statement.value if isinstance(statement, ast.Expr) else None
    return [] if isinstance(constant, ast.Constant) and isinstance(constant.value, str) else [statement]


def _split_import(statement: ast.stmt) -> list[ast.stmt]:
    if isinstance(statement, ast.Import):
        return [ast.Import([alias]) for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        return [ast.ImportFrom(statement.module, [alias], 0) for alias in statement.names]
    return [statement]


def _get_bound(statement: ast.stmt) -> set[str]:
    """The names that a statement may bind in its module."""
    if isinstance(statement, Definition):
        return {statement.name}
    names = {name for name, *_ in _get_imported(statement)}
    for node in ast.walk(statement):
        if isinstance(node, Definition):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _get_imported(*statements: ast.stmt) -> list[tuple[str, str, tuple, str]]:
    """Imports anywhere inside: the name that is bound, its module and attributes there, the whole path."""
    found = []
    for node in [node for statement in statements for node in ast.walk(statement)]:
        for alias in node.names if isinstance(node, Import) else ():
            path = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
            if isinstance(node, ast.ImportFrom):
                found.append((alias.asname or alias.name, node.module, (alias.name,), path))
            else:
                # `import a.b` binds a, `import a.b as c` binds a.b.
                module = path if alias.asname else path.split(".")[0]
                found.append((alias.asname or module, module, (), path))
    return found


def _get_modules(*statements: ast.stmt) -> list[str]:
    """Every module that imports in statements run, parents included."""
    return [prefix for *_, path in _get_imported(*statements) for prefix in _get_prefixes(path)]


def _get_prefixes(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _get_chains(node: ast.AST):
    """Every mentioned name with the attributes after it: `np.add.at` is np, add, at."""
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        yield [node.id, *attributes]
    else:
        for child in ast.iter_child_nodes(node):
            yield from _get_chains(child)


def _walk_executed(node: ast.AST):
    """The nodes that run when a statement does: all but the bodies of functions."""
    yield node
    children = ast.iter_child_nodes(node)
    if isinstance(node, Function | ast.Lambda):
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        children = [*getattr(node, "decorator_list", []), *defaults]
    for child in children:
        yield from _walk_executed(child)


def _spell(node) -> str:
    if isinstance(node, list):
        return f"[{','.join(map(_spell, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [pair for pair in ast.iter_fields(node) if pair[0] not in ("ctx", "kind", "type_comment")]
    spelled = [f"{name}={_spell(value)}" for name, value in fields if value is not None and value != []]
    return f"{type(node).__name__}({','.join(spelled)})"


REPOSITORY = CodeTree(ROOT)
