"""What the site's partitions allow, asked before any job is submitted."""

from dataclasses import dataclass

from execution.nodes import Nodes, read_features, read_nodes
from execution.queue import UnreadableAnswerError, call
from execution.site import Site, SiteError, describe_value


@dataclass(frozen=True)
class Partition:
    """A partition of the cluster.

    Attributes:
        name: Its name.
        most_minutes: The longest that a job may ask for; None without a limit. A job that asks for more would wait
            for ever.
        nodes: Those that are alike as one.
    """

    name: str
    most_minutes: int | None
    nodes: tuple[Nodes, ...] = ()


def check_partitions(site: Site) -> dict[str, Partition]:
    """The cluster's partitions, by name.

    Raises:
        SiteError: The site's settings name one that is not there.
        QueueError: Slurm cannot be asked.
    """
    known = read_partitions()
    for key, names in site.partitions.model_dump().items():
        for name in names.split(","):
            if name not in known:
                raise SiteError(
                    describe_value(
                        ("partitions", key), f"{name}: no such partition; there are {', '.join(known)}"
                    )
                )
    return known


def get_most_minutes(names: str, partitions: dict[str, Partition]) -> int | None:
    """The longest that a job may ask for in one of several partitions.

    Args:
        names: Of the partitions, with commas between them, as sbatch takes them.
        partitions: Their limits, by name; one that is not among them has none.

    Returns:
        Minutes; None where one of them has no limit.
    """
    limits = [partitions[name].most_minutes if name in partitions else None for name in names.split(",")]
    return None if None in limits else max(limits)


def get_most_mb(names: str, partitions: dict[str, Partition], constraint: str | None) -> int | None:
    """The most memory that a job may ask for on a node of one of several partitions.

    Args:
        names: Of the partitions, with commas between them.
        partitions: Their nodes, by name.
        constraint: What features the nodes must have.

    Returns:
        MB; None where the nodes are not known.
    """
    nodes = [kind for name in names.split(",") if name in partitions for kind in partitions[name].nodes]
    if constraint:
        # With a choice between features, the nodes that have one of them count.
        wanted = set(read_features(constraint))
        nodes = [kind for kind in nodes if wanted & kind.features] or nodes
    # A cluster may keep some of it for itself, and an array of jobs asks for a few MB more than one job.
    return max((kind.memory_mb * 99 // 100 for kind in nodes), default=None)


def read_partitions() -> dict[str, Partition]:
    """The partitions that sinfo shows, by name.

    Raises:
        QueueError: sinfo failed.
    """
    partitions, nodes = {}, read_nodes()
    # Hidden ones too.
    for line in call("sinfo", "--all", "--noheader", "--format", "%R\t%l").splitlines():
        name, _, limit = line.partition("\t")
        try:
            own = tuple(kind for kind in nodes if kind.partition == name)
            partitions[name] = Partition(name, read_minutes(limit), own)
        except ValueError:
            raise UnreadableAnswerError(
                f"sinfo: partition {name}: its time limit is written in an unknown way: {limit}"
            ) from None
    return partitions


def read_minutes(limit: str) -> int | None:
    """Whole minutes of a limit as Slurm writes and reads it.

    `minutes`, `minutes:seconds`, `hours:minutes:seconds`, and after days `days-hours`, `days-hours:minutes`,
    `days-hours:minutes:seconds`.

    Returns:
        The minutes, rounded down but at least one, because to ask for none is to ask without a limit; None without a
        limit.

    Raises:
        ValueError: It is written in another way.
    """
    limit = limit.strip()
    if limit.lower() in ("infinite", "unlimited", "n/a"):
        return None
    days, dash, clock = limit.rpartition("-")
    numbers = [int(part) for part in clock.split(":")]
    if len(numbers) > 3 or (dash and not days):
        raise ValueError(limit)
    if dash:
        hours, minutes, _ = (*numbers, 0, 0)[:3]
    else:
        hours, minutes = numbers[:2] if len(numbers) == 3 else (0, numbers[0])
    return max(1, (int(days or 0) * 24 + hours) * 60 + minutes)
