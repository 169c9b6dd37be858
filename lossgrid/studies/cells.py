"""The cells of a study: its grids multiplied out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lossgrid.objectives.specification import Setting
from lossgrid.studies.errors import StudyError, find_nearest
from lossgrid.studies.schema import Study
from lossgrid.studies.spelling import get_objective, parse_setting, spell_number, spell_setting

SYMBOLS = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "lambda": "λ", "tau": "τ"}


@dataclass(frozen=True)
class Cell:
    """One objective × one setting × one seed: one training run and all its evaluations.

    Attributes:
        study: Name of the study.
        objective: Name of the objective.
        setting: A value for each of its hyper-parameters; numbers are floats.
        seed: Training seed.
    """

    study: str
    objective: str
    setting: Setting = field(hash=False)
    seed: int

    @property
    def setting_path(self) -> str:
        """The setting as the name of a folder."""
        return spell_setting(get_objective(self.objective), self.setting)

    @property
    def reference(self) -> str:
        """How claims name the cell, whatever its seed: ``objective/setting``."""
        return f"{self.objective}/{self.setting_path}"

    @property
    def path(self) -> str:
        """The cell's folder below ``results/{study}/cells/``."""
        return f"{self.reference}/seed~{self.seed}"

    @property
    def label(self) -> str:
        """The setting as figures write it, without the τ and the choices that have their defaults."""
        parts = []
        for parameter in get_objective(self.objective).hyperparameters:
            value = self.setting[parameter.name]
            if value == parameter.default and (parameter.choices or parameter.name == "tau"):
                continue
            parts.append(
                value if parameter.choices else f"{spell_symbol(parameter.name)} {spell_number(value)}"
            )
        return ", ".join(parts) or "default"


def get_cells(study: Study) -> list[Cell]:
    """Every cell of the study, in the order of the file; in a block, settings vary slower than seeds."""
    return [
        Cell(study.name, objective, setting, seed)
        for objective, _, block in study.objectives.iterate()
        for setting in block.get_settings()
        for seed in (study.seeds if block.seeds is None else block.seeds)
    ]


def get_cell(study: Study, path: str) -> Cell:
    """The cell of a path such as ``dpo/beta~0.05/seed~1``.

    Raises:
        StudyError: The study has no such cell; the message names the nearest.
    """
    cells = {cell.path: cell for cell in get_cells(study)}
    if path not in cells:
        raise StudyError(
            f"study {study.name}: {path}: no such cell; the nearest is {find_nearest(path, cells)}, "
            f"or add it to studies/{study.name}.yaml"
        )
    return cells[path]


def parse_cell(study: str, path: str) -> Cell:
    """The cell whose `path` is spelled so, whether or not a study holds it.

    Raises:
        StudyError: The path is no canonical spelling of a cell.
    """
    objective, _, rest = path.partition("/")
    setting, _, seed = rest.partition("/")
    number = seed.removeprefix("seed~")
    canonical = number.isascii() and number.isdigit() and str(int(number)) == number
    if not seed.startswith("seed~") or not canonical:
        raise StudyError(f"{path}: not the path of a cell; write objective/setting/seed~1")
    return Cell(study, objective, parse_setting(get_objective(objective), setting), int(number))


def find_aliases(cells: Iterable[Cell]) -> dict[str, str]:
    """Which cells are the same function, evaluated in the same way from the same seed, as an earlier one.

    Returns:
        Path of each alias, with the path of the cell that is trained for it.
    """
    trained: dict[tuple, str] = {}
    aliases = {}
    for cell in cells:
        shape = get_objective(cell.objective).get_shape(cell.setting), cell.seed
        if shape in trained:
            aliases[cell.path] = trained[shape]
        else:
            trained[shape] = cell.path
    return aliases


def get_trained_cells(study: Study) -> list[Cell]:
    """The cells that are trained: all but the aliases."""
    cells = get_cells(study)
    aliases = find_aliases(cells)
    return [cell for cell in cells if cell.path not in aliases]


def spell_symbol(name: str) -> str:
    letter, underscore, index = name.partition("_")
    return SYMBOLS.get(letter, letter) + underscore + index
