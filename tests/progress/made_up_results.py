"""A results folder as a study would leave it, made up job by job."""

import json
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from lossgrid.progress.jobs import Job, list_jobs
from lossgrid.progress.journal import get_start
from lossgrid.studies import Study, load_study
from lossgrid.training.checkpoint_folders import COMPLETE
from lossgrid.training.progress_file import PROGRESS
from lossgrid.training.training_log import TRAINING_LOG, append_record

# Every clock of these tests stands here, on a day of its own.
NOW = 1_750_000_000.0

STUDY = """\
title: Small
world: {{kind: reviews, corpus_chats: 16, pairs: 96, heldout_chats: 6}}
sft: {{learning_rate: 1e-3, epochs: 1, batch_size: 16, max_length: 160}}
training: {{learning_rate: 1e-3, epochs: 1, batch_size: 16, max_length: 160}}
{judge}
objectives:
  {objectives}
"""
JUDGE = """\
judge: {model: oracle, command: "python workflow_scripts/serve_oracle.py --port {port}"}
mt_bench: {}
alpaca_eval: {prompts: 10}
shard_size: 2
"""
OBJECTIVES = """\
dpo: {beta: [0.1, 0.5], seeds: [1, 2]}
  discopop: {beta: 0.1}
  dlrml: [{beta_kl: 0.1, beta_mix: 0.02}, {beta_kl: 0.1, beta_mix: 0.1}]"""


def write_study(folder: Path, objectives: str = OBJECTIVES, judge: str = JUDGE, name: str = "small") -> Study:
    """Write a study below a folder and load it: two of its losses are the same function, so that one is an alias."""
    (folder / "studies").mkdir(exist_ok=True)
    path = folder / "studies" / f"{name}.yaml"
    path.write_text(STUDY.format(objectives=objectives, judge=judge))
    return load_study(path)


@dataclass
class MadeUpResults:
    """Writes what jobs write.

    Attributes:
        study: The study.
        root: Where the workflow runs.
        main: Id of the main process that speaks.
    """

    study: Study
    root: Path
    main: str = "main-1"
    jobs: dict[str, Job] = field(init=False)

    def __post_init__(self):
        self.jobs = list_jobs(self.study)

    @property
    def folder(self) -> Path:
        """The study's results."""
        return self.root / "results" / self.study.name

    def find(self, rule: str, place: str = "") -> Job:
        """The job of a rule, at a place of its log's folder."""
        return self.jobs[f"logs/{rule}/{place}.log" if place else f"logs/{rule}.log"]

    def begin(self, at: float = NOW - 3600, pid: int | None = None, host: str | None = None, **about) -> None:
        """A main process begins; by default this one, which lives."""
        pid = os.getpid() if pid is None else pid
        told = {
            "host": host or socket.gethostname(),
            "pid": pid,
            "start": get_start(pid) or "0",
            "executor": "local",
        }
        self.say(at, "began", **{**told, **about})

    def say(self, at: float, event: str, job: Job | None = None, **about) -> None:
        """Append a line to the journal."""
        told = {"at": at, "main": self.main, "event": event}
        if job:
            told |= {"rule": job.rule, "wildcards": {"study": self.study.name}}
            told |= {"log": f"results/{self.study.name}/{job.log}"}
        file = self.folder / "logs/jobs.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as journal:
            journal.write(json.dumps(told | about) + "\n")
        os.utime(file, (at, at))

    def write(self, path: str, text: str = "", at: float = NOW - 1800) -> Path:
        """Write a file below the results."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (at, at))
        return file

    def finish(self, *jobs: Job, at: float = NOW - 1800, status: str = "finished", **health) -> None:
        """Write the outputs of jobs; a cell's health says `status`."""
        for job in jobs:
            for output in job.outputs:
                if Path(output).suffix:
                    self.write(output, "", at)
                else:
                    (self.folder / output).mkdir(parents=True, exist_ok=True)
            if job.rule == "train_cell":
                self.write(f"{job.run}/health.json", json.dumps({"status": status, **health}), at)

    def finish_before(self, job: Job, at: float = NOW - 1800) -> None:
        """Write the outputs of all that a job needs."""
        for need in job.needs:
            self.finish_before(self.jobs[need], at)
            self.finish(self.jobs[need], at=at)

    def start(
        self, job: Job, at: float, text: str = "starting afresh\n", written: float | None = None
    ) -> None:
        """Submit a job that begins at once, with its log last written at a moment."""
        self.say(at, "submitted", job, attempt=1)
        self.write(job.log, text, at if written is None else written)

    def fail(self, job: Job, at: float, text: str = "", **about) -> None:
        """Let a job fail with the text in its log."""
        self.write(job.log, text, at)
        self.say(at, "failed", job, **{"slurm_log": None, "message": None, "state": None, **about})

    def train(
        self,
        job: Job,
        step: int,
        at: float,
        planned: int = 128,
        first: int = 0,
        began: float = NOW - 600,
        **about,
    ) -> None:
        """Leave the files of a training run that is at a step; `checkpoint=80` with a checkpoint there."""
        folder = self.folder / job.run / "checkpoints" / about.get("identity", "identity")
        folder.mkdir(parents=True, exist_ok=True)
        progress = {"step": step, "planned_steps": planned, "first_step": first, "began": began, "at": at}
        (folder / PROGRESS).write_text(json.dumps(progress))
        append_record(folder / TRAINING_LOG, {"step": step, "loss": 0.5})
        for file in (PROGRESS, TRAINING_LOG):
            os.utime(folder / file, (at, at))
        if "checkpoint" in about:
            complete = folder / f"checkpoint-{about['checkpoint']}"
            complete.mkdir(exist_ok=True)
            (complete / COMPLETE).touch()
