"""The ends of logs, and what they say of a failed job."""

from pathlib import Path

from lossgrid.progress.failures import Failure, explain_failure

TAIL_BYTES = 64 * 1024


def read_failure(
    log: Path | None, slurm_log: Path | None = None, state: str | None = None, message: str | None = None
) -> Failure:
    """Why a job failed, from the ends of its logs.

    Args:
        log: Log of the rule's command; it may be missing, as where the command never began.
        slurm_log: Log that Slurm kept of the job.
        state: Slurm's state of the job, such as `TIMEOUT`; None without Slurm.
        message: What the executor said.
    """
    said = "\n".join(filter(None, [read_tail(slurm_log) if slurm_log else "", message]))
    return explain_failure(state, said, read_tail(log) if log else "")


def read_tail(file: Path, size: int = TAIL_BYTES) -> str:
    """The last bytes of a file as text, from the first whole line on; empty where it cannot be read."""
    try:
        with Path(file).open("rb") as opened:
            length = opened.seek(0, 2)
            opened.seek(max(0, length - size))
            text = opened.read(size).decode(errors="replace")
    except OSError:
        return ""
    return text.partition("\n")[2] if length > size else text
