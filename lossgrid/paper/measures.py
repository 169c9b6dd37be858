"""What was measured of each run, from all tables in one: a row a run and measure."""

from collections.abc import Iterator, Mapping

import pandas as pd

from lossgrid.studies.claims import PRIMARY

COLUMNS = ["cell", "measure", "value", "error", "n"]
FRONTIER = ("reward", "reward_minus_sft", "kl", "kl_per_token", "kl_reference_per_token")
# The primary metric of a study without a reward, less the SFT model's; the metric itself stands in its own table.
JUDGED = tuple(f"{metric}_minus_sft" for metric in PRIMARY if metric != "reward")
# The length-controlled rate of a study and the published one, with their errors; a table has either.
CONTROLLED = {
    "lc_study": "lc_study_standard_error",
    "length_controlled_winrate": "lc_standard_error",
}


def read_measures(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the measures of all runs below each other.

    Args:
        tables: Tables of a study by name, as `collect_numbers` takes them.

    Returns:
        Columns cell, measure, value, error (its standard error) and n (what it is the mean of). Measures are
        those of the tables, in their units: `reward`, `reward_minus_sft`, `kl`, `kl_per_token`,
        `kl_reference_per_token`, and without a reward its primary metric's `_minus_sft`; `mt_bench`,
        `mt_bench/{category}` and `mt_bench/turn~{turn}`; `win_rate`, `lc_win_rate` (percent); and
        `summary_win_rate_{opponent}` (percent).
    """
    readers = {
        "cells": _read_cells,
        "mt_bench": _read_mt_bench,
        "leaderboard": _read_leaderboard,
        "summaries": _read_summaries,
    }
    parts = [part for name, read in readers.items() if name in tables for part in read(tables[name])]
    measures = pd.concat([part[COLUMNS] for part in parts], ignore_index=True)
    return measures.astype({"value": float, "error": float, "n": float})


def _read_cells(cells: pd.DataFrame) -> Iterator[pd.DataFrame]:
    trained = cells[cells["alias_of"].fillna("") == ""]
    for name in FRONTIER:
        if name in trained:
            yield trained.assign(measure=name, value=trained[name], error=trained[f"{name}_se"])
    for name in JUDGED:
        if name in trained:
            errors, n = trained[f"{name}_se"], trained[f"{name}_n"]
            yield trained.assign(measure=name, value=trained[name], error=errors, n=n)


def _read_mt_bench(scores: pd.DataFrame) -> Iterator[pd.DataFrame]:
    # Compared in pairs, MT-Bench gives shares won.
    names = ("score", "score_se", 1) if "score" in scores else ("win_rate", "win_rate_se", 100)
    value, error, factor = names
    category, turn = scores["category"], scores["turn"].astype(str)
    rows = scores[(category == "all") | (turn == "all")]
    own = "mt_bench" + ("/" + rows["category"].str.replace(" ", "-")).where(rows["category"] != "all", "")
    own += ("/turn~" + rows["turn"].astype(str)).where(rows["turn"].astype(str) != "all", "")
    yield rows.assign(measure=own, value=factor * rows[value], error=factor * rows[error], n=rows["n_ok"])


def _read_leaderboard(board: pd.DataFrame) -> Iterator[pd.DataFrame]:
    columns = {"win_rate": ("win_rate", "standard_error")}
    for pair in CONTROLLED.items():
        if pair[0] in board:
            columns["lc_win_rate"] = pair
    for measure, (value, error) in columns.items():
        yield board.assign(measure=measure, value=board[value], error=board[error], n=board["n_ok"])


def _read_summaries(rates: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield rates.assign(
        measure="summary_win_rate_" + rates["opponent"],
        value=rates["win_rate"],
        error=rates["standard_error"],
        n=rates["n_ok"],
    )
