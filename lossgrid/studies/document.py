"""A YAML file as plain data that remembers the file and line of each key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lossgrid.studies.errors import Problem, StudyError
from lossgrid.studies.yaml_core import build, compose, find_file, find_line, spell_value


@dataclass(frozen=True)
class Document:
    """A file that was read, or several that were laid one on the other.

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
        node, file, line, key, kind_seen = self.root, find_file(self.root), 1, "", False
        for step in location:
            if isinstance(step, int):
                if isinstance(node, SequenceNode) and step < len(node.value):
                    node, key, kind_seen = node.value[step], f"{key}[{step}]", False
                    file, line = find_file(node), find_line(node)
            elif not kind_seen and step == find_kind(node):
                kind_seen = True
            else:
                key, kind_seen = f"{key}.{step}" if key else step, False
                key_node, node = find_pair(node, step)
                if key_node:
                    file, line = find_file(key_node), find_line(key_node)
        return Problem(file, line, key, spell_value(node) if node and key else "", message)


def read_document(path: Path) -> Document:
    """Read a YAML file whose top level is a mapping.

    Raises:
        StudyError: The file cannot be read as such; the message names the file, the line and the fix.
    """
    text = read_text(path)
    try:
        root = compose(text, str(path))
    except yaml.YAMLError as error:
        raise StudyError(describe_syntax_error(path, text, error)) from None
    if root is None or root.value == []:
        raise StudyError(f"{path}:1: the file is empty; write title, world, sft, training and objectives")
    if not isinstance(root, MappingNode):
        raise StudyError(
            f"{path}:{find_line(root)}: {spell_value(root)}: the top level must be a mapping of keys such as "
            "title and objectives; write `key: value` lines"
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


def describe_syntax_error(path: Path, text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        position = getattr(error, "position", 0)
        line = text[:position].count("\n") + 1
        return f"{path}:{line}: not YAML: contains a control character; remove it"
    # A quote or bracket that is never closed is noticed at the end of the file, but is where it was opened.
    context = getattr(error, "context", None) or ""
    if "quoted scalar" in context or "flow" in context:
        mark = error.context_mark
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
        f"{path}:{line}: not YAML: {reason} at column {mark.column + 1}; check the quotes, brackets, colons "
        "and indentation in this line and the one above"
    )


def find_pair(node: Node | None, key: str) -> tuple[Node | None, Node | None]:
    for key_node, value_node in node.value if isinstance(node, MappingNode) else ():
        if key_node.value == key:
            return key_node, value_node
    return None, None


def find_kind(node: Node | None) -> str | None:
    kind = find_pair(node, "kind")[1]
    return kind.value if isinstance(kind, ScalarNode) else None
