"""What code decides a result: a hash that ignores comments, docstrings and everything unrelated.

The hash is taken from syntax trees, so that nothing is imported. It starts at a function or a script and
follows names through this package, statement by statement: a definition, a constant or an import counts when
something that counts mentions its name, and so does every statement that does something when a module that
counts is imported, such as setting an environment variable. Where a name could stand for several things, all of
them count.

What cannot be seen, because no name says it: functions chosen by a string (`getattr`, `import_module`; losses
are therefore passed as entries of their own), quoted annotations, data files, classes that act by being
subclassed, constructors that do more than construct, and other packages, whose versions the lock and the conda
environments fix.
"""

import functools
import hashlib
from pathlib import Path

from lossgrid.studies.code_syntax import Function, SourceModule, get_modules, get_prefixes

PACKAGE = "lossgrid"
ROOT = Path(__file__).resolve().parents[2]

# What these decide reaches a step as settings, which are tracked as such: following them would make every
# result depend on every objective and on the wording of error messages.
FOLLOWED_AS_SETTINGS = {
    f"{PACKAGE}.{name}" for name in ("studies", "objectives.catalogue", "objectives.specification")
}


@functools.cache
def get_code_identity(*entries: str) -> str:
    """Hash the code of this repository that the entries reach; see `CodeTree.get_identity`."""
    return REPOSITORY.get_identity(*entries)


class CodeTree:
    """The code below a folder that holds the package; files are read once, when they are first needed."""

    def __init__(self, root: Path):
        self.root = root
        self._read = functools.cache(lambda module: SourceModule(module, self.find_file(module)))

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
        own = module.split(".")[0] == PACKAGE and FOLLOWED_AS_SETTINGS.isdisjoint(get_prefixes(module))
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
        imported = get_modules(*[part for part in read.statements if not isinstance(part, Function)])
        parents = [] if module.endswith(".py") else get_prefixes(module)[:-1]
        touched = [(name, None) for name in [*parents, *imported] if self.is_followed(name)]
        return [*[(module, index) for index in read.effects], *touched]


REPOSITORY = CodeTree(ROOT)
