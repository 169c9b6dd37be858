"""The table of the judge: what it was asked, how often it failed, how far it agrees with itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lossgrid.judging.comparisons import OPPOSITE_ORDER, SAME_ORDER
from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.mt_bench import SHARES, pair_repeats
from lossgrid.statistics.names import read_score_rows
from lossgrid.statistics.self_consistency import measure_agreement, measure_self_consistency
from lossgrid.studies import Study

AGREEMENT = ("agreement", "agreement_low", "agreement_high")
DISTANCES = (
    "mean_absolute_difference", "mean_absolute_difference_low", "mean_absolute_difference_high", "noise_sd",
    "noise_sd_low", "noise_sd_high",
)  # fmt: skip


def collect_judge(study: Study, results: Path) -> pd.DataFrame:
    """Describe the judge in every evaluation of a study.

    Args:
        study: The study, with a judge.
        results: Its results folder, with the scores of every run.

    Returns:
        A row an evaluation: `model`, `server`, `date`; the judgments that the tables count, by state: `n`, `n_ok`,
        `n_parse_error`, `n_api_error`; `pairs` of the same question asked twice with their `agreement` (share of
        equal verdicts: ratings, or which of two is preferred), the `mean_absolute_difference` and the `noise_sd` of
        one judgment (points, or preference from 0 to 1), each with the ends of its 95 % interval (`_low`, `_high`);
        for comparisons `order_pairs` of the two orders of one comparison with their `order_agreement` and its
        interval, and `first_place`, the mean preference for the text shown first where 0.5 is no bias, with its
        standard error. Errors are clustered by question, prompt, or post, over all runs.
    """
    return pd.DataFrame(
        [
            {
                "evaluation": evaluation,
                "model": study.judge.model,
                "server": study.judge.get_server(),
                "date": study.judge.date,
                **_describe(evaluation, read_score_rows(study, results, evaluation)),
            }
            for evaluation in study.get_evaluations()
        ]
    )


def _describe(evaluation: str, scores: Mapping[str, Sequence[dict]]) -> dict[str, Any]:
    table = pd.DataFrame([{"run": run, **row} for run, rows in scores.items() for row in rows])
    states = Counter(table.loc[table["repeat"] == 0, "state"])
    counts = {f"n_{state}": states[state] for state in ("ok", "parse_error", "api_error")}
    describe = _describe_preferences
    if evaluation == "mt_bench":
        describe = _describe_verdicts if "winner" in table else _describe_ratings
    return {"n": sum(counts.values()), **counts, **describe(table)}


def _describe_ratings(table: pd.DataFrame) -> dict[str, Any]:
    pairs = pair_repeats(table)
    return _measure(pairs["first"], pairs["second"], pairs["question_id"].tolist())


def _describe_verdicts(table: pd.DataFrame) -> dict[str, Any]:
    """Comparisons of MT-Bench, each of which was asked in both orders."""
    pairs = pair_repeats(table.assign(share=table["winner"].map(SHARES)), "share")
    first = table[(table["repeat"] == 0) & (table["state"] == "ok")]
    # The model's answer is shown first in the first order, and second in the second.
    model = np.array([[SHARES[verdict] for verdict in both] for both in first["verdicts"]]).reshape(-1, 2)
    clusters = first["question_id"].tolist()
    shown_first = np.concatenate([model[:, 0], 1 - model[:, 1]])
    return {
        **_measure(pairs["first"], pairs["second"], pairs["question_id"].tolist()),
        **_describe_order(model[:, 0], model[:, 1], clusters),
        **_describe_first_place(shown_first, clusters * 2),
    }


def _describe_preferences(table: pd.DataFrame) -> dict[str, Any]:
    # What was not asked, because the two texts are the same, says nothing about the judge.
    asked = table[table["key"].notna()]
    # A post may have several rows, which are read beside the same text.
    cluster = "post" if "post" in asked else "id"
    keys = [name for name in ("run", "opponent", "post", "id") if name in asked]
    preference = asked["preference"].where(asked["state"] == "ok").astype(float) - 1
    by_repeat = asked.assign(preference=preference).set_index([*keys, "repeat"])["preference"].unstack()
    by_repeat = by_repeat.reindex(columns=[0, SAME_ORDER, OPPOSITE_ORDER])
    again = by_repeat[by_repeat[SAME_ORDER].notna()]
    turned = by_repeat[by_repeat[OPPOSITE_ORDER].notna()]
    clusters = again.index.get_level_values(cluster).tolist()
    # Two preferences agree when they name the same text.
    verdicts = measure_agreement(_name(again[0]), _name(again[SAME_ORDER]), clusters)
    first = asked[(asked["repeat"] == 0) & (asked["state"] == "ok")]
    shown_first = np.where(first["swapped"], first["preference"] - 1, 2 - first["preference"])
    return {
        **_measure(again[0], again[SAME_ORDER], clusters),
        **{name: getattr(verdicts, name) for name in AGREEMENT},
        **_describe_order(
            _name(turned[0]), _name(turned[OPPOSITE_ORDER]), turned.index.get_level_values(cluster).tolist()
        ),
        **_describe_first_place(shown_first, first[cluster].tolist()),
    }


def _describe_order(one: np.ndarray, other: np.ndarray, clusters: list) -> dict[str, Any]:
    order = measure_agreement(one, other, clusters)
    return {
        "order_pairs": order.n,
        "order_agreement": order.agreement,
        "order_agreement_low": order.agreement_low,
        "order_agreement_high": order.agreement_high,
    }


def _describe_first_place(shown_first: np.ndarray, clusters: list) -> dict[str, Any]:
    if not clusters:
        return {}
    place = estimate_mean(shown_first, clusters)
    return {"first_place": place.value, "first_place_se": place.standard_error}


def _measure(first: pd.Series, second: pd.Series, clusters: list) -> dict[str, Any]:
    measured = measure_self_consistency(first.to_numpy(float), second.to_numpy(float), clusters)
    return {"pairs": measured.n, **{name: getattr(measured, name) for name in (*AGREEMENT, *DISTANCES)}}


def _name(preferences: pd.Series) -> np.ndarray:
    """Which of two texts is preferred: 1, 0, or ½ for a draw; NaN where there is no judgment."""
    values = preferences.to_numpy(float)
    return np.where(np.isnan(values), np.nan, (np.sign(values - 0.5) + 1) / 2)
