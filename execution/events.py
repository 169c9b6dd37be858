"""What Snakemake says of its jobs, listened to: their ends go into the journal, and failures are told by kind."""

import logging
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path

from execution.journal import Journal
from lossgrid.progress.logs import read_failure

# What the executor of this machine says of a failed command stands in a line of its own, shortly before.
KEPT_ERRORS = 100
# Bytes; no step of a study does with less.
LEAST_FREE = 1_000_000


class JobListener(logging.Handler):
    """Takes the end of each job from Snakemake's log.

    Args:
        journal: Gets them.
        states: The last state of a job of Slurm, by its id.
        say: Gets a line for each failure.
    """

    def __init__(self, journal: Journal, states: dict[str, str], say: Callable[[str], None]):
        super().__init__()
        self.journal, self.states, self.say = journal, states, say
        self.errors: deque[str] = deque(maxlen=KEPT_ERRORS)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of the log."""
        try:
            match getattr(record, "event", None):
                case "job_info":
                    log = next(iter(map(str, record.log)), None)
                    self.journal.note_plan(record.jobid, record.rule_name, record.wildcards, log)
                case "job_finished":
                    self.journal.note_success(record.job_id)
                case "error":
                    self.errors.append(record.getMessage())
                case "job_error":
                    self.take_failure(record)
        except Exception:
            self.handleError(record)

    def take_failure(self, record: logging.LogRecord) -> None:
        """Write a failure down and say its kind."""
        number, message = record.jobid, record.rule_msg
        known = self.journal.jobs.get(number, self.journal.planned.get(number, {}))
        slurm_log = next((log for log in map(str, record.log) if "slurm_logs" in Path(log).parts), None)
        if message is None and known.get("log"):
            # The command, which that line quotes, names the log.
            message = next((text for text in reversed(self.errors) if known["log"] in text), None)
        about = self.journal.note_failure(
            number, message, slurm_log, self.states.get(known.get("slurm_id", ""))
        )
        if about:
            said = "\n".join(filter(None, [message, describe_full_disk(Path(about["log"]).parent)]))
            failure = read_failure(about["log"], slurm_log, about["state"], said)
            self.say(
                f"{about['log']}: {failure.kind}: {failure.line or 'no word of it'}\n{failure.kind.remedy}"
            )


def describe_full_disk(folder: Path) -> str:
    """An error's line where the disk of a folder is full: a log that lies on it cannot say so itself.

    Args:
        folder: That is there or not.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f"OSError: [Errno 28] No space left on device: '{folder}'" if free < LEAST_FREE else ""
