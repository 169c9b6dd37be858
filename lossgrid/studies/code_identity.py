"""What code decides a result: a hash that ignores comments, docstrings and everything unrelated.

The hash is taken from syntax trees, so that nothing is imported. It starts at a function or a script and
follows names through this package, statement by statement: a definition, a constant or an import counts when
something that counts mentions its name, and so does every statement that does something when a module that
counts is imported, such as setting an environment variable. Editing a comment or adding an unrelated function
leaves the hash as it is; changing a function that is reached changes it. Where a name could stand for several
things, all of them count.

What cannot be seen, because no name says it: functions chosen by a string (`getattr`, `import_module`; losses
are therefore passed as entries of their own), quoted annotations, data files, classes that act by being
subclassed, constructors that do more than construct, and other packages, whose versions the lock and the conda
environments fix.

Trees are spelled by `_spell` and not by `ast.dump` or `ast.unparse`, whose output changed in Python 3.12 and
3.13 for code that did not.
"""

import ast
import functools
import hashlib
from pathlib import Path

PACKAGE = "lossgrid"
ROOT = Path(__file__).resolve().parents[2]

# What these decide reaches a step as settings, which are tracked as such: following them would make every
# result depend on every objective and on the wording of error messages.
FOLLOWED_AS_SETTINGS = (
    "lossgrid.studies",
    "lossgrid.objectives.catalogue",
    "lossgrid.objectives.specification",
)

# Calls into these compute a value and do nothing else, so that a constant made by one counts only where it is
# mentioned.
WITHOUT_EFFECTS = {
    "collections", "dataclasses", "decimal", "enum", "fractions", "functools", "itertools", "math", "operator",
    "pathlib", "re", "typing",
}  # fmt: skip
BUILTINS_WITH_EFFECTS = {
    "delattr",
    "eval",
    "exec",
    "globals",
    "open",
    "print",
    "setattr",
    "vars",
    "__import__",
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Import = ast.Import | ast.ImportFrom
# An imported name as a module and the path of attributes below it.
Target = tuple[str, tuple[str, ...]]


@functools.cache
def get_code_identity(*entries: str) -> str:
    """Hash the code of this repository that the entries reach; see `CodeTree.get_identity`."""
    return _get_repository().get_identity(*entries)


@functools.cache
def _get_repository() -> "CodeTree":
    return CodeTree(ROOT)


class CodeTree:
    """The code below a folder; files are read once, when they are first needed.

    Args:
        root: Folder that holds the package.
    """

    def __init__(self, root: Path):
        self.root = root
        self._modules: dict[str, _Module] = {}

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
        waiting = [position for entry in entries for position in self._find_entry(entry)]
        while waiting:
            module, index = waiting.pop()
            if module not in reached:
                reached[module] = set()
                waiting += self._find_effects(module)
            if index is None or index in reached[module]:
                continue
            reached[module].add(index)
            waiting += self._read(module).follow(index, self)
        lines = []
        for module, indices in sorted(reached.items()):
            if indices:
                lines += [module, *self._read(module).spell(indices)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def resolve(self, module: str, path: tuple[str, ...], seen: frozenset = frozenset()) -> set[tuple]:
        """The statements, as (module, index), that an imported name and the attributes after it stand for."""
        if (module, path) in seen or not self.is_followed(module):
            return set()
        seen |= {(module, path)}
        read = self._read(module)
        below = f"{module}.{path[0]}" if path else ""
        names = path[:1] if path and path[0] in read.bindings else list(read.bindings)
        found = set()
        if below and self.find_file(below):
            found = self.resolve(below, path[1:], seen) | {(module, None)}
            names = path[:1]
        for name in names:
            found |= {(module, index) for index in read.bindings.get(name, ())}
            for target, attributes in read.imports.get(name, ()):
                found |= self.resolve(target, (*attributes, *path[1:]), seen)
        return found

    def is_followed(self, module: str) -> bool:
        """Whether a module is one of this package's own, and not one whose decisions are settings."""
        settings = any(module == name or module.startswith(f"{name}.") for name in FOLLOWED_AS_SETTINGS)
        return not settings and module.split(".")[0] == PACKAGE and self.find_file(module) is not None

    def find_file(self, module: str) -> Path | None:
        """The file of a dotted module or of a script's path, None where there is none."""
        path = self.root / module
        if not module.endswith(".py"):
            path = self.root.joinpath(*module.split("."))
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        return path if path.is_file() else None

    def _find_entry(self, entry: str) -> list[tuple]:
        module, _, name = entry.partition(":")
        is_script = entry.endswith(".py")
        if self.find_file(module) is None:
            raise LookupError(
                f"code identity: {entry!r}: there is no {'script' if is_script else 'module'} {module}"
            )
        read = self._read(module)
        if is_script:
            return [(module, index) for index in range(len(read.statements))]
        if name not in read.bindings:
            raise LookupError(
                f"code identity: {entry!r}: {module} defines no {name!r}; write module:function"
            )
        return [*self.resolve(module, (name,)), *[(module, index) for index in read.bindings[name]]]

    def _find_effects(self, module: str) -> list[tuple]:
        """What runs when a module is imported: its own effects, its parents' and those of what it imports."""
        read = self._read(module)
        run = [
            part for part in read.statements if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        imported = [name for statement in run for name in _get_modules(statement)]
        parents = [] if module.endswith(".py") else _get_prefixes(module)[:-1]
        touched = [(name, None) for name in [*parents, *imported] if self.is_followed(name)]
        return [*[(module, index) for index in read.effects], *touched]

    def _read(self, module: str) -> "_Module":
        if module not in self._modules:
            file = self.find_file(module)
            self._modules[module] = _Module(module, ast.parse(file.read_text("utf-8"), str(file)))
        return self._modules[module]


class _Module:
    """The top-level statements of one file, with the names that each binds.

    Attributes:
        statements: In file order, imports cut to one name each.
        bindings: The statements that bind a name, by their indices.
        imports: What an imported name stands for.
        effects: The statements that do something when the module is imported.
    """

    def __init__(self, name: str, tree: ast.Module):
        _check_imports(name, tree)
        _drop_what_never_runs(tree)
        self.name = name
        self.statements = [part for statement in tree.body for part in _split_import(statement)]
        self.bindings: dict[str, list[int]] = {}
        for index, statement in enumerate(self.statements):
            for bound in _get_bound(statement):
                self.bindings.setdefault(bound, []).append(index)
        self.imports = _get_targets(*self.statements)
        self.effects = [index for index, part in enumerate(self.statements) if self._has_effects(part)]
        self._spelled: dict[int, str] = {}
        self._followed: dict[int, set] = {}

    def spell(self, indices: set[int]) -> list[str]:
        """The statements in file order, functions by name: moving one in its file changes nothing."""
        for index in indices - self._spelled.keys():
            self._spelled[index] = _spell(self.statements[index])
        is_function = ast.FunctionDef | ast.AsyncFunctionDef
        named = {
            index: part.name for index, part in enumerate(self.statements) if isinstance(part, is_function)
        }
        return [self._spelled[index] for index in sorted(indices, key=lambda i: (named.get(i, ""), i))]

    def follow(self, index: int, tree: CodeTree) -> set[tuple]:
        """The statements of the whole package that one statement needs."""
        if index not in self._followed:
            statement = self.statements[index]
            inner = {} if isinstance(statement, Import) else _get_targets(statement, nested=True)
            found = {(name, None) for name in _get_modules(statement) if tree.is_followed(name)}
            for root, *attributes in _get_chains(statement):
                found |= {(self.name, position) for position in self.bindings.get(root, ())}
                for target, path in [*inner.get(root, ()), *self.imports.get(root, ())]:
                    found |= tree.resolve(target, (*path, *attributes))
            self._followed[index] = found
        return self._followed[index]

    def _has_effects(self, statement: ast.stmt) -> bool:
        if isinstance(statement, Import | ast.Pass):
            return False
        if not isinstance(statement, Definition | ast.Assign | ast.AnnAssign):
            return type(statement).__name__ != "TypeAlias"
        return any(self._is_effect(node) for node in _walk_executed(statement))

    def _is_effect(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute | ast.Subscript):
            return not isinstance(node.ctx, ast.Load)
        called = [node.func] if isinstance(node, ast.Call) else getattr(node, "decorator_list", [])
        return not all(self._only_computes(function) for function in called)

    def _only_computes(self, function: ast.expr) -> bool:
        name = getattr(function, "attr", getattr(function, "id", "")).lstrip("_")
        if name[:1].isupper():
            return True
        while isinstance(function, ast.Attribute | ast.Call | ast.Subscript):
            function = function.func if isinstance(function, ast.Call) else function.value
        if not isinstance(function, ast.Name):
            return True
        if function.id in self.imports:
            return all(module.split(".")[0] in WITHOUT_EFFECTS for module, _ in self.imports[function.id])
        return function.id not in BUILTINS_WITH_EFFECTS and function.id not in self.bindings


def _check_imports(name: str, tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            star = any(alias.name == "*" for alias in node.names)
            if star or node.level:
                kind = "star import" if star else "relative import"
                raise ValueError(
                    f"code identity: {name}, line {node.lineno}: a {kind} cannot be followed; "
                    f"import each name from its full module"
                )


def _drop_what_never_runs(tree: ast.AST) -> None:
    """Remove docstrings, other bare strings and what only type checkers read."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and body:
                kept = [part for statement in body for part in _keep_what_runs(statement)]
                setattr(node, field, kept or ([ast.Pass()] if field == "body" else []))


def _keep_what_runs(statement: ast.stmt) -> list[ast.stmt]:
    if isinstance(statement, ast.If) and getattr(
        statement.test, "attr", getattr(statement.test, "id", "")
    ) == ("TYPE_CHECKING"):
        return [part for other in statement.orelse for part in _keep_what_runs(other)]
    is_text = isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str)
    return [] if is_text and isinstance(statement.value, ast.Constant) else [statement]


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
    bound = set(_get_targets(statement, nested=True))
    for node in ast.walk(statement):
        if isinstance(node, Definition):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return bound


def _get_targets(*statements: ast.stmt, nested: bool = False) -> dict[str, list[Target]]:
    """What imports bind: the targets of each name; with `nested`, also inside of functions."""
    targets: dict[str, list[Target]] = {}
    for statement in statements:
        # A compound statement's imports are the module's own, a definition's are not.
        inside = nested or not isinstance(statement, Definition)
        for node in ast.walk(statement) if inside else ():
            for alias in node.names if isinstance(node, Import) else ():
                if isinstance(node, ast.ImportFrom):
                    name, target = alias.asname or alias.name, (node.module, (alias.name,))
                elif alias.asname:
                    name, target = alias.asname, (alias.name, ())
                else:
                    name = alias.name.split(".")[0]
                    target = (name, ())
                targets.setdefault(name, []).append(target)
    return targets


def _get_modules(statement: ast.stmt) -> list[str]:
    """Every module that imports in a statement run, parents included."""
    modules = []
    for node in ast.walk(statement):
        for alias in node.names if isinstance(node, Import) else ():
            path = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
            modules += _get_prefixes(path)
    return modules


def _get_prefixes(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _get_chains(node: ast.AST):
    """Every mentioned name with the attributes after it: `np.add.at` is np, add, at."""
    attributes = []
    inner = node
    while isinstance(inner, ast.Attribute):
        attributes.insert(0, inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        yield [inner.id, *attributes]
        return
    for child in ast.iter_child_nodes(inner):
        yield from _get_chains(child)


def _walk_executed(node: ast.AST):
    """The nodes that run when a statement does: all but the bodies of functions."""
    yield node
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        children = [*getattr(node, "decorator_list", []), *defaults]
    for child in children:
        yield from _walk_executed(child)


def _spell(node) -> str:
    if isinstance(node, list):
        return f"[{','.join(map(_spell, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [
        f"{name}={_spell(value)}"
        for name, value in ast.iter_fields(node)
        if value is not None and value != [] and name not in ("ctx", "kind", "type_comment")
    ]
    return f"{type(node).__name__}({','.join(fields)})"
