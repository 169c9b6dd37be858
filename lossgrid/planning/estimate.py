"""What a whole study will take: time, memory, disk, calls and money, before anything runs."""

from dataclasses import dataclass
from typing import Literal

from lossgrid.planning.disk import DiskUse, list_disk_uses
from lossgrid.planning.jobs import Step, get_wall_seconds, list_steps
from lossgrid.planning.judge_load import JudgeLoad, list_judge_loads
from lossgrid.studies import Study


@dataclass(frozen=True)
class Estimate:
    """A study in numbers.

    Attributes:
        study: Its name.
        device: What its models train and answer on.
        parallel: Jobs that run at once.
        steps: Its steps in the order of the workflow.
        disk: What it writes.
        judge: What every evaluation asks for, and the judge card.
    """

    study: str
    device: Literal["cpu", "gpu"]
    parallel: int
    steps: tuple[Step, ...]
    disk: tuple[DiskUse, ...]
    judge: tuple[JudgeLoad, ...]

    @property
    def jobs(self) -> int:
        """Jobs of all steps."""
        return sum(step.jobs for step in self.steps)

    @property
    def cpu_seconds(self) -> float:
        """Of all CPU cores, those of jobs with GPUs left out."""
        steps = [step for step in self.steps if not step.load.gpus]
        return sum(step.jobs * step.load.cpus * step.load.seconds for step in steps)

    @property
    def gpu_seconds(self) -> float:
        """Of all GPUs."""
        return sum(step.jobs * step.load.gpus * step.load.seconds for step in self.steps)

    @property
    def wall_seconds(self) -> float:
        """From the first job to the last, without a queue."""
        return get_wall_seconds(list(self.steps), self.parallel)

    @property
    def kept_bytes(self) -> float:
        """Disk that the finished study takes."""
        return sum(use.bytes for use in self.disk if use.kept)

    @property
    def most_bytes(self) -> float:
        """Disk that the study takes at most, while it runs."""
        return sum(use.bytes for use in self.disk)

    @property
    def dollars(self) -> float | None:
        """What the judge costs at most, USD; None where the study names no prices, or no judge."""
        costs = [load.dollars for load in self.judge]
        return None if not costs or None in costs else sum(costs)


def estimate_study(study: Study, parallel: int) -> Estimate:
    """Estimate a study that has not run.

    Args:
        study: The study.
        parallel: Jobs that run at once, at least 1.

    Raises:
        ValueError: Fewer than one job at once.
    """
    if parallel < 1:
        raise ValueError(f"jobs: {parallel} jobs at once do nothing; give 1 or more")
    return Estimate(
        study.name,
        study.device,
        parallel,
        tuple(list_steps(study)),
        tuple(list_disk_uses(study, parallel)),
        tuple(list_judge_loads(study)),
    )
