"""The estimate of a study as a person reads it in a terminal."""

from math import isinf

from rich import box
from rich.console import Console
from rich.table import Table

from lossgrid.planning.estimate import Estimate
from lossgrid.planning.spelling import spell_bytes, spell_dollars, spell_hours, spell_seconds


def print_estimate(estimate: Estimate, console: Console | None = None) -> None:
    """Print what a study will take.

    Args:
        estimate: From `estimate_study`.
        console: Where to print; None is standard output.
    """
    console = console or Console()
    for line in describe_totals(estimate):
        console.print(line, highlight=False)
    console.print(build_steps(estimate))
    console.print(build_disk(estimate))
    if estimate.judge:
        console.print(build_judge(estimate))


def describe_totals(estimate: Estimate) -> list[str]:
    """The sums, in sentences."""
    hours = f"{spell_hours(estimate.cpu_seconds)} CPU-hours"
    if estimate.gpu_seconds:
        hours = f"{spell_hours(estimate.gpu_seconds)} GPU-hours and {hours} beside them"
    lines = [
        f"Study {estimate.study} on {'GPUs' if estimate.device == 'gpu' else 'the CPU'}: {estimate.jobs:,} jobs, "
        f"{hours}; about {spell_seconds(estimate.wall_seconds)} with {estimate.parallel} at once, without queues.",
        f"Disk: {spell_bytes(estimate.most_bytes)} while it runs, {spell_bytes(estimate.kept_bytes)} kept.",
    ]
    if estimate.judge:
        calls = sum(load.calls for load in estimate.judge)
        limit = "" if estimate.dollars is None else " at most"
        lines.append(f"Judge: at most {calls:,} calls, {spell_dollars(estimate.dollars)}{limit}.")
    return lines


def build_steps(estimate: Estimate) -> Table:
    """One line a step."""
    gpu = any(step.load.gpus for step in estimate.steps)
    table = start_table("step", "jobs", "each", "CPU-hours", "memory")
    if gpu:
        for heading in ("GPUs", "GPU-hours", "GPU memory"):
            table.add_column(heading, justify="right", no_wrap=True)
    for step in estimate.steps:
        load, seconds = step.load, step.jobs * step.load.seconds
        cells = ["" if load.gpus else spell_hours(load.cpus * seconds), spell_bytes(load.host_bytes)]
        if gpu and load.gpus:
            memory = "the largest" if isinf(load.gpu_bytes) else spell_bytes(load.gpu_bytes)
            cells += [str(load.gpus), spell_hours(load.gpus * seconds), memory]
        table.add_row(step.name, f"{step.jobs:,}", spell_seconds(load.seconds), *cells)
    return table


def build_disk(estimate: Estimate) -> Table:
    """One line a kind of files."""
    table = start_table("disk", "size")
    for use in estimate.disk:
        table.add_row(use.what if use.kept else f"{use.what} (while it runs)", spell_bytes(use.bytes))
    return table


def build_judge(estimate: Estimate) -> Table:
    """One line an evaluation."""
    table = start_table("judge, at most", "calls", "tokens sent", "tokens answered", "cost")
    for load in estimate.judge:
        tokens = (f"{load.prompt_tokens:,.0f}", f"{load.reply_tokens:,.0f}")
        table.add_row(load.evaluation, f"{load.calls:,}", *tokens, spell_dollars(load.dollars))
    return table


def start_table(first: str, *headings: str) -> Table:
    """A table whose first column holds names and the others numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
