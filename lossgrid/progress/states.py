"""What has become of each job, from its files and what was said of it."""

import json
from dataclasses import dataclass
from enum import StrEnum

from lossgrid.progress.error_lines import is_ended_by_error
from lossgrid.progress.files import FileIndex
from lossgrid.progress.jobs import Job
from lossgrid.progress.journal import SILENCE, JobRecord, StudyJournal
from lossgrid.progress.left_jobs import LeftJobs
from lossgrid.progress.logs import read_tail
from lossgrid.training.checkpoint_folders import find_checkpoint, get_step
from lossgrid.training.progress_file import PROGRESS, TrainingProgress, read_progress
from lossgrid.training.training_log import TRAINING_LOG

# File systems round times, and a job on another machine has its clock.
SLACK = 2.0


class State(StrEnum):
    """What a job is, as screens call it."""

    DONE = "done"
    DIVERGED = "diverged"
    RUNNING = "running"
    QUEUED = "queued"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    # Its main process has gone, and its number on Slurm may still be at work.
    UNCERTAIN = "perhaps running"
    PENDING = "pending"

    @property
    def is_done(self) -> bool:
        """Whether its outputs are there; divergence is a result."""
        return self in (State.DONE, State.DIVERGED)

    @property
    def is_stopped(self) -> bool:
        """Whether it was begun and ended without its outputs."""
        return self in (State.FAILED, State.INTERRUPTED)


@dataclass(frozen=True)
class JobState:
    """What has become of a job.

    Attributes:
        state: In a word.
        record: The last that was said of it; None where nothing was.
        progress: How far its training has come, where it runs.
        health: `health.json` of a cell that diverged.
        moment: When it failed, or was last heard of where it was interrupted, in seconds since 1970; 0 for others.
    """

    state: State
    record: JobRecord | None = None
    progress: TrainingProgress | None = None
    health: dict | None = None
    moment: float = 0.0


def find_state(job: Job, files: FileIndex, journal: StudyJournal, now: float, left: LeftJobs) -> JobState:
    """What has become of a job.

    Args:
        job: The job.
        files: The study's results.
        journal: What was said of the study's jobs.
        now: Seconds since 1970.
        left: Which jobs may have outlived their main process.

    Returns:
        Files win over what was said: outputs that are newer than a failure are there.
    """
    record = journal.jobs.get(job.log)
    is_there = job.outputs and all(map(files.exists, job.outputs))
    if is_there and _is_current(job, files, record):
        health = read_health(job, files)
        diverged = health.get("status") == "diverged"
        return JobState(
            State.DIVERGED if diverged else State.DONE, record, health=health if diverged else None
        )
    state = _guess(job, files, now) if record is None else _find_unfinished(job, files, journal, record, now)
    # However long its log is silent.
    is_over = state in (State.INTERRUPTED, State.PENDING)
    if is_over and record is not None and left.may_run(record, find_last_write(job, files), now):
        state = State.UNCERTAIN
    if state is State.RUNNING:
        return JobState(state, record, get_progress(job, files, record))
    is_told = record is not None and record.event == "failed"
    moment = record.at if is_told else find_last_write(job, files)
    return JobState(state, record, moment=moment if state.is_stopped else 0.0)


def find_last_write(job: Job, files: FileIndex) -> float:
    """When a job last wrote a log, in seconds since 1970; 0 where it never has."""
    logs = [job.log, f"{job.log.removesuffix('.log')}.server.log"]
    for folder in _list_run_folders(job, files):
        logs += [f"{folder}/{TRAINING_LOG}", f"{folder}/{PROGRESS}"]
    return max(map(files.get_time, logs))


def find_resume_step(job: Job, files: FileIndex) -> int | None:
    """The step of the checkpoint from which a training job goes on; None for a fresh start and for other jobs."""
    folders = _list_run_folders(job, files)
    newest = max(folders, key=lambda folder: files.get_time(f"{folder}/{PROGRESS}"), default=None)
    checkpoint = find_checkpoint(files.folder / newest) if newest else None
    return get_step(checkpoint) if checkpoint else None


def get_progress(job: Job, files: FileIndex, record: JobRecord | None) -> TrainingProgress | None:
    """How far a training job has come in the attempt that runs now."""
    found = [read_progress(files.folder / folder) for folder in _list_run_folders(job, files)]
    newest = max(filter(None, found), key=lambda progress: progress.at, default=None)
    is_old = newest and record and newest.at < record.since
    return None if is_old else newest


def read_health(job: Job, files: FileIndex) -> dict:
    """The content of a trained cell's `health.json`; empty for any other job."""
    if job.rule != "train_cell":
        return {}
    try:
        return json.loads((files.folder / job.run / "health.json").read_text())
    except (OSError, ValueError):
        return {}


def _list_run_folders(job: Job, files: FileIndex) -> list[str]:
    """Folders of a training job's checkpoints, one an identity; none for other jobs."""
    if not job.rule.startswith("train_"):
        return []
    checkpoints = f"{job.run}/checkpoints"
    return [f"{checkpoints}/{name}" for name in sorted(files.list_names(checkpoints))]


def _is_current(job: Job, files: FileIndex, record: JobRecord | None) -> bool:
    """Whether outputs that are there are those of the last attempt, or newer."""
    if record is None or record.event == "finished":
        return True
    return max(map(files.get_time, job.outputs)) >= record.at - SLACK


def _find_unfinished(
    job: Job, files: FileIndex, journal: StudyJournal, record: JobRecord, now: float
) -> State:
    if record.event == "failed":
        return State.FAILED
    if record.event == "finished":
        # Its outputs were removed since.
        return State.PENDING
    running = journal.is_running(record.main)
    last = find_last_write(job, files)
    has_started = last >= record.since
    if has_started:
        # Jobs on a cluster outlive their main process.
        if running or now - last < SILENCE:
            return State.RUNNING
        # Nobody was there any more to say that it failed, but its own log does.
        return State.FAILED if is_ended_by_error(read_tail(files.folder / job.log)) else State.INTERRUPTED
    # Nothing was lost with a job that never started.
    return State.PENDING if running is False else State.QUEUED


def _guess(job: Job, files: FileIndex, now: float) -> State:
    """The state of a job of which nothing was said, as before there was a journal."""
    last = find_last_write(job, files)
    if not last:
        return State.PENDING
    if now - last < SILENCE:
        return State.RUNNING
    if is_ended_by_error(read_tail(files.folder / job.log)):
        return State.FAILED
    return State.INTERRUPTED if find_resume_step(job, files) is not None else State.PENDING
