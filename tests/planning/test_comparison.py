"""Estimates beside measurements, from the files that a run leaves."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from lossgrid.planning.comparison import compare_steps, print_comparison
from lossgrid.planning.estimate import estimate_study
from lossgrid.planning.measured import read_measured, read_measured_judge

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def results(tmp_path) -> Path:
    """Two cells, a judging job, a figure, and a job that is still running."""
    for name, seconds, megabytes in (
        ("train_cell/dpo/beta~0.05/seed~1", 20.0, "700.0"),
        ("train_cell/dpo/beta~0.05/seed~2", 40.0, "690.0"),
        ("judge_responses/mt_bench/shard~0", 9.0, "500.0"),
        ("plot_frontier", 3.0, "250.0"),
        ("score_frontier/sft", 0.1, "-"),
    ):
        file = tmp_path / "benchmarks" / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEADER + f"{seconds}\t0:00:20\t{megabytes}\t3000\t600\t620\t0\t1\t50\t15\n")
    (tmp_path / "benchmarks" / "train_sft.tsv").write_text("")
    return tmp_path


def test_the_median_job_and_the_largest_memory_are_measured(results):
    """Snakemake's MB are 2**20 bytes; what is running is left out."""
    measured = read_measured(results)
    assert set(measured) == {"train_cell", "judge_responses mt_bench", "plot_frontier", "score_frontier"}
    assert measured["train_cell"].jobs == 2
    assert measured["train_cell"].seconds == 30.0
    assert measured["train_cell"].total_seconds == 60.0
    assert measured["train_cell"].peak_bytes == 700 * 2**20


def test_the_table_of_costs_stands_in_for_files_that_are_gone(tmp_path):
    """As in an archive that keeps the tables alone."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "costs.csv").write_text(
        "rule,run,seconds,cpu_seconds,peak_memory_mb\n"
        "train_cell,dpo/beta~0.05/seed~1,20,15,700\njudge_responses,mt_bench/shard~0,9,8,\n"
    )
    measured = read_measured(tmp_path)
    assert measured["train_cell"].seconds == 20
    assert measured["judge_responses mt_bench"].peak_bytes == 0


def test_ratios_are_estimate_over_measurement(mini, results):
    """Memory is compared only where there was time to measure it."""
    estimate = estimate_study(mini, 2)
    compared = {each.name: each for each in compare_steps(estimate, results)}
    assert set(compared) == {
        "train_cell", "judge_responses mt_bench", "score_frontier", "tables, figures, pages",
    }  # fmt: skip
    cell = next(step for step in estimate.steps if step.rule == "train_cell").load
    assert compared["train_cell"].seconds_ratio == cell.seconds / 30
    assert compared["train_cell"].memory_ratio == cell.host_bytes / (700 * 2**20)
    assert compared["score_frontier"].memory_ratio is None


def test_calls_and_costs_of_the_judge_are_compared(mini, results):
    """From the table that the study writes."""
    (results / "tables").mkdir()
    (results / "tables" / "judge_costs.csv").write_text(
        "evaluation,model,server,asked,asked_from,asked_to,calls,prompt_tokens,completion_tokens,cost,"
        "ledger_calls,ledger_cost\nmt_bench,oracle,here,2016,2026-11-21,2026-11-21,2016,396960,55712,0,2016,0\n"
    )
    assert read_measured_judge(results)["mt_bench"].prompt_tokens == 396960
    console = Console(file=io.StringIO(), width=150)
    print_comparison(estimate_study(mini, 2), results, console)
    text = console.file.getvalue()
    assert "5 finished jobs took" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("mt_bench"))
    assert line.split()[:4] == ["mt_bench", "4,032", "2,016", "2.00"]


def test_nothing_is_printed_where_nothing_has_run(mini, tmp_path):
    """A study is estimated before its first job."""
    console = Console(file=io.StringIO())
    print_comparison(estimate_study(mini, 2), tmp_path, console)
    assert console.file.getvalue() == ""
