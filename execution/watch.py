"""The watch over the jobs of a main process."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from snakemake.logging import logger

from execution.arrays import correct_arrays
from execution.events import JobListener
from execution.journal import Journal
from execution.main_process import MainProcess
from execution.provenance import note_origin
from execution.queue import QueueError, call, widen_view
from execution.requests_check import check_requests
from execution.status_query import WatchedJobs, correct_answers
from execution.submission import Submission, correct_submission

# Seconds; `status` takes a main process on another host for gone after two minutes without.
HEARTBEAT = 60


class JobWatch:
    """Keeps a journal of a main process's jobs, notes what their files are made from, and corrects what Slurm says.

    Args:
        process: The record of this process; None in a process that runs no jobs of its own.
    """

    def __init__(self, process: MainProcess | None):
        self.process = process
        self.journal = process and Journal(process)
        self.ended = threading.Event()

    def begin(self, workflow) -> None:
        """Watch from now on; Snakemake holds its lock and is about to run jobs.

        Args:
            workflow: Snakemake's workflow.

        Raises:
            WorkflowError: A job of this run cannot be placed on the cluster.
        """
        if self.process is None:
            return
        if self.process.executor == "slurm":
            check_requests(workflow)
        persistence = workflow.persistence
        jobs = WatchedJobs(
            finished=lambda job: not is_incomplete(Path(persistence.path), job), say=logger.warning
        )
        started = persistence.started

        def start(job, external_jobid=None):
            started(job, external_jobid)
            if external_jobid is not None:
                jobs.add(external_jobid)
            note_origin(persistence, job)
            self.journal.note_start(job, external_jobid)

        persistence.started = start
        if self.process.executor == "slurm":
            correct_plugin(jobs)
            leave_out_report(workflow.executor_settings)
        logger.addHandler(JobListener(self.journal, jobs.last_states, logger.error))
        threading.Thread(target=self.beat, daemon=True).start()

    def beat(self) -> None:
        """Show that the main process is alive until it ends."""
        while not self.ended.wait(HEARTBEAT):
            self.journal.beat()

    def end(self, success: bool) -> None:
        """Close the journal."""
        self.ended.set()
        if self.journal:
            self.journal.end(success)


def correct_plugin(jobs: WatchedJobs) -> None:
    """Let the executor plugin submit whatever happens, and hear of all jobs, and corrected states."""
    import snakemake_executor_plugin_slurm as plugin

    widen_view()
    submission = Submission(say=jobs.say)
    correct_submission(plugin, submission)
    correct_arrays(plugin)
    plugin.query_job_status = correct_answers(plugin.query_job_status, jobs, submission.ended.is_set)
    # Without this answer it turns to sacct, and stays with it for all its attempts: where Slurm keeps no accounts, it
    # would not notice for forty minutes that the controller is back.
    plugin.get_min_job_age = keep_answer(plugin.get_min_job_age)


def keep_answer(ask: Callable[[], int | None]) -> Callable[[], int | None]:
    """The same question, asked until there is an answer."""
    answers = []

    def answer() -> int | None:
        if not answers and (new := ask()) is not None:
            answers.append(new)
        return answers[0] if answers else None

    # The controller was there a moment ago.
    answer()
    return answer


def leave_out_report(settings) -> None:
    """Ask for no report of what jobs have used where Slurm keeps no accounts: the plugin would fail to write it."""
    try:
        call("sacct", "--noheader", "--allocations", "--starttime", "now")
    except QueueError:
        settings.efficiency_report = False


def is_incomplete(folder: Path, job: str) -> bool:
    """Whether a file is still marked as being made by a job of the cluster.

    Args:
        folder: Of Snakemake's persistence.
        job: Slurm's id.
    """
    # Marks, and the folders of those with long names, come and go meanwhile: os.walk passes over what is gone.
    for place, _, names in os.walk(folder / "incomplete"):
        for name in names:
            try:
                mark = json.loads(Path(place, name).read_text())
            except (OSError, ValueError):
                continue
            if isinstance(mark, dict) and mark.get("external_jobid") == job:
                return True
    return False
