"""What pydantic finds wrong, in the words of somebody who writes a study."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import ValidationError

from lossgrid.studies.blocks import Block
from lossgrid.studies.document import Document
from lossgrid.studies.errors import Problem, suggest
from lossgrid.studies.expectation import describe_expected, find_schema
from lossgrid.studies.schema import StudyFile


def translate(error: ValidationError, document: Document) -> list[Problem]:
    """One problem for each mistake, with the line, key and value from the document."""
    found = error.errors(include_url=False)
    misspelt = {
        (*details["loc"][:-1], suggested)
        for details in found
        if details["type"] == "extra_forbidden" and (suggested := find_meant(details["loc"]))
    }
    return [
        document.locate(get_location(details), describe(details))
        for details in found
        # A misspelt required key is one mistake, though pydantic finds a missing and an unknown key.
        if not (details["type"] == "missing" and details["loc"] in misspelt)
    ]


@cache
def get_schema() -> dict[str, Any]:
    return StudyFile.model_json_schema()


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
        case "missing":
            return f"missing; add it: {describe_expected(schema)}. {schema.get('description', '')}".rstrip()
        case "extra_forbidden":
            return describe_unknown(location)
        case "literal_error":
            choices = schema["enum"] if "enum" in schema else [schema.get("const")]
            return describe_choice(value, choices)
        case "union_tag_invalid":
            return describe_choice(value["kind"], schema["discriminator"]["mapping"])
        case "union_tag_not_found":
            kinds = ", ".join(schema["discriminator"]["mapping"])
            return f"missing; add kind: one of {kinds}"
    return f"must be {describe_expected(schema)}{describe_hint(value, schema)}"


def describe_choice(value: Any, choices: Iterable[str]) -> str:
    question = suggest(value, choices) if isinstance(value, str) else ""
    return f"unknown choice; {question}known: {', '.join(choices)}"


def describe_unknown(location: tuple[int | str, ...]) -> str:
    *above, key = location
    known = list(find_schema(get_schema(), tuple(above)).get("properties", ()))
    question = suggest(str(key), known)
    noun, also = "key", ""
    if location[0] == "objectives":
        noun = "objective" if len(location) == 2 else "hyper-parameter"
    if noun == "hyper-parameter":
        also = f" (and {', '.join(Block.model_fields)})"
        known = [name for name in known if name not in Block.model_fields]
    return f"unknown {noun}; {question}known: {', '.join(known)}{also}"


def find_meant(location: tuple[int | str, ...]) -> str | None:
    *above, key = location
    known = find_schema(get_schema(), tuple(above)).get("properties", ())
    question = suggest(str(key), known)
    return question.split("'")[1] if question else None


def describe_hint(value: Any, schema: dict[str, Any]) -> str:
    """The mistake behind a value of the wrong type, where it can be guessed."""
    wants_number = schema.get("type") in ("number", "integer") or "anyOf" in schema
    if isinstance(value, bool):
        return "; true and false are no numbers" if wants_number else ""
    if isinstance(value, str) and wants_number:
        try:
            float(value)
        except ValueError:
            return ""
        return f"; write {value} without quotes"
    if isinstance(value, dict | list) and wants_number:
        return "; give one value only"
    if value is None:
        return "; the value is empty, write one or remove the key"
    if schema.get("type") == "array" and not isinstance(value, list | tuple):
        return f"; write [{value}]"
    if schema.get("type") == "string" and not isinstance(value, str):
        return "; put it in quotes"
    return ""
