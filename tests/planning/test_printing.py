"""The estimate as it stands on a screen."""

import io
import re

import pytest
from rich.console import Console

from lossgrid.planning.estimate import Estimate, estimate_study
from lossgrid.planning.printing import print_estimate


def render(estimate: Estimate, width: int) -> str:
    """The screen as text, without blanks at the ends of lines."""
    console = Console(width=width, file=io.StringIO())
    print_estimate(estimate, console)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_a_served_judge_without_a_size_takes_the_largest_gpus(mini, vary):
    """Nothing in the study says how large its model is; a number would be made up."""
    served = vary(mini, judge={"command": "vllm serve judge --port {port}", "gpus": 2})
    assert "the largest" in render(estimate_study(served, 2), 200)
    named = vary(served, judge={"gpu_memory_gb": 80.0, "memory_gb": 150.0})
    text = render(estimate_study(named, 2), 200)
    assert "the largest" not in text
    (judging,) = [line for line in text.splitlines() if "judge_responses mt_bench" in line]
    assert re.search(r" 151 GB .* 80 GB$", judging)


@pytest.fixture
def on_gpus(mini, vary):
    """A study with all columns: GPUs of its own and those of its judge."""
    served = {"command": "vllm serve judge --port {port}", "gpus": 2}
    return vary(mini, device="gpu", training={"processes": 8, "deepspeed": "zero3"}, judge=served)


@pytest.mark.parametrize("width", [45, 60, 80, 100])
def test_names_stay_whole_on_a_narrow_screen(mini, on_gpus, width):
    """`make_co…` and `judge_re…` are no steps that anybody knows."""
    for study in (mini, on_gpus):
        text = render(estimate_study(study, 2), width)
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width
        for name in ("compute_reference_logps", "judge_responses alpaca_eval", "score_judgments summaries"):
            assert any(f"{line.strip()}  ".startswith(f"{name}  ") for line in text.splitlines())


def test_what_weighs_least_is_left_out_first(on_gpus):
    """GPU memory decides where a job can run at all; CPU-hours beside GPUs decide nothing."""
    headings = {
        width: next(
            line for line in render(estimate_study(on_gpus, 2), width).splitlines() if "step" in line
        ).split()
        for width in (200, 80)
    }
    assert {"CPU-hours", "GPUs", "GPU-hours"} <= set(headings[200])
    assert "CPU-hours" not in headings[80]
    assert {"jobs", "each", "memory", "GPU"} <= set(headings[80])


def test_the_number_of_jobs_at_once_stands_beside_what_depends_on_it(mini):
    """On a cluster, days and terabytes are those of a hundred jobs, not of two."""
    for number, words in ((1, "1 job at once"), (100, "100 jobs at once")):
        lines = render(estimate_study(mini, number), 200).splitlines()
        (wall,) = [line for line in lines if line.startswith(f"With {words} (--jobs): about ")]
        assert re.search(r" without queues, and .* of disk, of which .* are kept\.$", wall)
        assert any(line.strip().startswith(f"checkpoints, {words}") for line in lines)
