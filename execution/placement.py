"""Where each job goes on a cluster: partition, account, GPUs, and the time that the partition allows."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from execution.partitions import Partition, get_most_minutes
from execution.site import GpuMemory, Site


class Need(Protocol):
    """What a job needs, whatever the cluster."""

    gpus: int
    gpu_memory_gb: float
    runtime: int


class Placement:
    """The resources of one rule's jobs that Slurm has to know, as functions that Snakemake calls.

    Args:
        need: What the job of given wildcards needs at a given attempt.
        site: What is particular about the cluster.
        partitions: The limits of the partitions, by name; one that is not among them has none.
    """

    def __init__(self, need: Callable[..., Need], site: Site, partitions: dict[str, Partition]):
        self.need, self.site, self.partitions = need, site, partitions

    def get_slurm_account(self, wildcards) -> str:
        """Who is charged."""
        return self.site.account

    def get_slurm_partition(self, wildcards, attempt) -> str:
        """By whether a GPU is needed."""
        names = self.site.partitions
        return names.gpu if self.need(wildcards, attempt).gpus else names.cpu

    def get_runtime(self, wildcards, attempt) -> int:
        """Minutes, at most what the partition allows: a job that asks for more would wait for ever.

        Training goes on from its checkpoint at the next attempt.
        """
        wanted = self.need(wildcards, attempt).runtime
        most = get_most_minutes(self.get_slurm_partition(wildcards, attempt), self.partitions)
        return min(wanted, most) if most else wanted

    def get_nodes(self, wildcards, attempt) -> int:
        """As many as hold the GPUs."""
        return max(1, -(-self.need(wildcards, attempt).gpus // self.site.gpus_per_node))

    def get_mpi(self, wildcards, attempt) -> str | None:
        """For jobs of several nodes: the job itself starts a step on each, and the plugin none around it."""
        return "srun" if self.get_nodes(wildcards, attempt) > 1 else None

    def get_tasks(self, wildcards, attempt) -> int | None:
        """One on each of several nodes."""
        nodes = self.get_nodes(wildcards, attempt)
        return nodes if nodes > 1 else None

    def get_tasks_per_gpu(self, wildcards, attempt) -> int | None:
        """None: the launcher on each node starts the processes of its GPUs."""
        return 0 if self.get_nodes(wildcards, attempt) > 1 else None

    def get_gpu_model(self, wildcards, attempt) -> str | None:
        """The site's, for jobs with GPUs."""
        return self.site.gpu_model if self.need(wildcards, attempt).gpus else None

    def get_cpus_per_gpu(self, wildcards, attempt) -> int | None:
        """The site's, for jobs with GPUs."""
        return self.site.cpus_per_gpu if self.need(wildcards, attempt).gpus else None

    def get_constraint(self, wildcards, attempt) -> str | None:
        """The nodes with the smallest GPUs that suffice, and with larger ones at every further attempt."""
        need = self.need(wildcards, attempt)
        kind = choose_kind(self.site.kinds, need.gpu_memory_gb, attempt) if need.gpus else None
        return kind.constraint if kind else None

    def get_qos(self, wildcards) -> str | None:
        """The site's."""
        return self.site.qos

    def get_tmpdir(self, wildcards) -> str | None:
        """The site's scratch."""
        return self.site.scratch


PLACED = (
    "slurm_account", "slurm_partition", "runtime", "nodes", "mpi", "tasks", "tasks_per_gpu", "gpu_model",
    "cpus_per_gpu", "constraint", "qos",
)  # fmt: skip


def place_rules(
    rules: Iterable,
    get_need: Callable[[str], Callable[..., Need]],
    site: Site,
    partitions: dict[str, Partition],
    chosen: Mapping[str, Collection[str]],
) -> None:
    """Give every rule what Slurm has to know of its jobs.

    Args:
        rules: Snakemake's rules.
        get_need: What the jobs of a rule need, by its name.
        site: What is particular about the cluster.
        partitions: The limits of its partitions, by name.
        chosen: Names of the resources that the user set on the command line, by rule: they stay.
    """
    for rule in rules:
        placement = Placement(get_need(rule.name), site, partitions)
        for name in (*PLACED, *(["tmpdir"] if site.scratch else [])):
            if name not in chosen.get(rule.name, ()):
                rule.resources[name] = getattr(placement, f"get_{name}")


def choose_kind(kinds: tuple[GpuMemory, ...], needed_gb: float, attempt: int) -> GpuMemory | None:
    """The kind of GPU for a job.

    Args:
        kinds: What there is, smallest first.
        needed_gb: What the job is expected to need on one GPU.
        attempt: Counted from 1; after a failure the estimate may have been too low, and the next larger is taken.

    Returns:
        The largest where none suffices, None where the site names no kinds.
    """
    if not kinds:
        return None
    first = next((place for place, kind in enumerate(kinds) if kind.gb >= needed_gb), len(kinds) - 1)
    return kinds[min(first + attempt - 1, len(kinds) - 1)]
