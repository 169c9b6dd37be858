"""The estimate of a study as a person reads it in a terminal."""

from math import isinf

from rich.console import Console
from rich.table import Table

from lossgrid.planning.estimate import Estimate
from lossgrid.planning.spelling import spell_bytes, spell_dollars, spell_hours, spell_seconds
from lossgrid.planning.tables import build_table

# So many columns come before those of GPUs.
GPU_COLUMNS = 5


def print_estimate(estimate: Estimate, console: Console | None = None) -> None:
    """Print what a study will take.

    Args:
        estimate: From `estimate_study`.
        console: Where to print; None is standard output.
    """
    console = console or Console()
    for line in describe_totals(estimate):
        console.print(line, highlight=False)
    console.print(build_steps(estimate, console))
    console.print(build_disk(estimate, console))
    if estimate.judge:
        console.print(build_judge(estimate, console))


def describe_totals(estimate: Estimate) -> list[str]:
    """The sums, in sentences."""
    hours = f"{spell_hours(estimate.cpu_seconds)} CPU-hours"
    if estimate.gpu_seconds:
        hours = f"{spell_hours(estimate.gpu_seconds)} GPU-hours and {hours} beside them"
    lines = [
        f"Study {estimate.study} on {'GPUs' if estimate.device == 'gpu' else 'the CPU'}: {estimate.jobs:,} jobs, "
        f"{hours}.",
        f"With {spell_parallel(estimate)} (--jobs): about {spell_seconds(estimate.wall_seconds)} without queues, and "
        f"{spell_bytes(estimate.most_bytes)} of disk, of which {spell_bytes(estimate.kept_bytes)} are kept.",
    ]
    if estimate.judge:
        calls = sum(load.calls for load in estimate.judge)
        limit = "" if estimate.dollars is None else " at most"
        lines.append(f"Judge: at most {calls:,} calls, {spell_dollars(estimate.dollars)}{limit}.")
    return lines


def build_steps(estimate: Estimate, console: Console) -> Table:
    """One line a step; the columns of GPUs stand there only where there are some."""
    headings = ["step", "jobs", "each", "CPU-hours", "memory", "GPUs", "GPU-hours", "GPU memory"]
    rows = []
    for step in estimate.steps:
        load, seconds = step.load, step.jobs * step.load.seconds
        row = [step.name, f"{step.jobs:,}", spell_seconds(load.seconds)]
        row += ["" if load.gpus else spell_hours(load.cpus * seconds), spell_bytes(load.host_bytes)]
        memory = "the largest" if isinf(load.gpu_bytes) else spell_bytes(load.gpu_bytes)
        gpus = [str(load.gpus), spell_hours(load.gpus * seconds), memory]
        rows.append([*row, *(gpus if load.gpus else ["", "", ""])])
    if not any(step.load.gpus for step in estimate.steps):
        headings, rows = headings[:GPU_COLUMNS], [row[:GPU_COLUMNS] for row in rows]
        return build_table(headings, rows, console, least=(3, 2, 1))
    return build_table(headings, rows, console, least=(3, 5, 6, 2, 4, 1))


def build_disk(estimate: Estimate, console: Console) -> Table:
    """One line a kind of files."""
    rows = [
        [use.what if use.kept else f"{use.what}, {spell_parallel(estimate)}", spell_bytes(use.bytes)]
        for use in estimate.disk
    ]
    return build_table(["disk", "size"], rows, console)


def build_judge(estimate: Estimate, console: Console) -> Table:
    """One line an evaluation."""
    headings = ["judge, at most", "calls", "tokens sent", "tokens answered", "cost"]
    rows = [
        [
            load.evaluation,
            f"{load.calls:,}",
            f"{load.prompt_tokens:,.0f}",
            f"{load.reply_tokens:,.0f}",
            spell_dollars(load.dollars),
        ]
        for load in estimate.judge
    ]
    return build_table(headings, rows, console, least=(3, 2, 1))


def spell_parallel(estimate: Estimate) -> str:
    """How many jobs run at once."""
    return f"{estimate.parallel:,} job{'s' if estimate.parallel != 1 else ''} at once"
