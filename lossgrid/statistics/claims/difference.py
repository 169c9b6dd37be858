"""Claims about the difference between two settings over the same questions."""

from pathlib import Path

import numpy as np
import pandas as pd

from lossgrid.statistics.claims.finding import LEVEL, Finding, lean, percent, say
from lossgrid.statistics.judged_metrics import Metric, find_judged, read_metrics
from lossgrid.statistics.paired import POWER, compare_runs
from lossgrid.statistics.runs import find_diverged, get_folders
from lossgrid.studies.claims import PairedDifference


def judge_difference(
    claim: PairedDifference, metric: Metric, trained: pd.DataFrame, results: Path, tests: int
) -> Finding:
    """The mean difference over the same questions, seeds averaged, clustered by question, against 0.

    Args:
        claim: The claim.
        metric: What its metric is in the study.
        trained: Table of `find_runs`.
        results: Results folder of the study.
        tests: Claims of the study that have a p-value, which the smallest difference that would be found allows for.
    """
    own, others = (get_folders(trained, name) for name in (claim.cell, claim.baseline))
    scores = read_metrics(results, [*own, *others], claim.metric)
    judged = find_judged(results, scores, claim.metric)
    compared = compare_runs(scores[own], scores[others], judged.all(axis=1))
    estimate, low, high = compared.estimate, compared.low, compared.high
    agrees, opposes = (low > 0, high < 0) if claim.direction == "greater" else (high < 0, low > 0)
    leaning, p = lean(agrees, opposes), compared.p
    detail = (
        f"{claim.cell} less {claim.baseline}: {say(estimate.value, '+')} {metric.unit} of {metric.name} "
        f"(95 % interval {say(low, '+')} to {say(high, '+')}, {estimate.n} pairs of {metric.items} in "
        f"{estimate.clusters} {metric.clusters}{_say_left_out(compared.left_out, metric)}); the claim is "
        f"{claim.direction} than 0"
    )
    if estimate.value == 0 and estimate.standard_error == 0:
        detail += "; every pair has the same score on both sides"
    if len(own) > 1:
        detail += f"; by its seeds {_list(compared.seeds)}"
    if len(others) > 1:
        detail += f"; by the baseline's {_list(compared.baseline_seeds)}"
    predicted = claim.predicted or (np.nan, np.nan)
    if claim.predicted:
        detail += f"; predicted {say(predicted[0])} to {say(predicted[1])}, {_place(low, high, *predicted)}"
    broken = find_diverged(trained, [*own, *others])
    if broken:
        # Its scores are those of the last finite weights, not of the recipe.
        leaning, p, detail = (
            "inconclusive",
            np.nan,
            f"{detail}; no comparison, because {', '.join(broken)} diverged",
        )
    elif compared.left_out and not metric.judged:
        # What is left out for not being finite is not left out by chance.
        leaning, p, detail = "inconclusive", np.nan, f"{detail}; no comparison without finite scores of all"
    numbers = {
        "effect": estimate.value, "low": low, "high": high, "n": estimate.n, "runs": len(own) + len(others),
        "predicted_low": predicted[0], "predicted_high": predicted[1], "mde": compared.get_smallest(LEVEL / tests),
        "left_out": compared.left_out, **compared.describe_seeds(),
    }  # fmt: skip
    return Finding(leaning, detail, numbers, p)


def say_smallest(smallest: float, tests: int) -> str:
    """What the study would have found, had it been there."""
    least = "at least " if tests > 1 else ""
    return f"; a difference of {say(smallest)} would be found with a probability of {least}{percent(POWER)}"


def _say_left_out(pairs: int, metric: Metric) -> str:
    if not pairs:
        return ""
    if metric.judgments:
        return f", {pairs} more by prediction for want of a judgment"
    return f", {pairs} left out without both scores"


def _list(values: dict[str, float]) -> str:
    return ", ".join(say(value, "+") for value in values.values())


def _place(low: float, high: float, predicted_low: float, predicted_high: float) -> str:
    if low > predicted_high or high < predicted_low:
        return f"which the interval lies {'above' if low > predicted_high else 'below'}"
    inside = predicted_low <= low and high <= predicted_high
    return "which holds the whole interval" if inside else "which the interval overlaps"
