"""What a job's files are made from, noted when the job starts and not only when its end is seen.

Snakemake notes rule, parameters and inputs of a file when its main process sees the job end. A job that outlives
its main process would leave files of unknown origin, and a later change of a loss would not be noticed in them.
The mark of being incomplete, which Snakemake sets at the same time and the job itself removes at its end, keeps a
file that was noted too early from being taken for finished.
"""

import asyncio
import threading

from snakemake.logging import logger
from snakemake.persistence.file import FilePersistence


def note_origin(persistence, job) -> None:
    """Note what the outputs of a job are made from, once they are marked as incomplete.

    Args:
        persistence: Snakemake's `workflow.persistence`.
        job: The job that starts.
    """
    if not isinstance(persistence, FilePersistence):
        # A database keeps the mark in the same record, which would be noted as finished.
        return
    failures = []

    def note():
        # In a thread, because this one may run an event loop already.
        try:
            asyncio.run(_Unmarked(persistence).finished(job))
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=note)
    thread.start()
    thread.join()
    if failures:
        logger.warning(f"{job.rule.name}: what its files are made from cannot be noted: {failures[0]}")


class _Unmarked:
    """Snakemake's persistence, on which `finished` leaves the marks of being incomplete in place."""

    def __init__(self, persistence):
        self._persistence = persistence

    def __getattr__(self, name):
        return getattr(self._persistence, name)

    def _unmark_incomplete(self, key):
        pass

    def finished(self, job):
        return type(self._persistence).finished(self, job)
