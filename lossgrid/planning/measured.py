"""What the jobs of a study took when it ran, from the files that it left."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# Rules whose jobs differ by the evaluation, which stands before the shard.
BY_EVALUATION = "judge_responses"


@dataclass(frozen=True)
class Measured:
    """The finished jobs of a step.

    Attributes:
        jobs: How many.
        seconds: Wall time of the median one.
        total_seconds: Of all together.
        peak_bytes: Peak memory of the largest.
    """

    jobs: int
    seconds: float
    total_seconds: float
    peak_bytes: float


@dataclass(frozen=True)
class MeasuredJudge:
    """What one evaluation asked its judge for: calls, tokens, USD."""

    calls: int
    prompt_tokens: int
    reply_tokens: int
    dollars: float


def read_measured(results: Path) -> dict[str, Measured]:
    """The finished jobs by step (`train_cell`, `judge_responses mt_bench`); empty where nothing has run.

    Args:
        results: Results folder of a study, with the benchmark files that Snakemake writes for each job; where these
            are gone, `tables/costs.csv`, which was made from them.
    """
    rows = list(_read_benchmarks(results / "benchmarks")) or _read_costs(results / "tables" / "costs.csv")
    jobs = defaultdict(list)
    for rule, run, seconds, megabytes in rows:
        part = run.split("/")[0] if rule == BY_EVALUATION else ""
        jobs[f"{rule} {part}".rstrip()].append((seconds, megabytes))
    return {
        step: Measured(
            len(taken),
            median(seconds for seconds, _ in taken),
            sum(seconds for seconds, _ in taken),
            # Snakemake writes MB of 2**20 bytes.
            max(megabytes for _, megabytes in taken) * 2**20,
        )
        for step, taken in jobs.items()
    }


def read_measured_judge(results: Path) -> dict[str, MeasuredJudge]:
    """What every evaluation asked for, from `tables/judge_costs.csv`; empty where there is none."""
    file = results / "tables" / "judge_costs.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {
            row["evaluation"]: MeasuredJudge(
                int(row["calls"]),
                int(row["prompt_tokens"]),
                int(row["completion_tokens"]),
                float(row["cost"]),
            )
            for row in csv.DictReader(lines)
        }


def _read_benchmarks(folder: Path):
    for file in sorted(folder.rglob("*.tsv")):
        rule, _, run = str(file.relative_to(folder).with_suffix("")).partition("/")
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t"))
        # Empty while its job runs.
        if rows:
            yield rule, run, float(rows[-1]["s"]), _read_number(rows[-1]["max_rss"])


def _read_costs(file: Path):
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            (row["rule"], row["run"], float(row["seconds"]), _read_number(row["peak_memory_mb"]))
            for row in csv.DictReader(lines)
        ]


def _read_number(text: str) -> float:
    """A job that ends before Snakemake has looked at it has no memory: NA, or -."""
    try:
        return float(text)
    except ValueError:
        return 0.0
