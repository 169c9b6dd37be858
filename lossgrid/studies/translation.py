"""What pydantic finds wrong, in the words of somebody who writes a study."""

from collections.abc import Iterable
from functools import cache
from math import isfinite
from typing import Any

from pydantic import ValidationError

from lossgrid.studies.blocks import Block
from lossgrid.studies.document import Document
from lossgrid.studies.errors import Problem, find_close, suggest
from lossgrid.studies.expectation import describe_expected, find_schema, get_properties
from lossgrid.studies.extending import add_extends
from lossgrid.studies.schema import StudyFile


def translate(error: ValidationError, document: Document) -> list[Problem]:
    """One problem for each mistake, with the line, key and value from the document."""
    found = error.errors(include_url=False)
    misspelt = {
        (*details["loc"][:-1], meant)
        for details in found
        if details["type"] == "extra_forbidden" and (meant := find_meant(details["loc"]))
    }
    return [
        document.locate(get_location(details), describe(details))
        for details in found
        # A misspelt required key is one mistake, though pydantic finds a missing and an unknown key.
        if not (details["type"] == "missing" and details["loc"] in misspelt)
    ]


@cache
def get_schema() -> dict[str, Any]:
    return add_extends(StudyFile.model_json_schema())


def get_location(details: dict[str, Any]) -> tuple[int | str, ...]:
    location, context = details["loc"], details.get("ctx", {})
    if details["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*location, "kind")
    return (*location, *context.get("at", ()))


def describe(details: dict[str, Any]) -> str:
    location, value, context = details["loc"], details["input"], details.get("ctx", {})
    schema = find_schema(get_schema(), location)
    match details["type"]:
        case "study":
            return context["message"]
        case "missing" if isinstance(location[-1], str):
            meaning = schema.get("description", "")
            return f"missing; add {location[-1]}: {describe_expected(schema)}. {meaning}".rstrip()
        case "missing" | "too_long":
            # Only the ends of an interval have a fixed count.
            return "must be a list of 2 numbers, [low, high]"
        case "extra_forbidden":
            return describe_unknown(location)
        case "literal_error":
            options = [schema, *schema.get("anyOf", ())]
            choices = next((option["enum"] for option in options if "enum" in option), [schema.get("const")])
            return describe_choice(value, choices)
        case "union_tag_invalid":
            return describe_choice(value["kind"], schema["discriminator"]["mapping"])
        case "union_tag_not_found":
            written = find_close("kind", value)
            question = f"is it misspelt as '{written}'? " if written else ""
            return f"missing; {question}add kind: one of {', '.join(schema['discriminator']['mapping'])}"
    return f"must be {describe_expected(schema)}{describe_hint(value, schema)}"


def describe_choice(value: Any, choices: Iterable[str]) -> str:
    question = suggest(value, choices) if isinstance(value, str) else ""
    return f"unknown choice; {question}known: {', '.join(choices)}"


def describe_unknown(location: tuple[int | str, ...]) -> str:
    *above, key = location
    known = get_known_keys(tuple(above))
    question = suggest(str(key), known)
    if location[0] != "objectives":
        return f"unknown key; {question}known: {', '.join(known)}"
    if len(location) == 2:
        return f"unknown objective; {question}known: {', '.join(known)}"
    names = ", ".join(name for name in known if name not in Block.model_fields)
    return f"unknown hyper-parameter; {question}known: {names} (and {', '.join(Block.model_fields)})"


def find_meant(location: tuple[int | str, ...]) -> str | None:
    """The known key that an unknown one seems to be a misspelling of."""
    *above, key = location
    return find_close(str(key), get_known_keys(tuple(above)))


def get_known_keys(location: tuple[int | str, ...]) -> list[str]:
    return list(get_properties(get_schema(), find_schema(get_schema(), location)))


def describe_hint(value: Any, schema: dict[str, Any]) -> str:
    """The mistake behind a value of the wrong type, where it can be guessed."""
    options = [option.get("type") for option in schema.get("anyOf", [schema])]
    wants_number = "number" in options or "integer" in options
    match value:
        case None:
            return "; the value is empty, write one or remove the key"
        case bool():
            return "; true and false are no numbers" if wants_number else ""
        case dict() if "array" in options:
            return "; write each entry behind a dash"
        case dict() | list():
            return "; give one value only" if wants_number else ""
        case str() if wants_number:
            return f"; write {value} without quotes" if is_number(value) else ""
        case float() if not isfinite(value):
            return "; it must be finite"
        case float() if "integer" in options:
            return f"; write {round(value)}"
    if "array" in options and not any("prefixItems" in option for option in schema.get("anyOf", ())):
        return f"; write [{value}]"
    return "; put it in quotes" if "string" in options and not isinstance(value, str) else ""


def is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
