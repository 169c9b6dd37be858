"""The leaderboard of a study, in AlpacaEval's column names, and what every question adds to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from lossgrid.statistics.length_control import LengthControlled, control_length
from lossgrid.statistics.official_questions import OfficialQuestions
from lossgrid.statistics.study_difficulty import control_study
from lossgrid.statistics.win_rate import describe_win_rate
from lossgrid.studies.judging import PUBLISHED_C

RUN_COLUMNS = ["cell", "objective", "title", "label", "seed"]
RATE_COLUMNS = [
    "win_rate", "standard_error", "n_wins", "n_wins_base", "n_draws", "n_total", "discrete_win_rate", "mode",
    "avg_length",
]  # fmt: skip
COUNT_COLUMNS = ["n_ok", "n_parse_error", "n_api_error", "n_error"]
OFFICIAL_COLUMNS = ("length_controlled_winrate", "lc_standard_error")
STUDY_COLUMNS = ("lc_study", "lc_study_standard_error")
DRAW = 1.5


def collect_leaderboard(
    runs: Sequence[Mapping[str, Any]],
    scores: Mapping[str, Sequence[Mapping[str, Any]]],
    official: OfficialQuestions | None = None,
    baseline: str | None = None,
    C: float = PUBLISHED_C,
    alignment: Literal["question", "row"] = "question",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gather the AlpacaEval judgments of a study.

    Args:
        runs: In order, each with `cell` (`sft` or objective/setting/seed~1) and, as far as known, `objective`,
            `title`, `label` and `seed`.
        scores: Score rows by cell. Repeats above 0 are left out.
        official: Difficulties and gamed rows where the prompts are AlpacaEval's own and `id` is their official
            place; None for all other prompts.
        baseline: The cell that all others are compared with; it needs no scores and has 50 by construction. None
            where the baseline is no run of the study.
        C: Weight of the data against the penalty of the length control.
        alignment: How official difficulties are looked up; see `OfficialQuestions.get_difficulty`. The two differ
            only for a run with fewer rows than questions, such as some that AlpacaEval stores: judging here makes a
            row for every question, whatever became of the judgment.

    Returns:
        The leaderboard, a row a run: `cell`, `objective`, `title`, `label`, `seed`, AlpacaEval's columns (rates and
        errors in percent, `mode` always "study", `avg_length` in characters, cut to a whole number), then the
        length-controlled rate with its error, `length_controlled_winrate` and `lc_standard_error` for official
        questions, `lc_study` and `lc_study_standard_error` for others, `lc_C`, and the numbers of judgments by
        state. Unlike upstream's, these errors hold the noise of the judgments. Win rates are over `n_ok` judgments;
        a question without one enters the length-controlled rate through its prediction alone, as upstream has it.

        The questions, a row a run and question: `cell`, `id`, `win` (percent, NaN without a judgment) and `lc`
        (percent; a question without a judgment has one all the same, made of its prediction), whose means are the
        two rates.

    Raises:
        ValueError: A run has no scores, a question twice, or other questions than the others.
    """
    tables = {}
    for run in runs:
        if run["cell"] != baseline:
            tables[run["cell"]] = _tabulate(run["cell"], scores)
    if any(run["cell"] == baseline for run in runs):
        tables[baseline] = _tabulate_baseline(baseline, tables)
    controlled = _control(tables, official, baseline, C, alignment)

    columns = STUDY_COLUMNS if official is None else OFFICIAL_COLUMNS
    rows = [
        {
            **{column: run.get(column) for column in RUN_COLUMNS},
            **_describe(tables[run["cell"]]),
            **_describe_controlled(controlled.get(run["cell"]), columns),
            "lc_C": C,
        }
        for run in runs
    ]
    order = [*RUN_COLUMNS, *RATE_COLUMNS, *columns, "lc_C", *COUNT_COLUMNS]
    leaderboard = pd.DataFrame(rows, columns=order).astype({"seed": "Int64"})
    questions = pd.concat(
        [
            pd.DataFrame(
                {
                    "cell": cell,
                    "id": table.index,
                    "win": 100 * (table["preference"].to_numpy() - 1),
                    "lc": controlled[cell].pseudo_values if cell in controlled else np.nan,
                }
            )
            for cell, table in tables.items()
        ],
        ignore_index=True,
    )
    return leaderboard, questions


def _tabulate(cell: str, scores: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """State, preference and lengths by question."""
    rows = [row for row in scores.get(cell, ()) if row["repeat"] == 0]
    if not rows:
        raise ValueError(f"{cell}: no AlpacaEval scores; judge it, or name it as the baseline")
    table = pd.DataFrame(rows, columns=["id", "state", "preference", "len_baseline", "len_model"]).set_index(
        "id"
    )
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise ValueError(f"{cell}: question {twice!r} was judged twice; cut its scores anew")
    judged = table["state"] == "ok"
    preference = pd.to_numeric(table["preference"]).where(judged).replace(0.0, DRAW)
    return table.assign(preference=preference.astype(float))


def _tabulate_baseline(baseline: str, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The baseline against itself: as many draws as there are questions."""
    if not tables:
        raise ValueError(f"{baseline}: the baseline alone is no leaderboard; judge a run against it")
    lengths = next(iter(tables.values()))["len_baseline"]
    return pd.DataFrame({"state": "ok", "preference": DRAW, "len_baseline": lengths, "len_model": lengths})


def _control(tables, official, baseline, C, alignment) -> dict[str, LengthControlled]:
    """The length-controlled rates of all runs with a judgment."""
    controlled = {}
    if baseline in tables:
        halves = np.full(len(tables[baseline]), 50.0)
        controlled[baseline] = LengthControlled(50.0, 0.0, (0.0, 0.0, 0.0), halves)
    judged = {
        cell: table
        for cell, table in tables.items()
        if cell != baseline and table["preference"].notna().any()
    }
    if official is not None:
        for cell, table in judged.items():
            difficulty = official.get_difficulty(table.index, alignment)
            texts = table["preference"], table["len_baseline"], table["len_model"]
            controlled[cell] = control_length(*texts, difficulty, official.gamed, C)
    elif judged:
        first = next(iter(judged))
        for cell, table in judged.items():
            if not table.index.equals(judged[first].index):
                raise ValueError(
                    f"{cell} and {first} answered different prompts; regenerate their responses and judge them"
                )
        texts = [
            np.array([table[name] for table in judged.values()], float)
            for name in ("preference", "len_baseline", "len_model")
        ]
        controlled |= zip(judged, control_study(*texts, C), strict=True)
    return controlled


def _describe(table: pd.DataFrame) -> dict[str, Any]:
    states = table["state"].value_counts()
    counts = {f"n_{state}": int(states.get(state, 0)) for state in ("ok", "parse_error", "api_error")}
    return {
        **describe_win_rate(table["preference"]),
        "mode": "study",
        # Cut, not rounded, as upstream prints it.
        "avg_length": int(table["len_model"].mean()),
        **counts,
        "n_error": counts["n_parse_error"] + counts["n_api_error"],
    }


def _describe_controlled(controlled: LengthControlled | None, columns: tuple[str, str]) -> dict[str, float]:
    values = (np.nan, np.nan) if controlled is None else (controlled.win_rate, controlled.standard_error)
    return dict(zip(columns, values, strict=True))
