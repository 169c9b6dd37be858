"""One run of a study under faults, watched so that nothing finished is trained twice and nothing hangs unseen."""

import math
import os
import random
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path

from cluster_study import ClusterStudy, Job

# Seconds. Slurm holds a job that it runs again for 120, and Snakemake looks every 180 at the latest.
GO_ON_TIMEOUT = 600
RUN_TIMEOUT = 2400
# So often is the command given before a run counts as one that does not end.
MOST_COMMANDS = 8


class CampaignRun:
    """A run of a study on a cluster; the command is given again whenever its main process ends in a failure.

    Args:
        study: Which.
        partition: Of its jobs.
        cells: Paths of all its cells.
        chance: Chooses victims and moments.
    """

    def __init__(self, study: ClusterStudy, partition: str, cells: set[str], chance: random.Random):
        self.study, self.cluster, self.partition = study, study.cluster, partition
        self.cells, self.chance = cells, chance
        # By cell: the inode of a file that each training writes anew, and that Snakemake removes before it. Its time
        # says nothing, because Snakemake touches it once more.
        self.finished: dict[str, int] = {}
        self.retrained: set[str] = set()

    def observe(self) -> None:
        """Note which cells are finished and which are trained again; give the command again where it has failed."""
        unfinished = list_incomplete(self.study.folder)
        for cell in self.cells:
            health = self.study.results / "cells" / cell / "health.json"
            try:
                inode = health.stat().st_ino
            except OSError:
                inode = None
            complete = inode and str(health.relative_to(self.study.folder)) not in unfinished
            if cell in self.finished and inode != self.finished[cell]:
                self.retrained.add(cell)
            if complete:
                self.finished.setdefault(cell, inode)
        if self.study.process.poll() not in (None, 0) and self.study.commands < MOST_COMMANDS:
            self.study.start()

    def wait_for(self, condition: Callable[[], object], seconds: float) -> bool:
        """Wait until a condition holds; False where it does not within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            self.observe()
            if condition():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)

    def wait_while_moving(self, condition: Callable[[], object], seconds: float) -> bool:
        """Wait until a condition holds; False where it does not, and no job has started or ended for so many seconds.

        A job that is run again may stand in the queue behind all others of its study.
        """
        moved, seen = time.monotonic(), self.study.list_jobs()

        def stands_still() -> bool:
            nonlocal moved, seen
            if (jobs := self.study.list_jobs()) != seen:
                moved, seen = time.monotonic(), jobs
            return time.monotonic() - moved > seconds

        self.wait_for(lambda: condition() or stands_still(), math.inf)
        return bool(condition())

    def pause(self, seconds: float) -> None:
        """Let time pass, watching."""
        self.wait_for(lambda: False, seconds)

    def has_ended(self) -> bool:
        """Whether the study is done, or cannot be."""
        return self.study.process.poll() is not None

    def choose_victim(self, training: bool | None = None, delay: float = 8) -> Job | None:
        """A job that does its work.

        Args:
            training: Whether it must train and have done a step, as long as there is something to train; None lets
                chance decide, mostly for training.
            delay: Seconds that may pass before.

        Returns:
            None where the study ended before.
        """
        if training is None:
            training = self.chance.random() < 0.7

        def list_wanted() -> list[Job]:
            return self.list_victims(training and bool(self.cells - self.finished.keys()))

        self.wait_for(lambda: list_wanted() or self.has_ended(), GO_ON_TIMEOUT)
        self.pause(self.chance.uniform(0, delay))
        # Those that were there may have ended meanwhile.
        self.wait_for(lambda: list_wanted() or self.has_ended(), GO_ON_TIMEOUT)
        victims = list_wanted()
        return self.chance.choice(victims) if victims else None

    def list_victims(self, training: bool) -> list[Job]:
        """Jobs whose script runs.

        Args:
            training: Only those that have trained a step.
        """
        jobs = [job for job in self.study.list_active("RUNNING") if self.study.find_work(job)]
        if training:
            jobs = [job for job in jobs if self.get_step(job) > 0]
        return jobs

    def get_step(self, job: Job) -> int:
        """Steps that a job's cell has done; 0 for a job that trains none."""
        cell = self.study.get_cell(job)
        return self.study.get_steps(cell) if cell else 0

    def await_end(self, job: Job, seconds: float) -> str:
        """Wait until a job is no longer what it was.

        Returns:
            Slurm's words on it; beginning with RUNNING where it ran on for so many seconds.
        """
        restarts = self.describe(job).get("Restarts")

        def has_ended() -> bool:
            about = self.describe(job)
            return bool(about) and (
                about["JobState"] not in ("RUNNING", "COMPLETING") or about["Restarts"] != restarts
            )

        self.wait_for(has_ended, seconds)
        about = self.describe(job)
        if about.get("Restarts") != restarts or about.get("JobState") == "PENDING":
            return "REQUEUED"
        return f"{about.get('JobState', 'unknown')} {about.get('ExitCode', '')}".strip()

    def describe(self, job: Job) -> dict[str, str]:
        """What scontrol shows of a job; nothing where Slurm does not answer."""
        words = (self.cluster.attempt("scontrol", "-o", "show", "job", job.id) or "").split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def runs_again(self, job: Job, since: float) -> bool:
        """Whether the work of a job was begun again after a time."""
        return self.find_restart(job, since) is not None

    def find_restart(self, job: Job, since: float) -> float | None:
        """When the work of a job was last begun again after a time, in seconds since 1970; None where it was not."""
        # One that is put back into the queue is COMPLETING for a moment, and has a new time of its start.
        begun = ("RUNNING", "COMPLETED")
        starts = [
            other.started
            for other in self.study.list_jobs()
            if other.name == job.name
            and other.state in begun
            and other.started
            and other.started >= int(since)
        ]
        return max(starts, default=None)

    def await_resumption(self, job: Job, cell: str, since: float) -> int | None:
        """The step after which the training of a cell went on, 0 where it began afresh; None where it did not."""
        found: list[int] = []

        def has_resumed() -> bool:
            begun = self.find_restart(job, since)
            found[:] = [] if begun is None else self.study.read_resumption(cell, begun)
            return bool(found)

        self.wait_while_moving(lambda: has_resumed() or self.has_ended(), GO_ON_TIMEOUT)
        return found[0] if found else None

    def goes_on(self, since: float) -> bool:
        """Whether the main process has submitted a job, or seen one finish, after a time."""
        moves = ("submitted", "finished", "ended")
        return any(record["at"] > since and record["event"] in moves for record in self.study.read_journal())

    def finish(self) -> str:
        """Wait for the end of the study; what kept it from ending, empty where nothing did."""
        self.wait_while_moving(self.has_ended, RUN_TIMEOUT)
        match self.study.process.poll():
            case 0:
                return ""
            case None:
                return f"hang: nothing for {RUN_TIMEOUT} s"
            case status:
                return f"exit status {status} after {self.study.commands} commands"

    def count_retrained(self) -> int:
        """Cells that were trained again though they were finished."""
        finished: set[str] = set()
        retrained = set(self.retrained)
        for record in self.study.read_journal():
            if record.get("rule") == "train_cell":
                wildcards = record["wildcards"]
                cell = f"{wildcards['objective']}/{wildcards['setting']}/seed~{wildcards['seed']}"
                if record["event"] == "finished":
                    finished.add(cell)
                elif record["event"] == "submitted" and cell in finished:
                    retrained.add(cell)
        return len(retrained)


def list_incomplete(folder: Path) -> set[str]:
    """The files that Snakemake has marked as being made, which long names spread over folders beginning with @."""
    marks = folder / ".snakemake" / "incomplete"
    found = set()
    # Marks come and go meanwhile, with their folders.
    for place, _, names in os.walk(marks):
        folders = [part.removeprefix("@") for part in Path(place).relative_to(marks).parts]
        for name in names:
            if name != "migrated":
                found.add(urlsafe_b64decode("".join([*folders, name])).decode())
    return found
