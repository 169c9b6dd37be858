"""The journal of jobs: a line in `results/{study}/logs/jobs.jsonl` for every start and end of a job."""

import contextlib
import json
import os
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from execution.main_process import MainProcess
from lossgrid.progress.journal import JOURNAL

_STATE = re.compile(r"SLURM status is: '(\w+)")


@dataclass
class Journal:
    """Writes what happens to the jobs of one main process.

    Attributes:
        process: The main process.
        jobs: What is known of the jobs that run, by Snakemake's number.
        planned: What is known of those that are about to.
        failed_early: Numbers of those that failed before Snakemake said that they had started: at once, in another
            thread. A start that is told after its failure would look like a job that runs.
        studies: Those whose journals have been begun.
    """

    process: MainProcess
    jobs: dict[int, dict] = field(default_factory=dict)
    planned: dict[int, dict] = field(default_factory=dict)
    failed_early: set[int] = field(default_factory=set)
    studies: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def note_plan(self, number: int, rule: str, wildcards: dict, log: str | None) -> None:
        """A job is about to start; its submission may yet be refused."""
        self.failed_early.discard(number)
        self.planned[number] = {"rule": rule, "wildcards": dict(wildcards), "log": log}

    def note_start(self, job, external: str | None = None) -> None:
        """A job was submitted, or started on this machine."""
        log = str(job.log[0]) if job.log else None
        study = get_study(log)
        about = {
            "rule": job.rule.name,
            "wildcards": dict(job.wildcards_dict),
            "log": log,
            "attempt": job.attempt,
        }
        if external is not None:
            about["slurm_id"] = external
        with self.lock:
            self.planned.pop(job.jobid, None)
            if study is None or job.jobid in self.failed_early:
                return
            self.jobs[job.jobid] = {"study": study, **about}
            self.begin(study)
            self.write(study, "submitted", **about)

    def begin(self, study: str) -> None:
        """Open the journal of a study with a line about the main process, once."""
        if study not in self.studies:
            self.studies.append(study)
            process = self.process
            self.write(
                study,
                "began",
                host=process.host,
                pid=process.pid,
                start=process.start,
                executor=process.executor,
            )

    def note_success(self, number: int) -> None:
        """A job has finished."""
        about = self.jobs.pop(number, None)
        if about:
            self.write(about.pop("study"), "finished", **about)

    def note_failure(
        self, number: int, message: str | None, slurm_log: str | None, state: str | None
    ) -> dict | None:
        """A job has failed.

        Returns:
            What was written, None for a job that has no journal.
        """
        with self.lock:
            started, planned = self.jobs.pop(number, None), self.planned.pop(number, None)
            about = started or planned
            study = about and get_study(about["log"])
            if study is None:
                return None
            self.begin(study)
            if not started:
                self.failed_early.add(number)
                if self.process.executor == "local":
                    self.write(study, "submitted", **about)
            found = _STATE.search(message or "")
            about.update(message=message, slurm_log=slurm_log, state=state or (found and found.group(1)))
            about.pop("study", None)
            self.write(study, "failed", **about)
            return {"study": study, **about}

    def end(self, success: bool) -> None:
        """The main process ends."""
        for study in self.studies:
            self.write(study, "ended", success=success)

    def write(self, study: str, event: str, **about) -> None:
        """Append a line; a journal that cannot be written, on a full disk, stops no job."""
        line = json.dumps({"at": time.time(), "main": self.process.id, "event": event, **about}, default=str)
        try:
            journal = Path("results", study, JOURNAL)
            journal.parent.mkdir(parents=True, exist_ok=True)
            with journal.open("ab+") as file:
                # A line that a full disk broke off must not take this one with it.
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 1))
                broken = end and file.read(1) != b"\n"
                file.write((b"\n" if broken else b"") + line.encode() + b"\n")
        except OSError:
            pass

    def beat(self) -> None:
        """Show, by the time of the files, that the main process is alive: other hosts cannot see it."""
        for study in self.studies:
            with contextlib.suppress(OSError):
                os.utime(Path("results", study, JOURNAL))


def get_study(log: str | None) -> str | None:
    """The study that a job belongs to, read off its log's path."""
    parts = Path(log).parts if log else ()
    return parts[1] if len(parts) > 2 and parts[0] == "results" else None
