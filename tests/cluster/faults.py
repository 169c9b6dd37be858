"""All kinds of faults, and what each wants of the run that it strikes."""

from collections.abc import Callable
from dataclasses import dataclass

import cluster_faults
import job_faults
from campaign_run import CampaignRun
from cluster_study import Job


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        kind: Its name.
        strike: Strikes, waits until the blow has told, and says what Slurm made of it.
        choose: Chooses the job that is struck, or shows the moment for one that strikes none.
        strikes_job: Whether it strikes that job, and not what all jobs need.
        partition: Where the jobs of the run must be; None for anywhere.
        accounting: Whether the cluster must keep accounts.
        small_disk: Whether the results must lie on a disk of their own.
        first: Whether it comes before others, because it strikes jobs that have not begun.
    """

    kind: str
    strike: Callable[[CampaignRun, Job], str]
    choose: Callable[[CampaignRun], Job | None] = CampaignRun.choose_victim
    strikes_job: bool = True
    partition: str | None = None
    accounting: bool = False
    small_disk: bool = False
    first: bool = False


@dataclass(frozen=True)
class Setting:
    """What a run offers to faults."""

    partition: str
    accounting: bool = False
    small_disk: bool = False

    def allows(self, fault: Fault) -> bool:
        """Whether a fault can strike here."""
        return (
            fault.partition in (None, self.partition)
            and fault.accounting <= self.accounting
            and fault.small_disk <= self.small_disk
        )


SETTINGS = (
    Setting("gpulow"),
    Setting("gpukill"),
    Setting("gpulow", small_disk=True),
    Setting("gpukill", accounting=True),
)
FAULTS = (
    Fault("process killed", job_faults.kill_process),
    Fault("job cancelled", job_faults.cancel_job),
    Fault("time limit", job_faults.exceed_time),
    Fault("memory limit", job_faults.exceed_memory, job_faults.choose_pending, first=True),
    Fault("node down", job_faults.lose_node),
    Fault("preempted, requeued", job_faults.preempt, partition="gpulow"),
    Fault("preempted, cancelled", job_faults.preempt, partition="gpukill"),
    Fault("controller away", cluster_faults.restart_controller, strikes_job=False),
    Fault("database away", cluster_faults.restart_database, strikes_job=False, accounting=True),
    Fault("main process killed", cluster_faults.kill_main, strikes_job=False),
    Fault("second main process", cluster_faults.start_second_main, strikes_job=False),
    Fault("full disk", job_faults.fill_disk, small_disk=True),
)


def plan_run(struck: list[str], size: int) -> tuple[Setting, list[Fault]]:
    """The next run: the kinds that have struck least so far, as far as one run can hold them.

    Args:
        struck: The kinds so far, one for each blow.
        size: Faults of one run.

    Returns:
        What the run must offer, and the faults in their order.
    """
    rarest = sorted(FAULTS, key=lambda fault: struck.count(fault.kind))
    # Settings take turns, so that all are used by the kinds that can strike in any.
    turn = len(struck) // size
    settings = SETTINGS[turn % len(SETTINGS) :] + SETTINGS[: turn % len(SETTINGS)]
    setting = next(setting for setting in settings if setting.allows(rarest[0]))
    chosen = [fault for fault in rarest if setting.allows(fault)][:size]
    return setting, sorted(chosen, key=lambda fault: not fault.first)
