"""What every part of the schema shares: strict, frozen models and lists that may be written as one value."""

from collections.abc import Hashable, Sequence
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import GetJsonSchemaHandler, JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class StrictModel(BaseModel):
    """A part of a study: no unknown keys, no conversion of text or booleans to numbers, never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=False
    )


def describe_field(description: str, unit: str = "", **limits: Any) -> Any:
    """A pydantic field whose schema says the unit as well."""
    return Field(description=description, json_schema_extra={"unit": unit} if unit else None, **limits)


def fail(message: str, at: tuple[int | str, ...] = ()) -> NoReturn:
    """Refuse a value in a sentence of our own.

    Args:
        message: What is wrong and how to fix it.
        at: Where in the value that is being validated the mistake is.
    """
    # pydantic substitutes {names} in the template, so the sentence is passed as one of them.
    raise PydanticCustomError("study", "{message}", {"message": message, "at": at})


class Listed:
    """Reads a list as a tuple of distinct values; with `alone`, a value that stands alone is a list of one.

    Validating a plain union of a value and a list would report every mistake once for either.

    Args:
        alone: A single value may stand for a list of one.
        absent: What an empty (null) value stands for; None allows no empty values.
        example: What a value looks like where every value is a mapping; empty for any other value.
        least: How many values there must be.
    """

    def __init__(self, alone: bool = False, absent: Any = None, example: str = "", least: int = 1):
        self.alone = alone
        self.absent = absent
        self.example = example
        self.least = least

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        """The schema of the tuple, with the reading before and the search for repetitions after it."""
        inner = core_schema.no_info_before_validator_function(self.read, handler(source))
        return core_schema.no_info_after_validator_function(check_distinct, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of what a file may hold, which is more than the tuple."""
        array = handler(schema)
        item = array["items"]
        if self.least:
            array["minItems"] = self.least
        if self.absent is None:
            array["uniqueItems"] = True
        else:
            item = {"anyOf": [item, {"type": "null"}]}
            array["items"] = item
        return {"anyOf": [item, array]} if self.alone else array

    def read(self, value: Any) -> Any:
        """The value as a tuple, or as it is where it is neither a list nor allowed to stand alone."""
        if isinstance(value, list):
            values = value
        elif self.alone:
            values = [value]
        else:
            return value
        # Not pydantic's min_length, which also counts the values that are wrong for another reason.
        if len(values) < self.least:
            fail("the list is empty; write at least one value or remove the key")
        plain = [index for index, item in enumerate(values) if not isinstance(item, dict | BaseModel | None)]
        if self.example and plain:
            fail(f"must be a mapping of keys; write {self.example}", at=(plain[0],))
        return tuple(self.absent if item is None and self.absent is not None else item for item in values)


def check_distinct(values: Sequence[Any]) -> Sequence[Any]:
    """Refuse a list that holds the same value twice (blocks are compared as cells, elsewhere)."""
    seen: set[Hashable] = set()
    for index, value in enumerate(values):
        if isinstance(value, BaseModel):
            continue
        if value in seen:
            fail("stands in this list twice; keep one", at=(index,))
        seen.add(value)
    return values


# numpy takes no larger seed.
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Seeds = Annotated[tuple[Seed, ...], Listed()]
