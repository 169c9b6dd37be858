"""The estimate as it stands on a screen."""

import io
import re

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
