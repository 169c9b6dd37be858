"""One source file as the code identity sees it: its statements, what they bind, mention and do.

Statements are spelled by `_spell` and not by `ast.dump` or `ast.unparse`, whose output changed in Python 3.12
and 3.13 for code that did not.
"""

import ast
import functools
from pathlib import Path

# Calls into these compute a value and do nothing else: a constant made by one counts only where it is mentioned.
WITHOUT_EFFECTS = {
    "collections", "dataclasses", "enum", "fractions", "functools", "itertools", "math", "pathlib", "re", "typing",
}  # fmt: skip
# What only watches a training. A line that calls into it counts as little as a comment, and so does its import.
WATCHERS = ("lossgrid.training.live.",)
BUILTINS_WITH_EFFECTS = {"delattr", "eval", "exec", "globals", "open", "print", "setattr", "vars"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
Import = ast.Import | ast.ImportFrom


class SourceModule:
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

    def _follow(self, index: int, tree) -> set[tuple]:
        """The statements of the whole package that one statement needs."""
        statement = self.statements[index]
        imports = [*_get_imported(statement), *self.imports]
        found = {(name, None) for name in get_modules(statement) if tree.is_followed(name)}
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
    """Remove docstrings, bare strings, what only type checkers read and what only watches; refuse unclear imports."""
    watching = _find_watching(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*"):
            kind = "relative" if node.level else "star"
            where = f"code identity: {name}, line {node.lineno}"
            raise ValueError(
                f"{where}: a {kind} import cannot be followed; import each name from its full module"
            )
        for field in ("body", "orelse", "finalbody"):
            if isinstance(body := getattr(node, field, None), list) and body:
                kept = [part for statement in body for part in _keep_what_runs(statement, watching)]
                setattr(node, field, kept or ([ast.Pass()] if field == "body" else []))


def _find_watching(tree: ast.Module) -> set[str]:
    """The names from `WATCHERS` of which a file makes no other use than to call them as statements of their own.

    Called with names and attributes alone: nothing that decides a result can be done on the way.
    """
    imported = {name for name, module, *_ in _get_imported(tree) if f"{module}.".startswith(WATCHERS)}
    mentions = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    calls = [name for node in ast.walk(tree) if (name := _get_called_alone(node))]
    return {name for name in imported if mentions.count(name) == calls.count(name)}


def _get_called_alone(node: ast.AST) -> str | None:
    """The name that a statement calls without any other use of its own."""
    call = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        return None
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return call.func.id if all(_is_plain(argument) for argument in arguments) else None


def _is_plain(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


def _keep_what_runs(statement: ast.stmt, watching: set[str]) -> list[ast.stmt]:
    if (
        isinstance(statement, ast.If)
        and ast.unparse(statement.test).removeprefix("typing.") == "TYPE_CHECKING"
    ):
        return [part for other in statement.orelse for part in _keep_what_runs(other, watching)]
    if _get_called_alone(statement) in watching:
        return []
    if isinstance(statement, Import) and {name for name, *_ in _get_imported(statement)} <= watching:
        return []
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


def get_modules(*statements: ast.stmt) -> list[str]:
    """Every module that imports in statements run, parents included."""
    return [prefix for *_, path in _get_imported(*statements) for prefix in get_prefixes(path)]


def get_prefixes(module: str) -> list[str]:
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
