"""Win rates of summaries: a post counts once, however many rows it has."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.win_rate import describe_win_rate

RUN_COLUMNS = ["cell", "objective", "title", "label", "seed"]
COLUMNS = [
    *RUN_COLUMNS, "opponent", "win_rate", "standard_error", "per_row_win_rate", "per_row_standard_error", "rows",
    "posts", "n_ok", "n_parse_error", "n_api_error", "n_error",
]  # fmt: skip


def collect_summaries(
    runs: Sequence[Mapping[str, Any]], scores: Mapping[str, Sequence[Mapping[str, Any]]]
) -> pd.DataFrame:
    """Gather the judgments of a study's summaries.

    Args:
        runs: In order, as for `collect_leaderboard`.
        scores: Score rows by cell. Repeats above 0 are left out.

    Returns:
        A row a run and opponent: `cell`, `objective`, `title`, `label`, `seed`, `opponent`, `win_rate` in percent,
        the mean over posts of the mean over a post's rows, with its `standard_error` over posts;
        `per_row_win_rate` with its error, in which every row counts and rows are taken for independent (AlpacaEval's
        definition); `rows` and `posts` with a judgment, and the numbers of judgments by state.
    """
    lines = []
    for run in runs:
        rows = [row for row in scores.get(run["cell"], ()) if row["repeat"] == 0]
        table = pd.DataFrame(rows, columns=["post", "opponent", "state", "preference"])
        for opponent, judged in table.groupby("opponent", sort=False):
            described = {**describe_summaries(judged), "opponent": opponent}
            lines.append({**{column: run.get(column) for column in RUN_COLUMNS}, **described})
    return pd.DataFrame(lines, columns=COLUMNS).astype({"seed": "Int64"})


def describe_summaries(rows: pd.DataFrame) -> dict[str, Any]:
    """The win rate of one run over one opponent.

    Args:
        rows: With `post`, `state` and `preference` (from 1, the opponent's is better, to 2).

    Returns:
        The columns of `collect_summaries` from `win_rate` on; rates are NaN without a judgment.
    """
    judged = rows[rows["state"] == "ok"]
    by_row = describe_win_rate(pd.to_numeric(judged["preference"]))
    wins = 100 * (pd.to_numeric(judged["preference"]).astype(float).replace(0.0, 1.5) - 1)
    by_post = wins.groupby(judged["post"].to_numpy()).mean()
    value, error = np.nan, np.nan
    if len(by_post):
        estimate = estimate_mean(by_post.to_numpy(), range(len(by_post)))
        value, error = estimate.value, estimate.standard_error
    counts = {
        f"n_{state}": int((rows["state"] == state).sum()) for state in ("ok", "parse_error", "api_error")
    }
    return {
        "win_rate": value,
        "standard_error": error,
        "per_row_win_rate": by_row["win_rate"],
        "per_row_standard_error": by_row["standard_error"],
        "rows": len(judged),
        "posts": len(by_post),
        **counts,
        "n_error": counts["n_parse_error"] + counts["n_api_error"],
    }
