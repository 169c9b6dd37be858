"""The JSON schemas that editors check studies and overlays with."""

from typing import Any

from lossgrid.studies.extending import add_extends
from lossgrid.studies.layers import EXTENDS, OBJECTIVES
from lossgrid.studies.schema import StudyFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def build_written_schema() -> Schema:
    """The schema of a study as it is written, for one that extends nothing: what is required must be there."""
    return {"$schema": DIALECT, **add_extends(StudyFile.model_json_schema())}


def build_study_schema() -> Schema:
    """The schema of a study that may extend others, where all may be left out that a layer below may say."""
    whole = build_written_schema()
    definitions = whole.pop("$defs")
    del whole["$schema"]
    parts: dict[str, Schema] = {}
    # A block of an objective is replaced as a whole.
    part = loosen(whole, definitions, parts, kept=(OBJECTIVES,))
    part["description"] = "An overlay, or a study that extends others: what it leaves out is theirs."
    return {
        "$schema": DIALECT,
        "$defs": {**definitions, **parts, "Study": whole, "Extension": part},
        "title": whole["title"],
        "description": whole["description"],
        "if": {"required": [EXTENDS]},
        "then": {"$ref": "#/$defs/Extension"},
        "else": {"$ref": "#/$defs/Study"},
    }


def build_overlay_schema() -> Schema:
    """The schema of an overlay, which refers to that of studies in the same folder."""
    return {"$schema": DIALECT, "title": "Overlay", "$ref": "study.schema.json#/$defs/Extension"}


def loosen(
    schema: Schema, definitions: dict[str, Schema], parts: dict[str, Schema], kept: tuple[str, ...] = ()
) -> Schema:
    """The schema of a value that is laid on another of its kind; lists are replaced, and so are left alone.

    Args:
        schema: Schema of the whole value.
        definitions: What its references refer to.
        parts: Gets the loosened definitions, by the whole one's name with `Part` behind it.
        kept: Keys whose values are left alone.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        loose = loosen(definitions[name], definitions, parts)
        if loose == definitions[name]:
            return schema
        parts[f"{name}Part"] = loose
        return {**schema, "$ref": f"#/$defs/{name}Part"}
    schema = dict(schema)
    schema.pop("required", None)
    if "properties" in schema:
        schema["properties"] = {
            key: value if key in kept else loosen(value, definitions, parts)
            for key, value in schema["properties"].items()
        }
    # Without the kind, which may be given below, a value can fit several of the kinds.
    schema.pop("discriminator", None)
    options = schema.pop("oneOf", None) or schema.pop("anyOf", None)
    if options:
        schema["anyOf"] = [loosen(option, definitions, parts) for option in options]
    return schema
