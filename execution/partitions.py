"""What the site's partitions allow, asked before any job is submitted."""

from dataclasses import dataclass

from execution.queue import call


@dataclass(frozen=True)
class Partition:
    """A partition of the cluster.

    Attributes:
        name: Its name.
        most_minutes: The longest that a job may ask for; None without a limit. A job that asks for more would wait
            for ever.
    """

    name: str
    most_minutes: int | None


def read_partitions() -> dict[str, Partition]:
    """The partitions that sinfo shows, by name.

    Raises:
        QueueError: sinfo failed.
    """
    lines = call("sinfo", "--noheader", "--format", "%R\t%l").splitlines()
    return {
        name: Partition(name, read_minutes(limit)) for name, limit in (line.split("\t") for line in lines)
    }


def read_minutes(limit: str) -> int | None:
    """Whole minutes of a limit as Slurm writes it: `days-hours:minutes:seconds`, from the right.

    Raises:
        ValueError: It is written in another way.
    """
    limit = limit.strip()
    if limit in ("infinite", "UNLIMITED", "n/a"):
        return None
    days, _, clock = limit.rpartition("-")
    hours, minutes, _ = ([0, 0, 0] + [int(part) for part in clock.split(":")])[-3:]
    return (int(days or 0) * 24 + hours) * 60 + minutes
