"""A copy of the repository whose study runs on a private cluster, by the command that users type."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from compare_results import hash_results
from processes import find_python
from slurm_cluster import Cluster
from working_copy import copy_tracked_files, get_environment

COMMAND = ("snakemake", "--profile", "slurm")
# What slurm/site.yaml says of the private cluster.
SITE = """\
account: lab
partitions: {{cpu: {partition}, gpu: gpu}}
gpu_model: a100
software: host
"""


@dataclass(frozen=True)
class Job:
    """A job as squeue shows it.

    Attributes:
        id: Slurm's number.
        state: Slurm's word, such as RUNNING.
        node: Where it runs.
        started: Seconds since 1970, None for a job that has not started.
        name: What Snakemake says of it: `{rule}_wildcards_{wildcards}`.
    """

    id: str
    state: str
    node: str
    started: float | None
    name: str

    @property
    def rule(self) -> str:
        """Its rule."""
        return self.name.partition("_wildcards_")[0]


class ClusterStudy:
    """One study in one copy of the repository.

    Args:
        folder: Of the copy.
        study: Name of the study, the only one that is built.
        targets: Of the command line; without any, the whole study.
        cluster: Where it runs; None for a study that runs on this machine only.
    """

    def __init__(
        self, folder: Path, study: str, targets: tuple[str, ...] = (), cluster: Cluster | None = None
    ):
        self.folder, self.study, self.targets, self.cluster = folder.resolve(), study, targets, cluster
        self.results = self.folder / "results" / study
        self.log = self.folder.with_name(f"{self.folder.name}.log")
        self.process: subprocess.Popen | None = None
        self.commands = 0

    def run_locally(self) -> dict[str, str]:
        """Run it undisturbed on this machine; the hashes of its results."""
        command = ["snakemake", "--profile", "profiles/local", *self.targets]
        with self.log.open("ab") as log:
            subprocess.run(
                command, cwd=self.folder, env=get_environment(), stdout=log, stderr=log, check=True
            )
        return hash_results(self.results)

    def choose_partition(self, partition: str) -> None:
        """The partition of its jobs, none of which wants a GPU."""
        (self.folder / "slurm" / "site.yaml").write_text(SITE.format(partition=partition))

    def start(self) -> None:
        """Give the command."""
        self.commands += 1
        self.process = self.give_command(self.log)

    def start_again(self) -> None:
        """Kill the main process and give the same command, while jobs may run."""
        self.process.kill()
        self.process.wait()
        self.start()

    def give_command(self, log: Path) -> subprocess.Popen:
        """Start a main process."""
        with log.open("ab") as file:
            return subprocess.Popen(
                [*COMMAND, *self.targets],
                cwd=self.folder,
                env=get_environment(self.cluster.get_environment() if self.cluster else os.environ),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def stop(self) -> None:
        """End the main process and cancel its jobs, whatever they do."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        deadline = time.monotonic() + 60
        while (jobs := self.list_active()) and time.monotonic() < deadline:
            self.cluster.attempt("scancel", *(job.id for job in jobs))
            time.sleep(0.5)

    def remove_results(self, shared: bool) -> None:
        """Forget what was made.

        Args:
            shared: Also what all cells have in common.
        """
        kept = set() if shared else {"corpus", "pairs", "prompts", "reference", "sft", "logs"}
        for path in self.results.glob("*"):
            if path.name not in kept:
                shutil.rmtree(path)
        (self.results / "logs" / "jobs.jsonl").unlink(missing_ok=True)

    def list_jobs(self) -> list[Job]:
        """Its jobs that Slurm still knows; none where Slurm does not answer."""
        answer = self.cluster.attempt("squeue", "-h", "-t", "all", "-o", "%i|%T|%N|%S|%Z|%k") or ""
        rows = [line.split("|", 5) for line in answer.splitlines() if line.count("|") >= 5]
        return [
            Job(number, state, node, _read_time(started), comment.removeprefix("rule_"))
            for number, state, node, started, folder, comment in rows
            if folder == str(self.folder)
        ]

    def list_active(self, *states: str) -> list[Job]:
        """Its jobs in some states, by default those that have not ended."""
        wanted = states or ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED")
        return [job for job in self.list_jobs() if job.state in wanted]

    def read_journal(self) -> list[dict]:
        """What its main processes have noted of its jobs."""
        journal = self.results / "logs" / "jobs.jsonl"
        if not journal.exists():
            return []
        # A full disk breaks lines off.
        lines = [line for line in journal.read_text().splitlines() if line.endswith("}")]
        return [json.loads(line) for line in lines]

    def get_cell(self, job: Job) -> str:
        """The cell that a job trains: `{objective}/{setting}/seed~{seed}`; empty for other jobs."""
        for folder in self.results.glob("cells/*/*/seed~*"):
            objective, setting, seed = folder.relative_to(self.results / "cells").parts
            wildcards = f"{self.study}_{objective}_{setting}_{seed.removeprefix('seed~')}"
            if job.name == f"train_cell_wildcards_{wildcards}":
                return f"{objective}/{setting}/{seed}"
        return ""

    def get_steps(self, cell: str) -> int:
        """The steps that a cell in training has done."""
        folder = self.results / "cells" / cell / "checkpoints"
        return max((log.read_bytes().count(b"\n") for log in folder.glob("*/training.jsonl")), default=0)

    def read_resumption(self, cell: str, since: float) -> list[int]:
        """The step after which the training that began at a time goes on; nothing where its log does not say yet."""
        log = self.results / "logs" / "train_cell" / f"{cell}.log"
        if not log.exists() or log.stat().st_mtime < since:
            return []
        said = re.search(r"^(?:starting afresh|resuming after step (\d+))$", log.read_text(), re.M)
        return [int(said[1] or 0)] if said else []

    def find_work(self, job: Job) -> list[int]:
        """Pids of the script that a job runs."""
        cell = self.get_cell(job)
        return find_python(
            self.folder, f"workflow_scripts/{job.rule}.py", *(["--cell", cell] if cell else [])
        )


def copy_repository(folder: Path, study: str, study_text: str | None = None) -> None:
    """Copy what git would commit, with one study as the one that is built.

    Args:
        folder: Where to.
        study: Its name.
        study_text: The study, where it is none of the repository's.
    """
    copy_tracked_files(folder)
    if study_text:
        (folder / "studies" / f"{study}.yaml").write_text(study_text)
    configuration = folder / "config.yaml"
    lines = configuration.read_text().splitlines()
    lines = [f"studies: [{study}]" if line.startswith("studies:") else line for line in lines]
    configuration.write_text("\n".join(lines) + "\n")


def _read_time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
