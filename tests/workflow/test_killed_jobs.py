"""A killed job fails, costs nothing else, and the same command makes it good."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from workflow_copy import TIMEOUT, wait_for

CELL = "dpo/beta~0.1/seed~1"
COMPARED = (
    "policy/model.safetensors",
    "training.jsonl",
    "health.json",
    "responses/heldout.jsonl",
    "responses/judged.jsonl",
    "scores/frontier.jsonl",
    "scores/mt_bench.jsonl",
    "scores/alpaca_eval.jsonl",
    "scores/summaries.jsonl",
)


@pytest.mark.slow
def test_killed_training_is_redone_by_the_same_command(finished, workflow):
    """A node that dies at night must cost its own cell's last steps, not the study, nor change a bit."""
    shutil.rmtree(workflow.get_cell(CELL))
    with workflow.start() as process:
        wait_for(lambda: workflow.find_processes("train_cell.py"), "a training job")
        for pid in workflow.find_processes("train_cell.py"):
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
    for table in ("cells", "mt_bench", "leaderboard", "summaries", "comparisons"):
        file = Path("tables", f"{table}.csv")
        assert (workflow.results / file).read_bytes() == (finished.results / file).read_bytes()


@pytest.mark.slow
def test_study_run_again_from_nothing_is_the_same_to_the_bit(finished, workflow):
    """Reproducible means that the numbers of a paper come out again, not numbers like them."""
    results = workflow.results
    shutil.rmtree(results)
    workflow.run()
    kinds = (
        "*.safetensors",
        "training.jsonl",
        "health.json",
        "heldout.jsonl",
        "responses/judged.jsonl",
        "scores/*.jsonl",
        "shard~*.jsonl",
        "tables/*.csv",
        "*.svg",
    )
    files = [file.relative_to(results) for kind in kinds for file in results.rglob(kind)]
    # What jobs took, and how often a busy judge had to be asked, are no results.
    files = [file for file in files if file.name not in ("costs.csv", "judge_costs.csv")]
    # The SFT model and five cells: weights, responses of two kinds and scores of four; five logs and health files;
    # the judgments of two shards in three evaluations; tables and figures.
    assert len(files) == (1 + 2 + 4) * 6 + 2 * 5 + 2 * 3 + 11 + 8
    for file in files:
        assert (results / file).read_bytes() == (finished.results / file).read_bytes(), file
