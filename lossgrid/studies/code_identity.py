"""What code decides a result: a hash that ignores comments, docstrings and everything unrelated.

The hash is taken from syntax trees, so that nothing is imported. It starts at a function or a script and
follows names through this package: a function, class or constant counts when something that counts mentions
it. Editing a comment or adding an unrelated function leaves the hash as it is; changing a function that is
reached changes it.
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

Symbol = tuple[str, str]


def get_code_identity(*entries: str) -> str:
    """Hash the code that the entries reach.

    Args:
        *entries: Scripts as paths from the repository's root (`workflow_scripts/train_cell.py`) or functions
            as `module:function` (`lossgrid.objectives.modulated:dlrml_loss`).

    Returns:
        A hexadecimal SHA-256.

    Raises:
        LookupError: Where an entry does not exist.
    """
    found: dict[Symbol, str] = {}
    waiting: list[Symbol] = []
    for entry in entries:
        if entry.endswith(".py"):
            names = [(entry, name) for name in _read_module(entry).definitions]
            waiting += [*names, (entry, "")]
        else:
            module, _, name = entry.partition(":")
            if name not in _read_module(module).definitions:
                raise LookupError(
                    f"code identity: {entry!r} does not exist; name a function as module:function"
                )
            waiting.append((module, name))
    while waiting:
        symbol = waiting.pop()
        if symbol in found:
            continue
        module = _read_module(symbol[0])
        found[symbol] = module.get_source(symbol[1])
        waiting += module.get_mentioned(symbol[1])
        # Statements at the top of a module run whenever any of it is used.
        waiting.append((symbol[0], ""))
    text = "\n".join(f"{module}:{name}\n{source}" for (module, name), source in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


class _Module:
    """The definitions of one file, and where its imported names come from."""

    def __init__(self, tree: ast.Module):
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.statements: list[ast.stmt] = []
        self.imported: dict[str, Symbol] = {}
        for statement in tree.body:
            self._sort(statement)

    def get_source(self, name: str) -> str:
        """The normalised source of a definition, of the other statements for an empty name."""
        return "\n".join(ast.unparse(statement) for statement in self._get_statements(name))

    def get_mentioned(self, name: str) -> list[Symbol]:
        """The symbols of this package that a definition mentions."""
        mentioned = []
        for statement in self._get_statements(name):
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id in self.imported:
                    mentioned.append(self.imported[node.id])
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    module, owner = self.imported.get(node.value.id, ("", ""))
                    submodule = f"{module}.{owner}"
                    if module and _find_file(submodule):
                        mentioned.append((submodule, node.attr))
                elif isinstance(node, ast.ImportFrom | ast.Import):
                    mentioned += _resolve_import(node).values()
        local = [(self.path, node_name) for node_name in self._get_local_names(name)]
        return [
            symbol
            for symbol in [*local, *mentioned]
            if not symbol[0].startswith(FOLLOWED_AS_SETTINGS)
            and (_find_file(symbol[0]) and symbol[1] in _read_module(symbol[0]).definitions)
        ]

    def _get_local_names(self, name: str) -> set[str]:
        nodes = (node for statement in self._get_statements(name) for node in ast.walk(statement))
        return {node.id for node in nodes if isinstance(node, ast.Name)} & self.definitions.keys()

    def _get_statements(self, name: str) -> list[ast.stmt]:
        return self.definitions[name] if name else self.statements

    def _sort(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.definitions.setdefault(statement.name, []).append(statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            for name in names:
                self.definitions.setdefault(name, []).append(statement)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            self.imported.update(_resolve_import(statement))
        else:
            self.statements.append(statement)


def _resolve_import(statement: ast.Import | ast.ImportFrom) -> dict[str, Symbol]:
    """Names that an import binds, with the symbol of this package that each stands for."""
    if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(PACKAGE):
        return {alias.asname or alias.name: (statement.module, alias.name) for alias in statement.names}
    return {}


def _find_file(module: str) -> Path | None:
    if module.endswith(".py"):
        return ROOT / module
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@functools.cache
def _read_module(module: str) -> _Module:
    file = _find_file(module)
    if file is None or not file.is_file():
        raise LookupError(f"code identity: no file holds {module!r}")
    read = _Module(_without_docstrings(ast.parse(file.read_text())))
    read.path = module
    return read


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return tree
