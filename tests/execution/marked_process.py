"""Processes like those of jobs, for tests to find and end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from execution.local_processes import MARKER

ROOT = Path(__file__).resolve().parents[2]

# Both say that they are there; the second cannot be ended by asking.
PATIENT = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT}"


@contextmanager
def run_python(program: str, cwd: Path | None = None, **variables: str | None) -> Iterator[subprocess.Popen]:
    """Run a Python program beside the block, which begins with the program's first line and ends it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name, value in variables.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=cwd,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.first_line = process.stdout.readline().strip()
        yield process
    finally:
        process.kill()
        process.communicate()


def run_job(folder: Path, program: str = PATIENT, **variables: str | None):
    """Run a program that is marked as a job of a working directory."""
    return run_python(program, **{MARKER: os.path.realpath(folder), "SLURM_JOB_ID": None, **variables})


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
