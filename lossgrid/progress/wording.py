"""How screens spell states, times and jobs."""

import re
import time
from collections import Counter
from collections.abc import Iterable

from rich.console import Console

from lossgrid.progress.jobs import Job
from lossgrid.progress.logs import read_tail
from lossgrid.progress.states import JobState, State, find_last_write
from lossgrid.progress.study_progress import StudyProgress

STYLES = {
    State.DONE: "green",
    State.DIVERGED: "magenta",
    State.RUNNING: "cyan",
    State.QUEUED: "blue",
    State.FAILED: "bold red",
    State.INTERRUPTED: "yellow",
    State.UNCERTAIN: "yellow",
    State.PENDING: "dim",
}
# What a judging job says now and then: so many requests of so many, and when it expects to end.
JUDGED = re.compile(r": ([\d,]+) of ([\d,]+);(?:.*?, ([^;]+?) left;)?.*unreadable")
MINUTE, HOUR, DAY = 60, 3600, 86400
# Training writes every step; after so many seconds without one, the reader should know.
LONG_SILENCE = 10 * MINUTE


def spell_time(seconds: float) -> str:
    """A span of time in the unit that suits it; clocks of other machines may be ahead of this one's."""
    seconds = max(0.0, seconds)
    for unit, size in (("s", 1), ("min", MINUTE), ("h", HOUR)):
        if seconds < 1.5 * {"s": MINUTE, "min": HOUR, "h": DAY}[unit]:
            digits = 1 if unit == "h" and seconds < 10 * HOUR else 0
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds / DAY:.1f} days"


def spell_moment(at: float, now: float) -> str:
    """A moment by the clock, with its date where that is not today."""
    same_day = time.localtime(at)[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M", time.localtime(at))


def spell_counts(counts: Counter, what: str = "") -> str:
    """How many of some jobs are done, and in what other states the rest are.

    Args:
        counts: Jobs by state.
        what: What they are, with a space behind it.
    """
    done = counts[State.DONE] + counts[State.DIVERGED]
    parts = [f"{done:,} of {counts.total():,} {what}done"]
    if counts[State.DIVERGED]:
        parts[0] += f" ({counts[State.DIVERGED]:,} diverged)"
    others = (State.RUNNING, State.QUEUED, State.FAILED, State.INTERRUPTED, State.UNCERTAIN, State.PENDING)
    return ", ".join(parts + [f"{counts[state]:,} {state}" for state in others if counts[state]])


def get_worst(counts: Counter) -> State:
    """The state among several jobs that a person wants to see first."""
    order = (
        State.FAILED,
        State.INTERRUPTED,
        State.UNCERTAIN,
        State.RUNNING,
        State.QUEUED,
        State.PENDING,
        State.DIVERGED,
        State.DONE,
    )
    return next((state for state in order if counts[state]), State.PENDING)


def name_job(job: Job) -> str:
    """A job as Snakemake and its log's path name it, such as `train_cell dpo/beta~0.05/seed~1`."""
    place = job.log.removesuffix(".log").removeprefix(f"logs/{job.rule}").strip("/")
    return f"{job.rule} {place}".strip()


def describe_briefly(progress: StudyProgress, job: Job) -> str:
    """A job's state in a few words, for a table."""
    state = progress.get_state(job)
    if state.state is State.PENDING:
        return "·"
    if state.state is State.DIVERGED:
        return f"diverged at {state.health.get('first_nonfinite_step') or state.health.get('steps')}"
    if state.state is State.RUNNING and state.progress:
        left = state.progress.estimate_left(progress.now)
        steps = f"{state.progress.step}/{state.progress.planned_steps}"
        return steps + ("" if left is None else f", {spell_time(left)}")
    return str(state.state)


def describe_running(progress: StudyProgress, job: Job) -> str:
    """How far a running job has come."""
    state = progress.get_state(job)
    if state.progress:
        left = state.progress.estimate_left(progress.now)
        steps = f"step {state.progress.step:,} of {state.progress.planned_steps:,}"
        silence = progress.now - find_last_write(job, progress.files)
        if silence > LONG_SILENCE:
            return f"{steps}, nothing written for {spell_time(silence)}"
        return steps + ("" if left is None else f", {spell_time(left)} left")
    said = (
        JUDGED.findall(read_tail(progress.files.folder / job.log, 4096))
        if job.rule in ("judge_responses", "ask_judge_card")
        else []
    )
    if said:
        made, all_, left = said[-1]
        return f"{made} of {all_} judgments" + (f", {left} left" if left else "")
    return f"for {spell_since(progress, state)}" if state.record else "running"


def describe_uncertain(progress: StudyProgress, job: Job) -> str:
    """The number of a job that nobody watches, and when it was last heard of."""
    record, heard = progress.get_state(job).record, find_last_write(job, progress.files)
    has_written = heard >= record.since
    ago = spell_time(progress.now - (heard if has_written else record.submitted))
    return f"job {record.slurm_id}, {'last heard of' if has_written else 'submitted'} {ago} ago"


def spell_squeue(progress: StudyProgress, jobs: Iterable[Job]) -> str:
    """What asks Slurm for some jobs."""
    return f"squeue -j {','.join(progress.get_state(job).record.slurm_id for job in jobs)}"


def spell_since(progress: StudyProgress, state: JobState) -> str:
    """The time since a job was submitted."""
    return spell_time(max(0.0, progress.now - state.record.submitted))


def print_line(console: Console, text: str) -> None:
    """Print a line that is to be copied: it is not broken where the screen ends."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)
