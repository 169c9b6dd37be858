"""Lays files one on the other, as YAML nodes, so that each value still knows the file and line it stands in."""

from collections.abc import Iterable
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode

from lossgrid.studies.document import Document, find_kind, find_pair
from lossgrid.studies.errors import Problem, suggest
from lossgrid.studies.yaml_core import TAG, find_file, find_line

EXTENDS = "extends"
OBJECTIVES = "objectives"
JUDGE = "judge"
Pairs = dict[str, tuple[Node, Node]]


@dataclass(frozen=True)
class Layer:
    """A file that is laid on others.

    Attributes:
        document: The file.
        amends: It is written to change what lies below it (an overlay, or a study that extends another), so that
            null removes an objective; in a study by itself null is an objective with its defaults.
    """

    document: Document
    amends: bool


def merge(layers: Iterable[Layer]) -> tuple[MappingNode, list[Problem]]:
    """The top-level mapping of all layers together.

    Mappings merge key by key, except that a block of an objective, a mapping of another `kind` and a judge of another
    `model` is replaced as a whole; so is everything that is no mapping.

    Args:
        layers: The files, the lowest first; at least one.

    Returns:
        The mapping, without `extends`, whose own place is that of the last file; and null for objectives that no
        layer below has.
    """
    merged: Pairs = {}
    problems: list[Problem] = []
    for layer in layers:
        root = layer.document.root
        for name, (key, above) in get_pairs(root).items():
            below = merged[name][1] if name in merged else None
            if name == OBJECTIVES:
                value = lay_objectives(below, above, layer.amends, problems)
            else:
                value = above if name == JUDGE and is_another_judge(below, above) else lay(below, above)
            merged[name] = key, value
    merged.pop(EXTENDS, None)
    return make_mapping(merged, root, root), problems


def lay(below: Node | None, above: Node) -> Node:
    """A value on the one that it changes; neither node is changed."""
    if not isinstance(below, MappingNode) or not isinstance(above, MappingNode):
        return above
    kinds = find_kind(below), find_kind(above)
    if None not in kinds and kinds[0] != kinds[1]:
        return above
    merged = get_pairs(below)
    for name, (key, value) in get_pairs(above).items():
        merged[name] = key, lay(merged[name][1] if name in merged else None, value)
    return make_mapping(merged, below, above)


def is_another_judge(below: Node | None, above: Node) -> bool:
    """Whether a judge is another model, with which neither server nor prices of the first have to do."""
    models = [find_pair(node, "model")[1] for node in (below, above)]
    return all(isinstance(model, ScalarNode) for model in models) and models[0].value != models[1].value


def lay_objectives(below: Node | None, above: Node, amends: bool, problems: list[Problem]) -> Node:
    """The blocks of the objectives on those that they replace; adds to the problems what removes nothing."""
    if not isinstance(above, MappingNode) or not isinstance(below, MappingNode | None):
        return above
    merged = get_pairs(below) if below else {}
    for name, (key, value) in get_pairs(above).items():
        if not (amends and isinstance(value, ScalarNode) and value.tag == TAG + "null"):
            merged[name] = key, value
        elif name in merged:
            del merged[name]
        else:
            message = (
                f"removes an objective that nothing below has; {suggest(name, merged)}"
                "write {} for one with its defaults"
            )
            problems.append(Problem(find_file(key), find_line(key), f"{OBJECTIVES}.{name}", "null", message))
    return make_mapping(merged, below or above, above)


def get_pairs(node: MappingNode) -> Pairs:
    """Key and value by the key's name; of a key given twice, which is a mistake, the first counts."""
    pairs: Pairs = {}
    for key, value in node.value:
        pairs.setdefault(key.value, (key, value))
    return pairs


def make_mapping(pairs: Pairs, below: MappingNode, above: MappingNode) -> MappingNode:
    in_braces = below.flow_style and above.flow_style
    return MappingNode(
        above.tag, list(pairs.values()), above.start_mark, above.end_mark, flow_style=in_braces
    )
