"""Where the numbers of a report come from: code, versions, study, machine, judge, time and money."""

import hashlib
import platform
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from lossgrid.pages.report.tables import list_records, read_table
from lossgrid.studies import Study, get_cells, get_trained_cells
from lossgrid.studies.identity import get_report_settings
from lossgrid.studies.lock import Lock
from lossgrid.training.live.machine import read_machine

# What a reader asks of the versions first.
PACKAGES = ("torch", "transformers", "trl", "accelerate", "deepspeed", "snakemake", "fschat", "alpaca-eval")


def gather_provenance(study: Study, file: Path, results: Path, lock: Path) -> dict[str, Any]:
    """Everything that says how the numbers came about.

    Args:
        study: The study.
        file: Its file.
        results: Folder of its results.
        lock: The list of versions that the environment was made of.

    Returns:
        ``facts``: pairs of a name and a text; ``judges``, ``judge_card``, ``costs``: rows of tables; ``study``: the
        study with its defaults, as YAML.
    """
    tables = results / "tables"
    resolved = yaml.safe_dump(get_report_settings(study), allow_unicode=True, sort_keys=False, width=100)
    costs = read_table(tables, "costs")
    seeds = sorted({cell.seed for cell in get_cells(study)})
    facts = [
        ("commit", describe_commit()),
        ("versions", describe_versions(lock)),
        ("study", f"{file}, with its defaults SHA-256 {hash_bytes(resolved.encode())}"),
        ("models and data", describe_repositories(study.lock)),
        ("seeds", f"{', '.join(map(str, seeds))} (training); the world has its own"),
        ("cells", describe_cells(len(get_cells(study)), len(get_trained_cells(study)))),
        ("hardware", describe_machines(results / "live", [cell.path for cell in get_trained_cells(study)])),
        ("system", f"{platform.system()}, Python {platform.python_version()} (of this page)"),
        *describe_costs(costs),
        ("made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
    ]
    return {
        "facts": [(name, text) for name, text in facts if text],
        "judges": [*list_records(read_table(tables, "judge"))],
        "judge_card": gather_judge_card(tables),
        "judge_costs": list_records(read_table(tables, "judge_costs")),
        "costs": sum_up_costs(costs),
        "study": resolved,
    }


def gather_judge_card(tables: Path) -> list[dict[str, Any]]:
    """The rows of the judge card that have an interval, or want one; counts stay in the table."""
    card = read_table(tables, "judge_card")
    return list_records(card[card["n"].notna()]) if len(card) else []


def describe_repositories(lock: Lock | None) -> str:
    """What came from the hub, at which commits; empty for a study that needs nothing of it."""
    if lock is None:
        return ""
    named = {**lock.models, **lock.datasets}
    return "; ".join(f"{name} at {locked.revision}" for name, locked in named.items())


def describe_cells(cells: int, trained: int) -> str:
    """How many, and how many of them were trained."""
    return str(cells) if cells == trained else f"{cells}, {trained} of them trained: the others are aliases"


def describe_commit() -> str:
    """The commit of the code, and whether files were changed since; empty outside of a repository."""
    commit = _ask_git("rev-parse", "HEAD")
    if not commit:
        return ""
    changed = _ask_git("diff", "--name-only", "HEAD").splitlines()
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
    return f"{named}; {len(pins)} in {lock}, SHA-256 {hash_bytes(lock.read_bytes())}"


def describe_machines(live: Path, cells: list[str]) -> str:
    """On what the cells were trained, the most frequent first.

    Args:
        live: Folder of the study's live views.
        cells: Paths of the trained cells.
    """
    notes = [read_machine(live / cell) for cell in cells]
    kinds = Counter(f"{describe_processes(note['processes'])} on {note['device']}" for note in notes if note)
    if not kinds:
        return ""
    unknown = [f"{notes.count(None)} not noted"] if None in notes else []
    return "; ".join([*(f"{count} cells by {kind}" for kind, count in kinds.most_common()), *unknown])


def describe_processes(count: int) -> str:
    """Their number in words."""
    return "one process" if count == 1 else f"{count} processes"


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


def hash_bytes(content: bytes) -> str:
    """The first 16 digits of the SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def _ask_git(*arguments: str) -> str:
    try:
        process = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return process.stdout.strip()
