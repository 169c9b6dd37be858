"""A study with what it extends, as one YAML file that says the same."""

from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lossgrid.studies.document import read_document
from lossgrid.studies.extending import resolve_study
from lossgrid.studies.loading import load_study
from lossgrid.studies.yaml_core import TAG, CoreLoader

WIDTH = 110


class CoreDumper(yaml.SafeDumper):
    """Writes YAML that `CoreLoader` reads: text in quotes only where it would be read as something else."""

    yaml_implicit_resolvers = CoreLoader.yaml_implicit_resolvers


def spell_study(path: Path) -> str:
    """A study as one file: values as its files spell them, without comments, defaults and `extends`.

    Args:
        path: As for `load_study`, which reads an equal study from the text.

    Returns:
        YAML, behind a comment that names the files which it comes from, the lowest first.

    Raises:
        StudyError: As `load_study`.
    """
    load_study(path)
    resolved = resolve_study(path, read_document)
    text = yaml.serialize(
        write_out(resolved.document.root), Dumper=CoreDumper, allow_unicode=True, width=WIDTH
    )
    return f"# {', then '.join(resolved.files)}\n{text}"


def write_out(node: Node) -> Node:
    """A copy without aliases, whose scalars have the plainest style that reads back the same."""
    if isinstance(node, ScalarNode):
        text = node.value or "null" if node.tag == TAG + "null" else node.value
        return ScalarNode(node.tag, text)
    if isinstance(node, SequenceNode):
        return SequenceNode(node.tag, [write_out(child) for child in node.value], flow_style=node.flow_style)
    pairs = [(write_out(key), write_out(child)) for key, child in node.value]
    return MappingNode(node.tag, pairs, flow_style=node.flow_style)
