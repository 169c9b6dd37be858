"""The estimate of a study beside what its jobs took when it ran."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lossgrid.planning.estimate import Estimate
from lossgrid.planning.jobs import TABLES
from lossgrid.planning.measured import Measured, MeasuredJudge, read_measured, read_measured_judge
from lossgrid.planning.spelling import spell_bytes, spell_dollars, spell_seconds
from lossgrid.planning.tables import build_table

# Jobs that are over before Snakemake looks at them have no memory to compare.
SHORTEST_SECONDS = 1.0


@dataclass(frozen=True)
class Comparison:
    """A step as estimated and as measured.

    Attributes:
        name: Of the step.
        seconds: Of one job: estimated.
        peak_bytes: Peak memory: estimated.
        measured: What was found.
    """

    name: str
    seconds: float
    peak_bytes: float
    measured: Measured

    @property
    def seconds_ratio(self) -> float:
        """Estimated over measured wall time."""
        return self.seconds / self.measured.seconds

    @property
    def memory_ratio(self) -> float | None:
        """Estimated over measured memory; None where there was too little time to measure it."""
        short = self.measured.seconds < SHORTEST_SECONDS or not self.measured.peak_bytes
        return None if short else self.peak_bytes / self.measured.peak_bytes


def compare_steps(estimate: Estimate, results: Path) -> list[Comparison]:
    """Every step that has finished jobs, in the order of the workflow.

    Args:
        estimate: Of the study.
        results: Its results folder.
    """
    measured = read_measured(results)
    known = {step.name for step in estimate.steps}
    # All that is no step of its own is a table or a figure.
    others = [each for name, each in measured.items() if name not in known]
    if others:
        measured[TABLES] = Measured(
            sum(each.jobs for each in others),
            sum(each.total_seconds for each in others) / sum(each.jobs for each in others),
            sum(each.total_seconds for each in others),
            max(each.peak_bytes for each in others),
        )
    return [
        Comparison(step.name, step.load.seconds, step.load.host_bytes, measured[step.name])
        for step in estimate.steps
        if step.name in measured and measured[step.name].seconds
    ]


def print_comparison(estimate: Estimate, results: Path, console: Console | None = None) -> None:
    """Print estimate and measurement side by side; nothing where nothing has run.

    Args:
        estimate: Of the study.
        results: Its results folder.
        console: Where to print; None is standard output.
    """
    console = console or Console()
    compared, judged = compare_steps(estimate, results), read_measured_judge(results)
    if compared:
        total = sum(each.measured.jobs * each.seconds for each in compared)
        taken = sum(each.measured.total_seconds for each in compared)
        console.print(
            f"What {results} shows: {sum(each.measured.jobs for each in compared):,} finished jobs took "
            f"{spell_seconds(taken)} in sum, estimated {spell_seconds(total)}: {total / taken:.2f} times as much.",
            highlight=False,
        )
        console.print(build_comparison(compared, console))
    if judged:
        console.print(build_judge_comparison(estimate, judged, console))


def build_comparison(compared: list[Comparison], console: Console) -> Table:
    """One line a step; the ratios are estimate over measurement."""
    headings = ["step", "jobs", "each", "measured", "ratio", "memory", "measured", "ratio"]
    rows = []
    for each in compared:
        row = [each.name, f"{each.measured.jobs:,}", spell_seconds(each.seconds)]
        row += [spell_seconds(each.measured.seconds), f"{each.seconds_ratio:.2f}"]
        memory = ["", "", ""]
        if each.memory_ratio is not None:
            memory = [spell_bytes(each.peak_bytes), spell_bytes(each.measured.peak_bytes)]
            memory.append(f"{each.memory_ratio:.2f}")
        rows.append([*row, *memory])
    return build_table(headings, rows, console, least=(1, 5, 2, 6))


def build_judge_comparison(estimate: Estimate, judged: dict[str, MeasuredJudge], console: Console) -> Table:
    """One line an evaluation; fewer calls than estimated are made where texts are the same."""
    headings = ["judge", "calls", "measured", "ratio", "tokens a call", "measured", "cost", "measured"]
    rows = []
    for load in estimate.judge:
        found = judged.get(load.evaluation)
        if found is None or not found.calls:
            continue
        rows.append(
            [
                load.evaluation,
                f"{load.calls:,}",
                f"{found.calls:,}",
                f"{load.calls / found.calls:.2f}",
                f"{(load.prompt_tokens + load.reply_tokens) / load.calls:,.0f}",
                f"{(found.prompt_tokens + found.reply_tokens) / found.calls:,.0f}",
                spell_dollars(load.dollars),
                f"${found.dollars:,.2f}" if found.dollars else "free",
            ]
        )
    return build_table(headings, rows, console, least=(4, 5, 1, 3))
