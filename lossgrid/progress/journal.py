"""The journal that main processes of the workflow keep of a study's jobs, read back."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

JOURNAL = "logs/jobs.jsonl"
# Clocks of machines that share files may differ by so many seconds, of which some is the file system's rounding.
CLOCKS = 60.0
# Nothing was written for so many seconds: what does not say that it runs does not run.
SILENCE = 120.0


@dataclass
class MainRecord:
    """A run of the workflow.

    Attributes:
        began: When it began this study, in seconds since 1970.
        host: Where; empty where it is not known, for a journal whose first line was lost.
        pid: Its process there.
        start: When that process started, in clock ticks: pids are used again.
        executor: What runs its jobs, `local` or `slurm`.
        ended: When it ended; None where it did not say so.
        success: Whether all went well.
        heard: Time of the last line that it wrote.
    """

    began: float
    host: str = ""
    pid: int = 0
    start: str = ""
    executor: str = ""
    ended: float | None = None
    success: bool = False
    heard: float = 0.0

    def is_alive(self) -> bool | None:
        """Whether it still runs; None for a process of another host, of which only that host can tell."""
        if self.ended is not None:
            return False
        if self.host != socket.gethostname():
            return None
        return get_start(self.pid) == str(self.start)


@dataclass
class JobRecord:
    """The last that was said of a job.

    Attributes:
        rule: Name of its rule.
        event: `submitted`, `finished` or `failed`.
        at: When, in seconds since 1970.
        main: The main process that said so.
        submitted: When it was last submitted.
        earlier: When its attempt before had certainly ended; 0 where there was none.
        attempts: How often it was submitted since it last finished.
        attempt: Which of its attempts the last is to that main process, from 1: later ones ask for more.
        slurm_id: Its number on Slurm; None elsewhere.
        log: Its log, as the workflow calls it.
        slurm_log: Log that Slurm kept of it.
        state: Slurm's state at its end.
        message: What the executor said of its end.
    """

    rule: str
    event: str
    at: float
    main: MainRecord
    submitted: float
    earlier: float
    attempts: int
    log: str
    attempt: int = 1
    slurm_id: str | None = None
    slurm_log: str | None = None
    state: str | None = None
    message: str | None = None

    @property
    def since(self) -> float:
        """What was written from then on is of the last attempt, by whatever machine's clock."""
        return max(self.submitted - CLOCKS, self.earlier)


@dataclass
class StudyJournal:
    """What is known of a study's jobs.

    Attributes:
        mains: The main processes, from the first to the last.
        jobs: By log, below the study's results.
        running: Whether the last main process still runs; None where only another host can tell.
    """

    mains: list[MainRecord] = field(default_factory=list)
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    running: bool | None = False

    def is_running(self, main: MainRecord) -> bool | None:
        """Whether a main process still runs: there is one at a time, so that all but the last have ended."""
        return self.running if main is self.mains[-1] else False


def read_journal(results: Path, now: float) -> StudyJournal:
    """Read the journal of a study; an empty one where there is none.

    Args:
        results: Results folder of the study.
        now: Seconds since 1970. A journal that was written just now is that of a process that runs.
    """
    file = results / JOURNAL
    journal = StudyJournal()
    try:
        text = file.read_text(errors="replace")
        touched = file.stat().st_mtime
    except OSError:
        return journal
    mains: dict[str, MainRecord] = {}
    for event in _read_events(text):
        at = event["at"]
        main = mains.get(event["main"])
        if main is None or event["event"] == "began":
            main = mains[event["main"]] = MainRecord(at)
            journal.mains.append(main)
        main.heard = at
        if event["event"] == "began":
            for name in ("host", "pid", "start", "executor"):
                setattr(main, name, event.get(name, getattr(main, name)))
        elif event["event"] == "ended":
            main.ended, main.success = at, bool(event.get("success"))
        elif event.get("log"):
            _take(journal.jobs, results, event, main)
    if journal.mains:
        alive = journal.mains[-1].is_alive()
        journal.running = True if alive is None and now - touched < SILENCE else alive
    return journal


def get_start(pid: int) -> str | None:
    """When a process of this machine started, in clock ticks; None where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _read_events(text: str) -> Iterator[dict]:
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            # A kill has cut the line off, and the next main process may have written on behind it.
            try:
                event = json.loads(line[line.rfind('{"at"') :])
            except ValueError:
                continue
        if isinstance(event, dict) and {"at", "main", "event"} <= event.keys():
            yield event


def _take(jobs: dict[str, JobRecord], results: Path, event: dict, main: MainRecord) -> None:
    """Add what is said of one job."""
    path = event["log"]
    # The folder may be another one than that which the workflow ran in.
    name = path.partition(f"results/{results.name}/")[2] or os.path.relpath(path, results)
    before = jobs.get(name)
    is_new = before is None or before.event == "finished"
    attempts, submitted = (0, event["at"]) if is_new else (before.attempts, before.submitted)
    earlier = before.earlier if before else 0.0
    if event["event"] == "submitted":
        attempts, submitted = attempts + 1, event["at"]
        if before and before.main is not main:
            # A main process begins when the jobs of those before it have ended.
            earlier = main.began
        elif before and before.event != "submitted":
            earlier = before.at
    told = {key: event.get(key) for key in ("slurm_id", "slurm_log", "state", "message")}
    jobs[name] = JobRecord(
        event.get("rule", ""),
        event["event"],
        event["at"],
        main,
        submitted,
        earlier,
        attempts,
        path,
        attempt=event.get("attempt") or 1,
        **told,
    )
