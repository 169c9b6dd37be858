"""Studies that extend others: which files a study is made of, and what they amount to together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml.nodes import ScalarNode, SequenceNode

from lossgrid.studies.document import Document, find_pair
from lossgrid.studies.errors import Mistake, StudyError, find_nearest
from lossgrid.studies.folder import OVERLAYS, is_overlay, list_names
from lossgrid.studies.layers import EXTENDS, Layer, merge
from lossgrid.studies.yaml_core import TAG, build

Read = Callable[[Path], Document]
_EXAMPLE = f"write {EXTENDS}: mini, or a list such as [mini, {OVERLAYS}/shrink]"


@dataclass(frozen=True)
class Resolved:
    """A study with what it extends.

    Attributes:
        document: All files together, without `extends`.
        files: Paths of the files, the lowest first.
        readers: By the path of each file: the file that extends it, and so on to the study itself, whose own are
            none.
    """

    document: Document
    files: tuple[str, ...]
    readers: Mapping[str, tuple[str, ...]]


def resolve_study(path: Path, read: Read) -> Resolved:
    """Read a study and lay it on what it extends.

    Args:
        path: File of the study; the names of what it extends count from its folder.
        read: Reads one file; `read_document`, or what remembers the files that it has read.

    Raises:
        StudyError: A file cannot be read, extends itself, or names nothing that is there.
    """
    layers: dict[Path, Layer] = {}
    readers: dict[str, tuple[str, ...]] = {}
    collect_layers(path, path.parent, (), read, layers, readers)
    files = tuple(map(str, layers))
    if len(layers) == 1:
        return Resolved(layers[path].document, files, readers)
    root, problems = merge(layers.values())
    problems += [problem for layer in layers.values() for problem in layer.document.problems]
    return Resolved(Document(build(root, "", (), []), root, tuple(problems)), files, readers)


def collect_layers(
    path: Path,
    folder: Path,
    above: tuple[Path, ...],
    read: Read,
    layers: dict[Path, Layer],
    readers: dict[str, tuple[str, ...]],
) -> None:
    """Add a file behind all that it extends, each once: what two files extend is not laid on either of them.

    Args:
        path: The file.
        folder: Folder of the study being read.
        above: The file that extends this one, and so on to the study.
        read: As for `resolve_study`.
        layers: Gets the layers by path, the lowest first.
        readers: As in `Resolved`.
    """
    if path in layers:
        return
    readers.setdefault(str(path), tuple(map(str, above)))
    try:
        document = read(path)
        bases = find_bases(document, folder)
    except StudyError as error:
        raise StudyError(*(Mistake(each.line, readers[str(path)]) for each in error.mistakes)) from None
    line, before = (path, *above), set(layers)
    for index, base in enumerate(bases):
        if base in line:
            raise describe_cycle(line[: line.index(base) + 1], folder, read, readers)
        if base in layers and base not in before:
            message = "already lies below what stands to its left, which extends it; remove it here"
            problem = document.locate((EXTENDS, index), message)
            raise StudyError(Mistake(problem.describe(), readers[str(path)]))
        collect_layers(base, folder, line, read, layers, readers)
    layers[path] = Layer(document, amends=bool(bases) or is_overlay(path))


def find_bases(document: Document, folder: Path) -> list[Path]:
    """The files that a file says it extends, in its order.

    Raises:
        StudyError: `extends` is no name or list of names, or names something twice or that is not there.
    """
    key, value = find_pair(document.root, EXTENDS)
    if key is None:
        return []
    nodes = value.value if isinstance(value, SequenceNode) else [value]
    if not nodes:
        raise StudyError(document.locate((EXTENDS,), f"names nothing; {_EXAMPLE}").describe())
    known, names, lines = list_names(folder), [], []
    for index, node in enumerate(nodes):
        if not isinstance(node, ScalarNode) or node.tag != TAG + "str":
            message = f"is no name of a study or overlay; {_EXAMPLE}"
        elif node.value not in known:
            message = describe_unknown_name(node.value, folder, known)
        elif node.value in names:
            message = "stands in this list twice; keep one"
        else:
            names.append(node.value)
            continue
        lines.append(document.locate((EXTENDS, index), message).describe())
    if lines:
        raise StudyError(*lines)
    return [get_path(folder, name) for name in names]


def describe_unknown_name(name: str, folder: Path, known: list[str]) -> str:
    if not known:
        return f"no such file in {folder}/, which holds no study"
    return (
        f"no such study or overlay in {folder}/; the nearest is {find_nearest(name, known)}; "
        f"known: {', '.join(known)}"
    )


def get_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.yaml"


def get_name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def describe_cycle(
    members: tuple[Path, ...], folder: Path, read: Read, readers: Mapping[str, tuple[str, ...]]
) -> StudyError:
    """The error about files that extend each other, the same from whichever of them it is found.

    Args:
        members: Each file with the one that extends it behind it; the last is extended by the first.
        folder: Folder of the study being read.
        read: As for `resolve_study`.
        readers: As in `Resolved`.
    """
    order = members[::-1]
    first = order.index(min(order))
    chain = [*order[first:], *order[:first]]
    last = read(chain[-1])
    names = [get_name(folder, path) for path in (*chain, chain[0])]
    nodes = find_pair(last.root, EXTENDS)[1]
    index = next(
        (index for index, node in enumerate(nodes.value) if node.value == names[-1])
        if isinstance(nodes, SequenceNode)
        else iter([0])
    )
    message = f"extends itself: {' → '.join(names)}; remove one of these"
    line = last.locate((EXTENDS, index), message).describe()
    return StudyError(Mistake(line, readers[str(chain[-1])]))


def add_extends(schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a study as it is written: that of the whole, with the key `extends`."""
    name = {"type": "string", "minLength": 1}
    extends = {
        "anyOf": [name, {"type": "array", "items": name, "minItems": 1, "uniqueItems": True}],
        "description": (
            f"Files below `studies/`, without `.yaml`, on which this one is laid, the first lowest: studies, or "
            f"overlays such as `{OVERLAYS}/shrink`. What this one says counts, and what it leaves out is theirs."
        ),
    }
    return {**schema, "properties": {EXTENDS: extends, **schema["properties"]}}
