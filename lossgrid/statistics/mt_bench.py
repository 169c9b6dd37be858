"""Tables of MT-Bench: the score, or the win rate over a baseline, of each run by category and turn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lossgrid.statistics.clustered import estimate_mean

STATES = ("ok", "parse_error", "api_error")
SHARES = {"model": 1.0, "tie": 0.5, "baseline": 0.0}


def collect_mt_bench(
    scores: Mapping[str, Sequence[dict]], names: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Gather the scores of runs.

    Args:
        scores: By run, the rows of its score file.
        names: By run, its `cell`, `objective`, `title`, `label` and `seed`.

    Returns:
        For each run the rows of `summarise_scores` after its names.

    Raises:
        ValueError: See `summarise_scores`; the message names the run.
    """
    return _collect(summarise_scores, scores, names)


def collect_mt_bench_pairs(
    scores: Mapping[str, Sequence[dict]], names: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Gather the comparisons of runs; arguments and errors are those of `collect_mt_bench`.

    Returns:
        For each run the rows of `summarise_pairs` after its names.
    """
    return _collect(summarise_pairs, scores, names)


def summarise_scores(judgments: pd.DataFrame) -> pd.DataFrame:
    """The mean score of one run, of all judgments and of each category and turn.

    Args:
        judgments: Rows of a score file, with `question_id`, `category`, `turn`, `state` and `score`. Second
            questions to the judge (`repeat` above 0, where there is such a column) are left out.

    Returns:
        A row for each `category` (`all` first) and `turn` (`all`, `1`, `2`) that has judgments: `score` (points,
        1–10) of those that are `ok` and its standard error `score_se` clustered by question, NaN where there are
        none; `n_ok`, `n_parse_error`, `n_api_error`; and `questions`, the number behind the mean.

    Raises:
        ValueError: An unknown state, an `ok` without a score within 1–10, or a question judged twice in a turn.
    """
    judgments = _check(judgments)
    scores = judgments["score"].astype(float)
    wrong = judgments[(judgments["state"] == "ok") & ~scores.between(1, 10)]
    if len(wrong):
        first = wrong.iloc[0]
        raise ValueError(
            f"question {first['question_id']}, turn {first['turn']}: an ok judgment with the score "
            f"{first['score']}, which is not within 1–10; read the judge's reply again"
        )
    rows = []
    for where, part in _split(judgments.assign(score=scores)):
        ok = part[part["state"] == "ok"]
        rows.append({**where, **_estimate("score", ok["score"], ok["question_id"]), **_count(part)})
    return pd.DataFrame(rows)


def summarise_pairs(judgments: pd.DataFrame) -> pd.DataFrame:
    """The win rate of one run over its baseline, of all comparisons and of each category and turn.

    Args:
        judgments: Rows of a score file of comparisons, as for `summarise_scores` but with `baseline`, `winner` and
            `inconsistent` in place of `score`.

    Returns:
        Rows as those of `summarise_scores` with `baseline`, `win_rate` (a share, a tie is half a win) and its
        `win_rate_se`, and `n_win`, `n_tie`, `n_loss`, and `n_inconsistent`, the ties whose two orders disagree.

    Raises:
        ValueError: An unknown state, an `ok` without a winner, a question judged twice in a turn, or two baselines.
    """
    judgments = _check(judgments)
    baselines = sorted(set(judgments["baseline"]))
    if len(baselines) > 1:
        raise ValueError(f"comparisons with {' and '.join(baselines)} in one table; give each one of its own")
    ok = judgments["state"] == "ok"
    unknown = sorted({str(winner) for winner in judgments.loc[ok, "winner"] if winner not in SHARES})
    if unknown:
        raise ValueError(f"an ok comparison with the winner {unknown[0]}; known are {', '.join(SHARES)}")
    rows = []
    for where, part in _split(judgments):
        judged = part[part["state"] == "ok"]
        shares = judged["winner"].map(SHARES)
        rows.append(
            {
                "baseline": baselines[0],
                **where,
                **_estimate("win_rate", shares, judged["question_id"]),
                "n_win": int((judged["winner"] == "model").sum()),
                "n_tie": int((judged["winner"] == "tie").sum()),
                "n_loss": int((judged["winner"] == "baseline").sum()),
                "n_inconsistent": int(judged["inconsistent"].astype(bool).sum()),
                **_count(part),
            }
        )
    return pd.DataFrame(rows)


def pair_repeats(judgments: pd.DataFrame, value: str = "score") -> pd.DataFrame:
    """Set the second answers of a judge beside its first ones.

    Args:
        judgments: Rows of score files of any number of runs, with `question_id`, `turn`, `repeat`, `state`, the
            column `value`, and `run` where there is more than one.
        value: The column that is compared.

    Returns:
        `question_id`, `turn`, `repeat`, `first` and `second` (and `run`) of every second question; NaN where the
        judgment is not `ok`.

    Raises:
        ValueError: A question was judged twice in a turn.
    """
    keys = [*(["run"] if "run" in judgments else []), "question_id", "turn"]
    judgments = judgments.assign(value=judgments[value].where(judgments["state"] == "ok"))
    _refuse_twice(judgments, [*keys, "repeat"])
    first = judgments[judgments["repeat"] == 0].set_index(keys)["value"]
    second = judgments[judgments["repeat"] > 0]
    pairs = second[[*keys, "repeat"]].assign(
        first=first.reindex(pd.MultiIndex.from_frame(second[keys])).to_numpy(), second=second["value"]
    )
    return pairs.reset_index(drop=True)


def _collect(
    summarise: Callable[[pd.DataFrame], pd.DataFrame],
    scores: Mapping[str, Sequence[dict]],
    names: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    tables = []
    for run, rows in scores.items():
        try:
            table = summarise(pd.DataFrame(rows))
        except ValueError as error:
            raise ValueError(f"{run}: {error}") from None
        for place, (column, value) in enumerate(names[run].items()):
            table.insert(place, column, [value] * len(table))
        tables.append(table)
    if not tables:
        raise ValueError("no runs to make a table of")
    return pd.concat(tables, ignore_index=True).astype({"seed": "Int64"})


def _check(judgments: pd.DataFrame) -> pd.DataFrame:
    """The first questions to the judge, once each."""
    if "repeat" in judgments:
        judgments = judgments[judgments["repeat"] == 0]
    if not len(judgments):
        raise ValueError("no judgments to summarise")
    unknown = sorted(set(judgments["state"]) - set(STATES))
    if unknown:
        raise ValueError(f"a judgment with the state {unknown[0]}; known are {', '.join(STATES)}")
    _refuse_twice(judgments, ["question_id", "turn"])
    return judgments


def _refuse_twice(judgments: pd.DataFrame, keys: list[str]) -> None:
    twice = judgments[judgments.duplicated(keys)]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(
            f"{len(twice)} judgments of questions that have one, the first of question {first['question_id']}, "
            f"turn {first['turn']}; a rerun is no second sample: keep the last"
        )


def _split(judgments: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    # Without categories the whole is all there is to say.
    names = [name for name in dict.fromkeys(judgments["category"]) if name]
    if "all" in names:
        raise ValueError('a category is called "all", which is the name of the whole; give it another name')
    categories = {name: judgments["category"] == name for name in names}
    for category, own in {"all": np.ones(len(judgments), bool), **categories}.items():
        for turn in ("all", 1, 2):
            part = judgments[own & (True if turn == "all" else judgments["turn"] == turn)]
            if len(part):
                yield {"category": category, "turn": str(turn)}, part


def _estimate(name: str, values: pd.Series, questions: pd.Series) -> dict[str, float | int]:
    if not len(values):
        return {name: np.nan, f"{name}_se": np.nan, "questions": 0}
    estimate = estimate_mean(values, list(questions))
    return {name: estimate.value, f"{name}_se": estimate.standard_error, "questions": estimate.clusters}


def _count(judgments: pd.DataFrame) -> dict[str, int]:
    return {f"n_{state}": int((judgments["state"] == state).sum()) for state in STATES}
