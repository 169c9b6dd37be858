"""Where the numbers of a report come from: code, versions, study, machine, judge, time and money."""

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from lossgrid.pages.report.tables import list_records, read_table
from lossgrid.studies import Study, get_cells, get_trained_cells

# What a reader asks of the versions first.
PACKAGES = ("torch", "transformers", "trl", "accelerate", "deepspeed", "snakemake", "fschat", "alpaca-eval")


def gather_provenance(study: Study, file: Path, tables: Path, lock: Path) -> dict[str, Any]:
    """Everything that says how the numbers came about.

    Args:
        study: The study.
        file: Its file.
        tables: Folder of its tables.
        lock: The list of versions that the environment was made of.

    Returns:
        ``facts``: pairs of a name and a text; ``judges``, ``costs``: rows of tables; ``study``: the file's text.
    """
    costs = read_table(tables, "costs")
    seeds = sorted({cell.seed for cell in get_cells(study)})
    facts = [
        ("commit", describe_commit()),
        ("versions", describe_versions(lock)),
        ("study", f"{file}, SHA-256 {hash_file(file)}"),
        ("seeds", f"{', '.join(map(str, seeds))} (training); the world has its own"),
        (
            "cells",
            f"{len(get_cells(study))}, {len(get_trained_cells(study))} of them trained: the others are aliases",
        ),
        ("machine of this page", describe_machine()),
        *describe_costs(costs),
        ("made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
    ]
    return {
        "facts": [(name, text) for name, text in facts if text],
        "judges": [*list_records(read_table(tables, "judge"))],
        "judge_costs": list_records(read_table(tables, "judge_costs")),
        "costs": sum_up_costs(costs),
        "study": file.read_text(encoding="utf-8"),
    }


def describe_commit() -> str:
    """The commit of the code, and whether files were changed since; empty outside of a repository."""
    commit = _ask_git("rev-parse", "HEAD")
    if not commit:
        return ""
    changed = [line[3:] for line in _ask_git("status", "--porcelain").splitlines()]
    return f"{commit}{f', with changes in {len(changed)} files ({changed[0]} …)' if changed else ''}"


def describe_versions(lock: Path) -> str:
    """The versions of the packages that decide most, and the hash of the whole list."""
    if not lock.exists():
        return ""
    pins = dict(
        line.split("==")
        for line in lock.read_text(encoding="utf-8").splitlines()
        if "==" in line and line[0] != "#"
    )
    named = ", ".join(f"{name} {pins[name]}" for name in PACKAGES if name in pins)
    return f"{named}; {len(pins)} in {lock}, SHA-256 {hash_file(lock)}"


def describe_machine() -> str:
    """Processor, cores and system of this machine."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    processors = f"{os.cpu_count()} × {model or platform.machine()}"
    return f"{processors}, {platform.system()}, Python {platform.python_version()}"


def describe_costs(costs: pd.DataFrame) -> list[tuple[str, str]]:
    """Time and memory of all jobs."""
    if not len(costs):
        return []
    hours, cpu_hours = costs["seconds"].sum() / 3600, costs["cpu_seconds"].sum() / 3600
    largest = costs.loc[costs["peak_memory_mb"].idxmax()]
    return [
        (
            "time",
            f"{len(costs)} measured jobs took {hours:.2f} hours one after the other, {cpu_hours:.2f} of a processor",
        ),
        ("memory", f"at most {largest.peak_memory_mb / 1000:.2f} GB ({largest.rule})"),
    ]


def sum_up_costs(costs: pd.DataFrame) -> list[dict[str, Any]]:
    """Jobs, hours and memory by rule, the longest first."""
    if not len(costs):
        return []
    summed = costs.groupby("rule").agg(
        jobs=("seconds", "size"),
        hours=("seconds", lambda seconds: seconds.sum() / 3600),
        longest=("seconds", "max"),
        peak_memory_mb=("peak_memory_mb", "max"),
    )
    return list_records(summed.sort_values("hours", ascending=False).round(4).reset_index())


def hash_file(file: Path) -> str:
    """The first 16 digits of its SHA-256."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _ask_git(*arguments: str) -> str:
    try:
        process = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return process.stdout.strip()
