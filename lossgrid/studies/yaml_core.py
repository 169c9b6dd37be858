"""YAML 1.2 scalars, from PyYAML's parser.

PyYAML's own rules are those of YAML 1.1: ``5e-7`` is text, ``no`` is false, ``1:30`` is 90, and of two equal
keys the last wins silently.
"""

import re
from typing import Any, ClassVar

import yaml
from yaml.nodes import Node, ScalarNode, SequenceNode

from lossgrid.studies.errors import Problem, StudyError

LONGEST_VALUE = 60
TAG = "tag:yaml.org,2002:"
WORDS = {"true": True, "false": False}


class CoreLoader(yaml.SafeLoader):
    """Parses YAML and resolves plain scalars as the core schema of YAML 1.2 does."""

    yaml_implicit_resolvers: ClassVar[dict] = {}


def compose(text: str, name: str) -> Node | None:
    """The nodes of a YAML text, each of which knows the file's name; None for an empty text.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    loader = CoreLoader(text)
    loader.name = name
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


NUMBER_START = list("-+0123456789.")
CoreLoader.add_implicit_resolver(TAG + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
CoreLoader.add_implicit_resolver(
    TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
CoreLoader.add_implicit_resolver(TAG + "int", re.compile(r"^[-+]?[0-9]+$"), NUMBER_START)
CoreLoader.add_implicit_resolver(
    TAG + "float",
    re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    NUMBER_START,
)


def build(node: Node, key: str, above: tuple[Node, ...], problems: list[Problem]) -> Any:
    """The plain value of a node; keys given twice keep their first value and are added to the problems."""
    if any(node is ancestor for ancestor in above):
        raise StudyError(f"{find_line(node)}: {key}: contains itself through an alias; write the values out")
    if isinstance(node, ScalarNode):
        return build_scalar(node, key)
    if node.tag not in (TAG + "map", TAG + "seq"):
        raise unknown_tag(node, key)
    if isinstance(node, SequenceNode):
        return [build(child, f"{key}[{i}]", (*above, node), problems) for i, child in enumerate(node.value)]
    content, lines = {}, {}
    for key_node, child in node.value:
        if not isinstance(key_node, ScalarNode):
            raise StudyError(f"{find_line(key_node)}: {key}: a key must be a word; write `key: value`")
        name = key_node.value
        if name == "<<":
            raise StudyError(
                f"{find_line(key_node)}: {key}: merge keys (<<) are not read; write the values out"
            )
        path = f"{key}.{name}" if key else name
        value = build(child, path, (*above, node), problems)
        if name in content:
            message = f"the key is already given in line {lines[name]}; keep one of the two"
            problems.append(
                Problem(find_file(key_node), find_line(key_node), path, spell_value(child), message)
            )
        else:
            content[name], lines[name] = value, find_line(key_node)
    return content


def build_scalar(node: ScalarNode, key: str) -> str | int | float | bool | None:
    text = node.value
    try:
        match node.tag.removeprefix(TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return WORDS[text.lower()]
            case "int":
                return int(text)
            case "float":
                return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    except (ValueError, KeyError):
        pass
    raise unknown_tag(node, key)


def unknown_tag(node: Node, key: str) -> StudyError:
    tag = node.tag.replace(TAG, "!!")
    return StudyError(
        f"{find_line(node)}: {key}: {spell_value(node)}: cannot be read as {tag}; remove the tag and write a "
        "plain number, text, list or mapping"
    )


def find_file(node: Node) -> str:
    return node.start_mark.name


def find_line(node: Node) -> int:
    return node.start_mark.line + 1


def spell_value(node: Node, shorten: bool = True) -> str:
    """A value as a reader of the file knows it, on one line and not longer than 60 characters."""
    if isinstance(node, ScalarNode):
        text = repr(node.value) if node.tag == TAG + "str" else node.value or "null"
    elif isinstance(node, SequenceNode):
        text = "[" + ", ".join(spell_value(child, shorten=False) for child in node.value[:20]) + "]"
    else:
        text = "{" + ", ".join(f"{key.value}: …" for key, _ in node.value[:20]) + "}"
    return text[: LONGEST_VALUE - 1] + "…" if shorten and len(text) > LONGEST_VALUE else text
