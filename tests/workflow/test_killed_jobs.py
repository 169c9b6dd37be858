"""A killed job fails, costs nothing else, and the same command makes it good."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from workflow_copy import get_environment

CELL = "dpo/beta~0.1/seed~1"
COMPARED = ("policy/model.safetensors", "training.jsonl", "health.json", "responses/heldout.jsonl")
TIMEOUT = 120


def find_process(folder: Path, text: str) -> int | None:
    """The id of a Python process that works in `folder` and whose command line holds `text`."""
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            is_python = command[0].endswith(b"python") and text.encode() in b" ".join(command)
            if is_python and (entry / "cwd").resolve() == folder.resolve():
                return int(entry.name)
        except OSError:
            continue
    return None


@pytest.mark.slow
def test_killed_training_is_redone_by_the_same_command(finished, workflow):
    """A node that dies at night must cost its own cell's last steps, not the study, nor change a bit."""
    shutil.rmtree(workflow.get_cell(CELL))
    process = subprocess.Popen(
        workflow.get_command(), cwd=workflow.folder, env=get_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + TIMEOUT
    while (pid := find_process(workflow.folder, "train_cell.py")) is None:
        assert time.monotonic() < deadline, "no training started"
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    assert "rule train_cell" in output
    assert not (workflow.get_cell(CELL) / "policy").exists()

    plan = workflow.plan()
    assert plan["train_cell"] == plan["generate_responses"] == 1
    workflow.run()
    for file in COMPARED:
        assert (workflow.get_cell(CELL) / file).read_bytes() == (finished.get_cell(CELL) / file).read_bytes()
    table = Path("results", "tiny", "tables", "cells.csv")
    assert (workflow.folder / table).read_bytes() == (finished.folder / table).read_bytes()


@pytest.mark.slow
def test_study_run_again_from_nothing_is_the_same_to_the_bit(finished, workflow):
    """Reproducible means that the numbers of a paper come out again, not numbers like them."""
    results = workflow.folder / "results" / "tiny"
    shutil.rmtree(results)
    workflow.run()
    kinds = (
        "*.safetensors",
        "training.jsonl",
        "health.json",
        "heldout.jsonl",
        "frontier.jsonl",
        "cells.csv",
        "audit.csv",
        "shapes.csv",
        "predictions.csv",
        "claims.csv",
        "*.svg",
    )
    files = [file.relative_to(results) for kind in kinds for file in results.rglob(kind)]
    # The SFT model and five cells: weights, responses and scores; five logs and health files; tables and figures.
    assert len(files) == 3 * 6 + 2 * 5 + 5 + 5
    for file in files:
        assert (results / file).read_bytes() == (finished.folder / "results" / "tiny" / file).read_bytes(), (
            file
        )
