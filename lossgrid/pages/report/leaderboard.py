"""The rows of the leaderboard: every cell with all that was measured of it."""

from pathlib import Path
from typing import Any

import pandas as pd

from lossgrid.pages.report.tables import get_interval, read_table
from lossgrid.statistics.leaderboard import OFFICIAL_COLUMNS, STUDY_COLUMNS
from lossgrid.studies import Study
from lossgrid.studies.reward import KNOWN_REWARD, describe_reward

# Measures that stand in the table of cells, with their columns there.
FRONTIER = {"reward": "reward", "kl": "kl", "kl_reference": "kl_reference_per_token"}

# What a row may hold, in the order of the page: its key, heading, unit and meaning. Means are 95 % intervals.
MEASURES = (
    ("lc", "win rate, length-controlled", "%", "AlpacaEval 2.0, against the opponent of the study"),
    ("win", "win rate, raw", "%", "AlpacaEval 2.0, against the opponent of the study"),
    ("mt_bench", "MT-Bench", "points of 10", "mean over questions and turns"),
    ("reward", "reward", KNOWN_REWARD.unit, KNOWN_REWARD.meaning),
    ("kl", "KL divergence", "nats", "KL(policy ‖ reference), summed over the tokens of an answer"),
    (
        "kl_reference",
        "KL divergence, reference ‖ policy",
        "nats a token",
        "of the next token, a mean over the positions of prompt and answer",
    ),
)


def get_measures(study: Study) -> list[tuple[str, str, str, str]]:
    """`MEASURES` in the words of a study, whose reward may be a classifier's probability."""
    words = describe_reward(study) or KNOWN_REWARD
    own = {"reward": ("reward", "reward", words.unit, words.meaning)}
    return [own.get(each[0], each) for each in MEASURES]


def gather_rows(tables: Path) -> list[dict[str, Any]]:
    """Every cell with its measures.

    Args:
        tables: Folder of the study's tables.

    Returns:
        A dictionary a cell in study order, the SFT model first: ``cell``, ``objective``, ``title``, ``label``,
        ``seed``, ``alias_of``, ``status`` (finished, diverged or empty), ``health`` in words, ``grad_norm``, for each
        key of ``MEASURES`` an interval where there is one, ``length`` (characters of an answer), ``n`` (what the
        measures rest on, in words) and ``failed`` (judgments without a verdict).
    """
    cells = read_table(tables, "cells")
    judged = read_table(tables, "mt_bench")
    if len(judged):
        judged = judged[(judged["category"] == "all") & (judged["turn"].astype(str) == "all")]
    scores = index_by_cell(judged)
    rates = index_by_cell(read_table(tables, "leaderboard"))
    # A study without a world's reward has its cells in the judged tables all the same.
    return [describe_row(row, scores.get(row.cell), rates.get(row.cell)) for row in cells.itertuples()]


def index_by_cell(table: pd.DataFrame) -> dict[str, Any]:
    """The rows of a table by their cell."""
    return {row.cell: row for row in table.itertuples()} if len(table) else {}


def describe_row(row: Any, score: Any, rate: Any) -> dict[str, Any]:
    """One row of the leaderboard."""
    measures = {
        **{key: _get_estimate(row, column) for key, column in FRONTIER.items()},
        "mt_bench": score and get_interval(score.score, score.score_se),
        "win": rate and get_interval(rate.win_rate, rate.standard_error),
        "lc": rate and get_length_controlled(rate),
    }
    counts = {
        "answers": row.n,
        "MT-Bench judgments": score.n_ok if score else None,
        "AlpacaEval judgments": rate.n_ok if rate else None,
    }
    failed = [each.n_parse_error + each.n_api_error for each in (score, rate) if each]
    described = {
        "cell": row.cell,
        "objective": row.objective,
        "title": row.title,
        "label": _get(row.label),
        "seed": _get(row.seed),
        "alias_of": _get(row.alias_of),
        "status": _get(row.status),
        "health": describe_health(row),
        "grad_norm": _get(row.max_grad_norm),
        **measures,
        "length": float(rate.avg_length) if rate else None,
        "n": ", ".join(f"{int(count)} {what}" for what, count in counts.items() if not _is_missing(count)),
        "failed": int(sum(failed)) if failed else None,
    }
    return {key: value for key, value in described.items() if value is not None and value != ""}


def get_length_controlled(rate: Any) -> dict[str, float] | None:
    """The length-controlled win rate, of the study's own difficulties or of AlpacaEval's."""
    for value, error in (STUDY_COLUMNS, OFFICIAL_COLUMNS):
        if hasattr(rate, value):
            return get_interval(getattr(rate, value), getattr(rate, error))
    return None


def describe_health(row: Any) -> str:
    """How the training ended, in words."""
    if _is_missing(row.status):
        return ""
    steps = f"{int(row.steps)} of {int(row.planned_steps)} steps"
    if row.status == "diverged":
        at = "" if _is_missing(row.first_nonfinite_step) else f" at step {int(row.first_nonfinite_step)}"
        return f"diverged{at}: {_get(row.reason) or 'no reason was noted'}"
    skipped = (
        ""
        if _is_missing(row.nonfinite_steps) or not row.nonfinite_steps
        else (f", {int(row.nonfinite_steps)} of them not finite")
    )
    return f"finished, {steps}{skipped}"


def _get_estimate(row: Any, column: str) -> dict[str, float] | None:
    """The interval of a column of the table of cells; None where the study does not measure it."""
    return get_interval(getattr(row, column, None), getattr(row, f"{column}_se", None))


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _get(value: Any) -> Any:
    return None if _is_missing(value) else value.item() if hasattr(value, "item") else value
