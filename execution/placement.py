"""Where each job goes on a cluster: partition, account, nodes, GPUs, and the time and memory that there are."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from snakemake.resources import Resource

from execution.division import divide, suggest_gpus
from execution.partitions import Partition, get_most_mb, get_most_minutes
from execution.scratch import expand_scratch
from execution.site import GpuMemory, Site, SiteError

# The rules whose jobs start a server of their own.
SERVED = ("judge_responses", "ask_judge_card")


class Need(Protocol):
    """What a job needs, whatever the cluster."""

    gpus: int
    gpu_memory_gb: float
    mem_mb: int
    runtime: int


class Placement:
    """The resources of one rule's jobs that Slurm has to know, as functions that Snakemake calls.

    Args:
        need: What the job of given wildcards needs at a given attempt.
        site: What is particular about the cluster.
        partitions: The limits of the partitions, by name; one that is not among them has none.
        name: Of the rule.
        extra: Snakemake's resource of further options of sbatch, such as a profile gives to all rules; they stay.
        say: Gets a line for each study whose jobs need a GPU that is larger than any.
    """

    def __init__(
        self,
        need: Callable[..., Need],
        site: Site,
        partitions: dict[str, Partition],
        name: str = "",
        extra: Resource | None = None,
        say: Callable[[str], None] | None = None,
    ):
        self.need, self.site, self.partitions = need, site, partitions
        self.name, self.extra, self.say, self.warned = name, extra, say, set()

    def get_slurm_account(self, wildcards) -> str:
        """Who is charged."""
        return self.site.account

    def get_slurm_partition(self, wildcards, attempt) -> str:
        """By whether a GPU is needed."""
        names = self.site.partitions
        return names.gpu if self.need(wildcards, attempt).gpus else names.cpu

    def get_runtime(self, wildcards, attempt) -> int:
        """Minutes, at most what partition and site allow: a job that asks for more would wait for ever.

        Training goes on from its checkpoint at the next attempt.
        """
        most = get_most_minutes(self.get_slurm_partition(wildcards, attempt), self.partitions)
        limits = [limit for limit in (most, self.site.max_runtime) if limit is not None]
        return min([self.need(wildcards, attempt).runtime, *limits])

    def get_mem_mb(self, wildcards, attempt) -> int:
        """MB of each node, at most what the largest has: a job that asks for more is refused."""
        wanted = -(-self.need(wildcards, attempt).mem_mb // self.get_nodes(wildcards, attempt))
        partition = self.get_slurm_partition(wildcards, attempt)
        most = get_most_mb(partition, self.partitions, self.get_constraint(wildcards, attempt))
        return wanted if most is None else min(wanted, most)

    def get_nodes(self, wildcards, attempt) -> int:
        """As few as hold the GPUs, and on each as many.

        Raises:
            SiteError: They cannot be divided.
        """
        gpus, per_node = self.need(wildcards, attempt).gpus, self.site.gpus_per_node
        nodes, of_nodes = divide(gpus, per_node), f"{per_node} GPUs (slurm/site.yaml: gpus_per_node)"
        if self.name in SERVED and gpus > per_node:
            raise SiteError(
                f"study {wildcards.study}: judge.gpus: {gpus}: a judge's server runs on one node, and a node has "
                f"{of_nodes}; write {per_node} or less"
            )
        if nodes is None:
            lower, upper = suggest_gpus(gpus, per_node)
            raise SiteError(
                f"study {wildcards.study}: training.processes: {gpus}: cannot be divided evenly among nodes of "
                f"{of_nodes}; write {lower} or {upper}"
            )
        return nodes

    def get_slurm_extra(self, wildcards, attempt) -> str | None:
        """For jobs of several nodes: as many GPUs on each, where Slurm would fill one before the other."""
        nodes = self.get_nodes(wildcards, attempt)
        model = f"{self.site.gpu_model}:" if self.site.gpu_model else ""
        gpus = self.need(wildcards, attempt).gpus // nodes
        given = self.extra.evaluate(wildcards, attempt=attempt).value if self.extra else None
        options = [given, f"--gpus-per-node={model}{gpus}" if nodes > 1 else None]
        return " ".join(filter(None, options)) or None

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
        if kind and kind.gb < need.gpu_memory_gb and self.say and wildcards.study not in self.warned:
            self.warned.add(wildcards.study)
            self.say(
                f"study {wildcards.study}: {self.name}: needs {need.gpu_memory_gb:g} GB on a GPU by the estimate, "
                f"and the largest have {kind.gb} GB (slurm/site.yaml: gpu_memory); its jobs may run out of "
                "it: choose a smaller batch, a smaller model or more sharding"
            )
        return kind.constraint if kind else None

    def get_qos(self, wildcards) -> str | None:
        """The site's."""
        return self.site.qos

    def get_tmpdir(self, wildcards) -> str:
        """The site's scratch, on this node."""
        return expand_scratch(self.site.scratch)


PLACED = (
    "slurm_account", "slurm_partition", "runtime", "mem_mb", "nodes", "slurm_extra", "mpi", "tasks", "tasks_per_gpu",
    "gpu_model", "cpus_per_gpu", "constraint", "qos",
)  # fmt: skip


def place_rules(
    rules: Iterable,
    get_need: Callable[[str], Callable[..., Need]],
    site: Site,
    partitions: dict[str, Partition],
    chosen: Mapping[str, Collection[str]],
    inside: bool = False,
    say: Callable[[str], None] | None = None,
) -> None:
    """Give every rule what Slurm has to know of its jobs.

    Args:
        rules: Snakemake's rules.
        get_need: What the jobs of a rule need, by its name.
        site: What is particular about the cluster.
        partitions: The limits of its partitions, by name.
        chosen: Names of the resources that the user set on the command line, by rule: they stay.
        inside: Whether this process is inside of a job: scratch is a folder of its node. In the main process
            Snakemake would make it for the jobs that stay on this machine.
        say: Gets a line where a job needs a GPU that is larger than any.
    """
    for rule in rules:
        extra = dict(rule.resources).get("slurm_extra")
        placement = Placement(get_need(rule.name), site, partitions, rule.name, extra, say)
        taken = set(chosen.get(rule.name, ()))
        # Other spellings of one resource.
        taken |= {"mem_mb"} if taken & {"mem", "mem_mib"} else set()
        for name in (*PLACED, *(["tmpdir"] if inside and site.scratch else [])):
            if name not in taken:
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
