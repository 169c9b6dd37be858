"""The best setting of each objective, from the tables of a study. Imports no pandas: the workflow asks for it."""

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean

from lossgrid.studies import Study
from lossgrid.studies.claims import get_evaluated_metrics

# KL is no merit.
NO_MERIT = "kl"


def get_primary_metric(study: Study) -> str:
    """What the study is about: the metric of its first claim of a paired difference, KL left out, else the reward."""
    claimed = [claim.metric for claim in study.claims if claim.kind == "paired_difference"]
    measured = get_evaluated_metrics(study.model_dump())
    return next(metric for metric in (*claimed, *measured) if metric != NO_MERIT)


def list_metric_tables(metric: str) -> tuple[str, ...]:
    """The tables that say which runs are healthy and what this metric is, by name."""
    judged = {"mt_bench": "mt_bench", "win_rate": "leaderboard", "lc_win_rate": "leaderboard"}
    other = "summaries" if metric.startswith("summary_win_rate") else judged.get(metric)
    return ("cells", *([other] if other else []))


def find_best_cells(study: Study, tables: Path) -> dict[str, list[str]]:
    """The healthy runs of each objective's best setting.

    The best is the one with the highest mean, over its healthy seeds, of the study's primary metric; the first of the
    file where two are equal. A setting without a healthy run is never the best.

    Args:
        study: The study.
        tables: Folder of its tables.

    Returns:
        By objective, in the order of the study, the paths of the cells that were trained for the best setting: for
        aliases those of the cells that they stand for. Empty for an objective without a healthy run.

    Raises:
        FileNotFoundError: A table is not there.
    """
    metric = get_primary_metric(study)
    values = _read_values(tables, metric)
    best: dict[str, list[str]] = {}
    highest: dict[str, float] = {}
    settings: dict[tuple[str, str], list[str]] = {}
    for row in _read(tables / "cells.csv"):
        if row["objective"] == "sft":
            continue
        best.setdefault(row["objective"], [])
        runs = settings.setdefault((row["objective"], row["cell"].rpartition("/")[0]), [])
        run = row["alias_of"] or row["cell"]
        if row["healthy"] == "True" and math.isfinite(values.get(run, math.nan)):
            runs.append(run)
    for (objective, _), runs in settings.items():
        if runs and (mean := fmean(values[run] for run in runs)) > highest.get(objective, -math.inf):
            best[objective], highest[objective] = runs, mean
    return best


def _read_values(tables: Path, metric: str) -> dict[str, float]:
    """The metric of every run, by the path of its cell."""
    *_, table = list_metric_tables(metric)
    opponent = metric.rpartition("_")[2]
    columns = {
        "mt_bench": ("score",),
        # Of the official questions, or fitted to the study's own.
        "lc_win_rate": ("length_controlled_winrate", "lc_study"),
    }.get(metric, ("win_rate",) if table != "cells" else (metric,))
    wanted = {
        "mt_bench": {"category": "all", "turn": "all"},
        "summaries": {"opponent": opponent},
    }.get(table, {})
    return {
        row["cell"]: float(row[column])
        for row in _read(tables / f"{table}.csv")
        if all(row[key] == value for key, value in wanted.items())
        for column in columns
        if row.get(column)
    }


def _read(file: Path) -> Iterator[Mapping[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
