"""The grids of a study: one block model for each objective of the catalogue, built from its specification."""

from collections.abc import Iterator
from itertools import product
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, create_model, model_validator

from lossgrid.objectives.catalogue import OBJECTIVES
from lossgrid.objectives.specification import Hyperparameter, Objective
from lossgrid.studies.base import Listed, Seeds, StrictModel, describe_field, fail
from lossgrid.studies.exponential_tail import describe_exponential_tail


class Block(StrictModel):
    """One grid of an objective: the product of its hyper-parameters' values and of its seeds."""

    seeds: Seeds | None = describe_field(
        "Training seeds of this block; null takes the study's.", default=None
    )
    allow_exponential_tail: bool = describe_field(
        "Accept settings with r = β_mix/(τβ_kl) < 1, whose gradient grows exponentially for ρ→−∞.",
        default=False,
    )

    def get_settings(self) -> list[dict[str, float | str]]:
        """The settings of the grid; the last hyper-parameter varies fastest."""
        names = [name for name in type(self).model_fields if name not in Block.model_fields]
        return [
            dict(zip(names, values, strict=True))
            for values in product(*(getattr(self, name) for name in names))
        ]

    @model_validator(mode="after")
    def check_tail(self) -> "Block":
        """Refuse a grid that reaches r < 1 without saying so."""
        if not self.allow_exponential_tail:
            name = type(self).__name__.removesuffix("_block")
            tail = describe_exponential_tail(name, self.get_settings(), self.model_fields_set)
            if tail:
                key, value, message = tail
                at = (key, getattr(self, key).index(value)) if key in self.model_fields_set else ()
                fail(message, at)
        return self


class ObjectiveBlocks(StrictModel):
    """The blocks of every objective, in the order of the file."""

    _order: tuple[str, ...] = PrivateAttr(())

    def iterate(self) -> Iterator[tuple[str, int, Block]]:
        """Each block with its objective's name and its place among that objective's blocks."""
        for name in self._order:
            for index, block in enumerate(getattr(self, name)):
                yield name, index, block

    @model_validator(mode="wrap")
    @classmethod
    def keep_order(cls, data: Any, handler: Any) -> "ObjectiveBlocks":
        """Refuse an empty mapping, and remember the order that pydantic forgets."""
        if data == {}:
            fail("names no objective; add one, for example `dpo: {beta: 0.1}`")
        blocks = handler(data)
        if isinstance(data, dict):
            blocks._order = tuple(data)
        return blocks


def build_objectives_model(objectives: tuple[Objective, ...]) -> type[ObjectiveBlocks]:
    """The model of `objectives:`, with one optional field for each objective."""
    fields = {objective.name: build_field(objective) for objective in objectives}
    return create_model(
        "Objectives", __base__=ObjectiveBlocks, __doc__="The objectives and their grids.", **fields
    )


def build_field(objective: Objective) -> tuple[Any, Any]:
    block = create_model(
        f"{objective.name}_block",
        __base__=Block,
        __doc__=f"A grid of {objective.title}: {objective.formula} ({objective.reference}).",
        **{parameter.name: build_values(parameter) for parameter in objective.hyperparameters},
    )
    # The defaults are not validated: an objective that the file does not name has no blocks at all.
    blocks = Annotated[tuple[block, ...], Listed(alone=True, absent={}, example=build_example(objective))]
    return blocks, Field(default=(), description=f"{objective.title}: {objective.formula}")


def build_example(objective: Objective) -> str:
    first = next(iter(objective.defaults().items()), None)
    return f"{{{first[0]}: {first[1]}}}" if first else "{}"


def build_values(parameter: Hyperparameter) -> tuple[Any, Any]:
    value = Literal[parameter.choices] if parameter.choices else build_number(parameter)
    values = Annotated[tuple[value, ...], Listed(alone=True)]
    default = parameter.default if parameter.choices else float(parameter.default)
    return values, describe_field(parameter.description, parameter.unit, default=(default,))


def build_number(parameter: Hyperparameter) -> Any:
    return Annotated[float, Field(gt=0, lt=parameter.below if isfinite(parameter.below) else None)]


Objectives = build_objectives_model(OBJECTIVES)
