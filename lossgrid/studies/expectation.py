"""What the schema expects of a value, in words: for the error messages and for the reference alike."""

from typing import Any

TYPES = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "object": "a mapping of keys",
    "null": "null",
}
PLURALS = {"number": "numbers", "integer": "whole numbers"}
LIMITS = {
    "exclusiveMinimum": "above {}",
    "minimum": "of at least {}",
    "exclusiveMaximum": "below {}",
    "maximum": "at most {}",
}


def find_schema(root: dict[str, Any], location: tuple[int | str, ...]) -> dict[str, Any]:
    """The JSON schema of the value at a location, as pydantic counts it; empty where there is none.

    Args:
        root: JSON schema of the whole.
        location: Keys, indices, and the kind of each discriminated value on the way.
    """
    node = root
    for step in location:
        node = resolve(root, node)
        options = [resolve(root, option) for option in node.get("anyOf", [node])]
        if isinstance(step, int):
            node = next((option for option in options if {"items", "prefixItems"} & set(option)), {})
            items = node.get("prefixItems", [])
            node = items[step] if step < len(items) else node.get("items", {})
        elif step in node.get("discriminator", {}).get("mapping", {}):
            node = {"$ref": node["discriminator"]["mapping"][step]}
        else:
            node = get_properties(root, node).get(step, {})
    return resolve(root, node)


def get_properties(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The keys of a mapping, also where the mapping is one of several things that a value may be."""
    options = [resolve(root, option) for option in schema.get("anyOf", [schema])]
    return next((option["properties"] for option in options if "properties" in option), {})


def describe_expected(schema: dict[str, Any]) -> str:
    """What a value must be, such as "a whole number of at least 8 (tokens)"."""
    text = describe_type(schema)
    unit = f" ({schema['unit']})" if "unit" in schema else ""
    return text + unit


def describe_type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(describe_type(option) for option in schema["anyOf"])
    return " ".join(filter(None, [describe_base(schema), describe_limits(schema)]))


def describe_base(schema: dict[str, Any]) -> str:
    """The type of a value without its limits."""
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "discriminator" in schema:
        return "a mapping with a kind: " + ", ".join(schema["discriminator"]["mapping"])
    if "prefixItems" in schema:
        return f"a list of {len(schema['prefixItems'])} numbers"
    if schema.get("type") == "array" and schema["items"].get("type") in PLURALS:
        return f"a list of {PLURALS[schema['items']['type']]}"
    return {"array": "a list", **TYPES}.get(schema.get("type", "object"), TYPES["object"])


def describe_limits(schema: dict[str, Any]) -> str:
    """The range of a value, empty where everything of its type will do."""
    if "pattern" in schema:
        return f"matching {schema['pattern'].strip('^$')}"
    if schema.get("minLength"):
        return "that is not empty"
    if schema.get("minItems") and "prefixItems" not in schema:
        return "that is not empty"
    return " and ".join(
        words.format(spell_limit(schema[key])) for key, words in LIMITS.items() if key in schema
    )


def spell_limit(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def resolve(root: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The node itself, or the definition that it refers to with what the node adds."""
    if "$ref" not in node:
        return node
    definition = root["$defs"][node["$ref"].rpartition("/")[2]]
    return {**definition, **{key: value for key, value in node.items() if key != "$ref"}}
