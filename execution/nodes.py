"""The nodes of the cluster's partitions: their features, GPUs and memory."""

import re
from dataclasses import dataclass

from execution.queue import call

# No model: Slurm was told how many GPUs a node has, and not which.
ANY = ""


@dataclass(frozen=True)
class Nodes:
    """Nodes of one partition that are alike.

    Attributes:
        partition: Its name.
        features: What a constraint may ask for.
        gpus: How many GPUs each node has, by model.
        memory_mb: Of each node, as sbatch counts it.
    """

    partition: str
    features: frozenset[str]
    gpus: tuple[tuple[str, int], ...]
    memory_mb: int

    def count_gpus(self, model: str | None) -> int:
        """GPUs of one node, of a model or of any."""
        return sum(number for name, number in self.gpus if model in (None, name))


def read_nodes() -> tuple[Nodes, ...]:
    """The nodes that sinfo shows, hidden partitions included.

    Raises:
        QueueError: sinfo failed.
    """
    # Without --exact it would show nodes of different memory as one, with the least of them and a +.
    lines = call("sinfo", "--all", "--exact", "--noheader", "--format", "%R|%m|%G|%f").splitlines()
    found = []
    for line in lines:
        partition, memory, gpus, features = (*line.split("|", 3), "", "", "")[:4]
        number = re.match(r"\d+", memory)
        # A partition without nodes has none.
        if number and int(number[0]):
            known = frozenset(features.split(",")) - {"(null)", ""}
            found.append(Nodes(partition, known, read_gpus(gpus), int(number[0])))
    return tuple(found)


def read_gpus(resources: str) -> tuple[tuple[str, int], ...]:
    """The GPUs among a node's generic resources, such as `gpu:a100:8(S:0-1),nic:2`.

    Returns:
        How many there are of each model.
    """
    found = {}
    # Which sockets they belong to stands in brackets, with commas of its own; so does `(null)`.
    for resource in re.sub(r"\([^)]*\)", "", resources).split(","):
        name, *about = resource.split(":")
        count = about.pop() if about and about[-1].isdigit() else "1"
        model = next((part for part in about if part != "no_consume"), ANY)
        if name == "gpu":
            found[model] = found.get(model, 0) + int(count)
    return tuple(sorted(found.items()))


def read_features(constraint: str) -> list[str]:
    """The features that a constraint such as `(a|b)&c*2` names."""
    words = re.split(r"[&|,()\[\]]", constraint)
    return [feature for word in words if (feature := word.partition("*")[0].strip("! "))]
