"""What Slurm says of this user's jobs."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from execution.outage import is_outage

TIMEOUT = 60
# Between two questions to a controller that does not answer.
PAUSE = 5
# A refusal in words that are not known to be an outage's is believed after so many seconds.
BRIEF = 60
# A job in one of these states still has something to do.
ACTIVE = {
    "CONFIGURING", "COMPLETING", "PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESIZING", "RUNNING",
    "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT", "STOPPED", "SUSPENDED",
}  # fmt: skip
# Every job of a main process has the same name, which ends so. The user's own may run in the same directory: an
# interactive one, or that of the main process itself.
NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class QueueError(RuntimeError):
    """Slurm does not answer, or refuses."""


class MissingCommandError(QueueError):
    """A command of Slurm is not there: to ask again is of no use."""


class UnreadableAnswerError(QueueError):
    """Slurm answers in an unknown way: to ask again is of no use."""


@dataclass(frozen=True)
class QueuedJob:
    """A job as squeue shows it.

    Attributes:
        id: Slurm's number; of a task of an array with `_` and the task's.
        state: Slurm's word, such as RUNNING.
        reason: Why it waits, such as PartitionTimeLimit.
        folder: Its working directory.
        comment: What Snakemake says of it: `rule_NAME_wildcards_…`.
    """

    id: str
    state: str
    reason: str
    folder: str
    comment: str


def list_jobs(folder: Path) -> list[QueuedJob]:
    """Snakemake's jobs of this user that still run, or wait to, in a working directory.

    Raises:
        QueueError: squeue failed.
    """
    form = "\t".join(("%j", "%i", "%T", "%r", "%Z", "%k"))
    lines = [line.split("\t", 5) for line in ask_squeue(form)]
    jobs = [QueuedJob(*parts[1:]) for parts in lines if len(parts) == 6 and NAME.search(parts[0])]
    here = os.path.realpath(folder)
    return [job for job in jobs if job.state in ACTIVE and os.path.realpath(job.folder) == here]


def ask_squeue(form: str) -> list[str]:
    """A line for each of this user's jobs that Slurm's controller knows, ended ones and hidden partitions included.

    Raises:
        QueueError: squeue failed.
    """
    return call("squeue", "--me", "--all", "--states=all", "--noheader", "--format", form).splitlines()


def cancel_jobs(ids: Iterable[str]) -> None:
    """Cancel jobs.

    Raises:
        QueueError: scancel failed.
    """
    ids = list(ids)
    if ids:
        call("scancel", *ids)


def call(*command: str) -> str:
    """What a command of Slurm prints.

    Raises:
        MissingCommandError: It is not there.
        QueueError: It failed or did not answer; the message holds its own words.
    """
    try:
        process = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            env=get_plain_environment(),
        )
    except FileNotFoundError:
        raise MissingCommandError(
            f"{command[0]}: no such command; run on a node from which jobs are submitted"
        ) from None
    except subprocess.TimeoutExpired:
        raise QueueError(f"{command[0]}: no answer within {TIMEOUT} s") from None
    except OSError as error:
        # A login node may have no room for another process.
        raise QueueError(f"{command[0]}: cannot be started ({error.strerror})") from None
    if process.returncode:
        raise QueueError(f"{command[0]}: {process.stderr.strip() or f'exit status {process.returncode}'}")
    return process.stdout


def get_plain_environment() -> dict[str, str]:
    """This process's environment without what narrows a user's own view of the queue, such as SQUEUE_STATES."""
    narrowing = ("SQUEUE_", "SINFO_", "SACCT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(narrowing)}


def widen_view() -> None:
    """Let this process, and the commands of Slurm that it starts, see all of the queue."""
    for name in set(os.environ) - set(get_plain_environment()):
        del os.environ[name]
    # Jobs of hidden partitions would be missing.
    os.environ["SQUEUE_ALL"] = "1"


def insist(ask: Callable[[], object], patience: float, say: Callable[[str], None]) -> object:
    """Ask again while Slurm does not answer: a controller that is started anew takes its time.

    Args:
        ask: What may raise QueueError.
        patience: After so many seconds without an answer the error is raised; earlier where it is no outage.
        say: Gets a line when the first answer is missing.

    Raises:
        QueueError: The last one; at once where a command is missing or its answer cannot be read.
    """
    began, told = time.monotonic(), False
    while True:
        try:
            return ask()
        except (MissingCommandError, UnreadableAnswerError):
            raise
        except QueueError as error:
            longest = patience if is_outage(str(error)) else min(patience, BRIEF)
            if time.monotonic() > began + longest:
                raise
            if not told:
                say(f"Slurm does not answer ({error}); asking again for {longest:.0f} s")
                told = True
            time.sleep(PAUSE)
