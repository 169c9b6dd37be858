"""A workflow of one job that is started and watched as the repository's own, and Snakemake run on it."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from marked_process import ROOT

from execution.local_processes import MARKER
from execution.start import EXECUTOR

# Seconds, much longer than anything here takes on a busy machine.
TIMEOUT = 120
OUTPUT, LOG = "results/tiny/made.txt", "results/tiny/logs/make.log"
JOURNAL = "results/tiny/logs/jobs.jsonl"
SNAKEFILE = f"""\
import sys

sys.path.insert(0, {str(ROOT)!r})

from execution.start import start_process
from execution.watch import JobWatch
from lossgrid.planning.requirements import Requirements


def get_need(rule):
    need = Requirements(8, 30.0, 8, 4000, 600) if rule == "make" else Requirements(0, 0.0, 1, 1000, 20)
    return lambda wildcards, attempt=1: need.scale(attempt)


rule make:
    output:
        {OUTPUT!r},
    params:
        setting=config.get("setting", "one"),
    log:
        {LOG!r},
    shell:
        SHELL


WATCH = JobWatch(start_process(workflow, get_need, config.get("orphans", "wait")))


onstart:
    WATCH.begin(workflow)


onsuccess:
    WATCH.end(success=True)


onerror:
    WATCH.end(success=False)
"""
# Says that it runs, and waits until the test lets it go on.
WAIT = "touch running; until [ -e go ]; do sleep 0.05; done; "
MAKE = "echo {params.setting} > {output}"


@dataclass(frozen=True)
class TinyWorkflow:
    """The workflow in a directory.

    Attributes:
        folder: The directory.
    """

    folder: Path

    def write(self, shell: str) -> "TinyWorkflow":
        """Write the Snakefile; `shell` is what the job runs."""
        (self.folder / "Snakefile").write_text(SNAKEFILE.replace("SHELL", repr(shell)))
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake to its end, its errors among its output."""
        return subprocess.run(**self.describe(*arguments), stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """Run Snakemake beside the block, and kill it where the block leaves it running."""
        # No pipe: the jobs of a process that is killed would keep it open. What a shell starts in the background has
        # interrupts switched off, and hands that down.
        with (self.folder / "said").open("w") as said:
            process = subprocess.Popen(
                **self.describe(*arguments),
                stdout=said,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run_as_cluster(self) -> subprocess.CompletedProcess:
        """Run the job as the executor plugin does inside of a job of Slurm, which outlives the main process."""
        return self.run(
            *("--target-jobs", "make:", "--allowed-rules", "make", "--force", "--mode", "remote"),
            *("--nolock", "--ignore-incomplete", "--no-hooks"),
        )

    def describe(self, *arguments: str) -> dict:
        """How Snakemake is run."""
        own = {MARKER, EXECUTOR, "SLURM_JOB_ID"}
        return {
            "args": [
                sys.executable,
                "-m",
                "snakemake",
                OUTPUT,
                "--cores",
                "1",
                "--scheduler",
                "greedy",
                *arguments,
            ],
            "cwd": self.folder,
            "env": {name: value for name, value in os.environ.items() if name not in own},
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
        }

    def read_said(self) -> str:
        """What the Snakemake that was started has said."""
        return (self.folder / "said").read_text()

    def let_go(self) -> None:
        """Let the job go on."""
        (self.folder / "go").touch()

    def is_running(self) -> bool:
        """Whether the job has begun, and the main process has noted it."""
        return (self.folder / "running").exists() and (self.folder / JOURNAL).exists() and self.is_submitted()

    def is_submitted(self) -> bool:
        """Whether the journal's last line is that the job was submitted: it is written last."""
        return self.read_journal()[-1]["event"] == "submitted"

    def read_metadata(self) -> dict | None:
        """What Snakemake has noted of the job's output; None where it has noted nothing."""
        return read_note(self.folder / ".snakemake/metadata")

    def is_incomplete(self) -> bool:
        """Whether the job's output is marked as not finished."""
        return read_note(self.folder / ".snakemake/incomplete") is not None

    @property
    def output(self) -> Path:
        """What the job makes."""
        return self.folder / OUTPUT

    def read_journal(self) -> list[dict]:
        """The lines of the journal."""
        return [json.loads(line) for line in (self.folder / JOURNAL).read_text().splitlines()]


def read_note(folder: Path) -> dict | None:
    """A note of Snakemake's on the job's output."""
    file = folder / base64.urlsafe_b64encode(OUTPUT.encode()).decode()
    return json.loads(file.read_text()) if file.exists() else None


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
