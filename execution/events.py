"""What Snakemake says of its jobs, listened to: their ends go into the journal, and failures are told by kind."""

import logging
from collections.abc import Callable
from pathlib import Path

from execution.journal import Journal
from lossgrid.progress.failures import explain_failure

# Enough for the last traceback.
TAIL = 64 * 1024


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

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of the log."""
        try:
            match getattr(record, "event", None):
                case "job_finished":
                    self.journal.note_success(record.job_id)
                case "job_error":
                    self.take_failure(record)
        except Exception:
            self.handleError(record)

    def take_failure(self, record: logging.LogRecord) -> None:
        """Write a failure down and say its kind."""
        number = record.jobid
        external = self.journal.jobs.get(number, {}).get("slurm_id")
        slurm_log = next((log for log in map(str, record.log) if "slurm_logs" in Path(log).parts), None)
        about = self.journal.note_failure(number, record.rule_msg, slurm_log, self.states.get(external or ""))
        if about:
            failure = explain_failure(about["state"], read_tail(slurm_log), read_tail(about["log"]))
            self.say(
                f"{about['log']}: {failure.kind}: {failure.line or 'no word of it'}\n{failure.kind.remedy}"
            )


def read_tail(file: str | None) -> str:
    """The end of a log; nothing where there is none."""
    try:
        with open(file or "", "rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - TAIL))
            return log.read().decode(errors="replace")
    except OSError:
        return ""
