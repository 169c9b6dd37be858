"""What a study needs to know of a loss, as plain data: no torch is imported here."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from importlib import import_module

Setting = Mapping[str, float | str]


@dataclass(frozen=True)
class Hyperparameter:
    """One hyper-parameter of a loss.

    Attributes:
        name: The keyword argument of the loss.
        description: What it does, in one line.
        default: Value where a study names none.
        unit: Unit of a number, empty for none.
        choices: The values allowed, for a hyper-parameter that is a word; empty for a number, which must be
            finite and above 0.
    """

    name: str
    description: str
    default: float | str
    unit: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objective:
    """One loss of the catalogue.

    Attributes:
        name: Its name in studies and paths.
        title: Its name in figures and tables.
        function: Where it is defined, as ``module:function`` below `lossgrid.objectives`.
        formula: The loss of one pair, in plain text.
        hyperparameters: In the order in which a setting spells them.
        reference: Where the loss is published.
        shape_of: Gives the function that a setting stands for, as a value that is equal for two settings
            (of any objectives) exactly where they are the same function in the same evaluation.
    """

    name: str
    title: str
    function: str
    formula: str
    hyperparameters: tuple[Hyperparameter, ...]
    reference: str
    shape_of: Callable[[Setting], Hashable]

    def defaults(self) -> dict[str, float | str]:
        """The setting of a study that names no hyper-parameter."""
        return {parameter.name: parameter.default for parameter in self.hyperparameters}

    def load(self) -> Callable:
        """Import and return the loss itself (this is where torch comes in)."""
        module, function = self.function.split(":")
        return getattr(import_module(f"lossgrid.objectives.{module}"), function)
