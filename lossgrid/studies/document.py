"""A YAML file as plain data that remembers the line of each key.

The scalars are those of YAML 1.2: PyYAML's own rules read ``5e-7`` as text, ``no`` as false, ``1:30`` as 90
and silently keep the last of two equal keys.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lossgrid.studies.errors import Problem, StudyError

LONGEST_VALUE = 60
TAG = "tag:yaml.org,2002:"
WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class Document:
    """A file that was read.

    Attributes:
        data: Its content: dicts with text keys, lists, text, numbers, booleans and None.
        root: The YAML nodes that the content came from.
        problems: Mistakes that leave the rest readable, such as a key given twice.
    """

    data: dict[str, Any]
    root: MappingNode
    problems: tuple[Problem, ...]

    def locate(self, location: tuple[int | str, ...], message: str) -> Problem:
        """The problem of the value at a location, as the schema counts it.

        Args:
            location: Keys and list indices from the top. An index into a value that stands alone (the schema
                reads it as a list of one) and the kind of a claim or world are passed over. The last keys may
                be missing from the file.
            message: What is wrong and how to fix it.
        """
        node, line, key, kind_seen = self.root, 1, "", False
        for step in location:
            if isinstance(step, int):
                if isinstance(node, SequenceNode) and step < len(node.value):
                    node, key, kind_seen = node.value[step], f"{key}[{step}]", False
                    line = find_line(node)
            elif not kind_seen and step == find_kind(node):
                kind_seen = True
            else:
                key, kind_seen = f"{key}.{step}" if key else step, False
                key_node, node = find_pair(node, step)
                line = find_line(key_node) if key_node else line
        return Problem(line, key, spell_value(node) if node and key else "", message)


def read_document(path: Path) -> Document:
    """Read a YAML file whose top level is a mapping.

    Raises:
        StudyError: The file cannot be read as such; the message names the file, the line and the fix.
    """
    text = read_text(path)
    try:
        root = yaml.compose(text, Loader=CoreLoader)
    except yaml.YAMLError as error:
        raise StudyError(describe_syntax_error(path, text, error)) from None
    if root is None:
        raise StudyError(
            f"{path}:1: the file is empty; write at least title, world, sft, training, objectives"
        )
    if not isinstance(root, MappingNode):
        raise StudyError(
            f"{path}:{find_line(root)}: {spell_value(root)}: the top level must be a mapping of keys such as title"
            " and objectives; write `key: value` lines"
        )
    problems: list[Problem] = []
    try:
        data = build(root, "", (), problems)
    except StudyError as error:
        raise StudyError(f"{path}:{error}") from None
    return Document(data, root, tuple(problems))


def read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise StudyError(
            f"{path}: no such file; check the path, studies lie in studies/<name>.yaml"
        ) from None
    except IsADirectoryError:
        raise StudyError(f"{path}: is a directory; name a file such as {path / 'mini.yaml'}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StudyError(
            f"{path}:{line}: byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


class CoreLoader(yaml.SafeLoader):
    """Parses YAML and resolves plain scalars as the core schema of YAML 1.2 does."""

    yaml_implicit_resolvers: dict = {}


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
        path = f"{key}.{name}" if key else name
        value = build(child, path, (*above, node), problems)
        if name in content:
            message = f"the key is already given in line {lines[name]}; keep one of the two"
            problems.append(Problem(find_line(key_node), path, spell_value(child), message))
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


def describe_syntax_error(path: Path, text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        position = getattr(error, "position", 0)
        line = text[:position].count("\n") + 1
        return f"{path}:{line}: not YAML: contains a control character; remove it"
    line = mark.line + 1
    problem = getattr(error, "problem", "") or ""
    if "'\\t'" in problem:
        return f"{path}:{line}: not YAML: a tab stands where YAML wants spaces; replace the tab by spaces"
    if "another document" in problem or "but found another" in problem:
        return (
            f"{path}:{line}: a second document begins here; keep one study a file and remove the `---` line"
        )
    reason = problem.replace("\n", " ") or "the text cannot be parsed"
    return (
        f"{path}:{line}: not YAML: {reason} at column {mark.column + 1}; check the quotes, brackets, colons and "
        "indentation in this line and the one above"
    )


def find_line(node: Node) -> int:
    return node.start_mark.line + 1


def find_pair(node: Node | None, key: str) -> tuple[Node | None, Node | None]:
    for key_node, value_node in node.value if isinstance(node, MappingNode) else ():
        if key_node.value == key:
            return key_node, value_node
    return None, None


def find_kind(node: Node | None) -> str | None:
    kind = find_pair(node, "kind")[1]
    return kind.value if isinstance(kind, ScalarNode) else None


def spell_value(node: Node, shorten: bool = True) -> str:
    """A value as a reader of the file knows it, on one line and not longer than 60 characters."""
    if isinstance(node, ScalarNode):
        text = repr(node.value) if node.tag == TAG + "str" else node.value or "null"
    elif isinstance(node, SequenceNode):
        text = "[" + ", ".join(spell_value(child, shorten=False) for child in node.value[:20]) + "]"
    else:
        text = "{" + ", ".join(f"{key.value}: …" for key, _ in node.value[:20]) + "}"
    return text[: LONGEST_VALUE - 1] + "…" if shorten and len(text) > LONGEST_VALUE else text
