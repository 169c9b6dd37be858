"""The start of a main process: nothing that an earlier one left behind is done twice."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from execution.local_processes import end_processes, find_left, mark_jobs
from execution.main_process import (
    FOLDER,
    RECORD,
    MainProcess,
    describe_this_process,
    hold_folder,
    read_record,
    write_record,
)
from execution.queue import QueuedJob, QueueError, cancel_jobs, insist, list_jobs

CHOICES = ("wait", "cancel", "stop")
# A controller's restart, or its failing over to another machine.
PATIENCE = 600
POLL, REPORT = 5, 30
SHOWN = 5
# A process may start another while it is being ended.
ROUNDS = 3
# Of jobs that wait for their turn.
USUAL_REASONS = ("None", "Priority", "Resources")
WAITING = {
    "wait": ", whose results will be taken over; to cancel them, interrupt and add --config orphans=cancel",
    "cancel": " to end",
}
# Stays open, and so holds the working directory, until the process ends.
HELD: list[IO[str]] = []


class StartRefusedError(RuntimeError):
    """This main process must not go on; the message says why and what to do."""


def guard_start(executor: str, orphans: str, say: Callable[[str], None]) -> MainProcess:
    """Wait for, or cancel, the jobs of an earlier main process, and remove its lock.

    Jobs outlive a main process that was killed, or whose host was started anew. Submitted again, two jobs would
    write the same files. What they finish counts: Snakemake finds their files, with what they were made from.

    Args:
        executor: What will run jobs.
        orphans: What to do with jobs on a cluster: `wait` for them, `cancel` them, or `stop`. Processes on this
            machine are ended for `wait` too, because Snakemake does not take over what they write.
        say: Gets lines for the user.

    Returns:
        The record of this process, which is written now. It holds the directory until it ends.

    Raises:
        StartRefusedError: `orphans` is none of the choices, or `stop` and there are some; Slurm does not answer; or
            there is a lock of which it is not known whose it is.
        AnotherMainProcessError: Another one runs here.
    """
    if orphans not in CHOICES:
        raise StartRefusedError(f"config: orphans: {orphans}: unknown choice; known: {', '.join(CHOICES)}")
    HELD.append(hold_folder())
    earlier = read_record()
    # First of all: jobs that another host's main process still waits for must not be touched.
    remove_lock(earlier, say)
    settle_local(orphans, say)
    if executor == "slurm" or (earlier and earlier.executor == "slurm"):
        settle_jobs(orphans, say, must_answer=executor == "slurm")
    process = describe_this_process(executor)
    write_record(process)
    mark_jobs(Path.cwd())
    return process


def settle_local(orphans: str, say: Callable[[str], None]) -> None:
    """End the processes that jobs of an earlier main process left on this machine."""
    left = find_left(Path.cwd())
    if not left:
        return
    if orphans == "stop":
        raise StartRefusedError(
            f"processes of an earlier main process still run here: {', '.join(map(str, left))}; wait until they have "
            "ended, or let this command end them by --config orphans=cancel"
        )
    say(f"ending {len(left)} processes that an earlier main process left on this machine")
    for _ in range(ROUNDS):
        end_processes(left)
        left = find_left(Path.cwd())
        if not left:
            return
    raise StartRefusedError(
        f"processes of an earlier main process cannot be ended: {', '.join(map(str, left))}; they may wait for a "
        "file system that does not answer"
    )


def settle_jobs(orphans: str, say: Callable[[str], None], must_answer: bool) -> None:
    """Wait for, or cancel, the jobs of an earlier main process on the cluster."""
    try:
        jobs = insist(lambda: list_jobs(Path.cwd()), PATIENCE if must_answer else 0, say)
    except QueueError as error:
        raise StartRefusedError(
            f"jobs of an earlier main process may still run, and Slurm cannot be asked: {error}; try again when it "
            f"answers; where this is a copy of a directory that jobs ran in, remove {FOLDER / RECORD}"
        ) from None
    if not jobs:
        return
    if orphans == "stop":
        raise StartRefusedError(
            f"{describe_jobs(jobs)} of an earlier main process; --config orphans=wait waits for them and takes over "
            "what they finish, --config orphans=cancel cancels them"
        )
    if orphans == "cancel":
        say(f"cancelling {describe_jobs(jobs)} of an earlier main process")
        # Asked anew each time: a job that Slurm has forgotten meanwhile cannot be cancelled.
        insist(lambda: cancel_jobs(job.id for job in list_jobs(Path.cwd())), PATIENCE, say)
    wait_for(jobs, orphans, say)
    say("they have ended; what they finished is taken over")


def wait_for(jobs: list[QueuedJob], orphans: str, say: Callable[[str], None]) -> None:
    """Wait until no job is left in the queue, and say so now and then."""
    told = -float("inf")
    while jobs:
        if time.monotonic() > told + REPORT:
            told = time.monotonic()
            say(f"waiting for {describe_jobs(jobs)} of an earlier main process{WAITING[orphans]}")
        time.sleep(POLL)
        jobs = insist(lambda: list_jobs(Path.cwd()), PATIENCE, say)


def describe_jobs(jobs: list[QueuedJob]) -> str:
    """How many jobs there are, and the first of them by name."""
    running = sum(job.state != "PENDING" for job in jobs)
    names = [describe_job(job) for job in jobs]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"{len(jobs)} job{'s' * (len(jobs) > 1)} ({running} running, {len(jobs) - running} pending: "
        f"{', '.join(names[:SHOWN])}{more})"
    )


def describe_job(job: QueuedJob) -> str:
    """A job by its id and what it makes; and why it waits, where it may do so for ever."""
    name = f"{job.id} {job.comment.removeprefix('rule_').replace('_wildcards_', ' ')}"
    return name if job.state != "PENDING" or job.reason in USUAL_REASONS else f"{name} [{job.reason}]"


def remove_lock(earlier: MainProcess | None, say: Callable[[str], None]) -> None:
    """Remove Snakemake's lock where the main process that took it is known to have ended.

    Args:
        earlier: The last main process that has left a record.
        say: Gets a line.

    Raises:
        StartRefusedError: The lock may be that of a main process that runs on another host.
    """
    locks = FOLDER.parent / "locks"
    if not locks.is_dir() or not any(locks.iterdir()):
        return
    this = describe_this_process("")
    if earlier is None or earlier.host != this.host:
        whose = (
            f", process {earlier.pid} on {earlier.host} since {time.ctime(earlier.began)}" if earlier else ""
        )
        raise StartRefusedError(
            f"{Path.cwd()} is locked by another main process{whose}; this host cannot tell whether it still runs. "
            "Look there; once it has ended, run the same command with --unlock, and then again without"
        )
    # Nobody holds the directory, and the process was one of this host: it has ended without removing its lock.
    for lock in locks.iterdir():
        lock.unlink()
    say(
        f"removed the lock of an earlier main process (process {earlier.pid}, since {time.ctime(earlier.began)}), "
        "which has ended without doing so"
    )
