"""Verdicts on the claims that a study declares, by rules that are stated here and in every verdict's sentence.

Supported means that the whole 95 % interval lies where the claim says, refuted that it lies on the other side, and
inconclusive everything else. Two kinds have no interval to speak of: a claim that no run shows an event is refuted
by one that does, and supported only as far as its runs reach (the sentence says how many there are and what share
they leave possible); a bound on gradient norms is held against the largest norm that was measured.

The intervals of means are over the held-out chats, with the trained policies as they are: how much another training
seed would differ is not in them, so the sentences name each seed's own value. The intervals of shares treat the
runs as draws of equal standing, although they differ in their settings.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm, t

from lossgrid.statistics.cells_table import read_scores
from lossgrid.statistics.clustered import estimate_mean
from lossgrid.studies import Study
from lossgrid.studies.claims import Bound, PairedDifference, ProportionOfRuns

CONFIDENCE = 0.95
POWER = 0.8
COLUMNS = [
    "claim", "statement", "kind", "verdict", "effect", "low", "high", "n", "runs", "detail", "threshold",
    "predicted_low", "predicted_high",
]  # fmt: skip
EVENTS = {
    "diverged": "diverged",
    "nonfinite": "met a loss, gradient or weight that is not finite",
    "below_sft": "ended below the SFT model's reward with their whole interval",
    "failed": "diverged or ended below the SFT model's reward with their whole interval",
}
UNITS = {"reward": "points", "kl": "nats"}


def evaluate_claims(study: Study, results: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """Judge every claim of a study.

    Args:
        study: The study.
        results: Its results folder, with `sft/scores` and the `scores` of every trained cell.
        cells: Table written by `collect_results`.

    Returns:
        A row a claim, in the order of the file: `claim` (its id), `statement`, `kind`, `verdict` (supported,
        refuted or inconclusive), `effect` with the ends `low` and `high` of its 95 % interval (a share of runs,
        a difference, the largest value; no interval for a gradient norm), `n` observations (runs, pairs of
        responses, steps or responses) of so many `runs`, `detail` (the numbers in a sentence), `threshold` (share
        or bound) and the ends of the `predicted` interval. An alias counts as the run that was trained for it, once.

    Raises:
        ValueError: Two runs that a claim compares did not answer the same chats.
    """
    trained = _find_runs(cells)
    rows = []
    for claim in study.claims:
        judge: Callable = {
            "proportion_of_runs": _judge_proportion,
            "bound": _judge_bound,
            "paired_difference": _judge_difference,
        }[claim.kind]
        declared = {"claim": claim.id, "statement": claim.statement, "kind": claim.kind}
        rows.append({**declared, **judge(claim, trained, results)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _find_runs(cells: pd.DataFrame) -> pd.DataFrame:
    """Every cell but the SFT model, with its `reference` (objective/setting) and the `run` trained for it."""
    trained = cells[cells["objective"] != "sft"]
    return trained.assign(
        reference=trained["cell"].str.rpartition("/")[0],
        run=trained["alias_of"].replace("", np.nan).fillna(trained["cell"]),
    )


def _select(trained: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """The trained runs of the cells that a pattern matches."""
    matching = trained[[fnmatchcase(reference, pattern) for reference in trained["reference"]]]
    return matching.drop_duplicates("run")


def _judge_proportion(claim: ProportionOfRuns, trained: pd.DataFrame, _results: Path) -> dict:
    """The exact (Clopper–Pearson) interval of the share of runs with the event, against the threshold."""
    runs = _select(trained, claim.cells)
    diverged = (runs["status"] == "diverged").to_numpy()
    shown = {
        "diverged": diverged,
        "nonfinite": diverged | (runs["nonfinite_steps"].astype(float) > 0).to_numpy(),
        "below_sft": _is_below_sft(runs),
        "failed": diverged | _is_below_sft(runs),
    }[claim.event]
    count, n = int(shown.sum()), len(runs)
    share, interval = count / n, binomtest(count, n).proportion_ci(CONFIDENCE, method="exact")
    low, high = float(interval.low), float(interval.high)
    said = f"{count} of {_count(n)} {EVENTS[claim.event]}"
    unscored = int(runs["reward_minus_sft"].isna().sum())
    if unscored and claim.event in ("below_sft", "failed"):
        said += f" ({unscored} without scores, which are not compared)"
    if claim.relation == "none":
        verdict = "refuted" if count else "supported"
        detail = f"{said}; the claim is that none does"
        if not count:
            detail += f", and {_count(n)} cannot exclude a share of up to {_percent(high)}"
    else:
        above, below = low > claim.threshold, high < claim.threshold
        agrees, opposes = (above, below) if claim.relation == "above" else (below, above)
        verdict = "supported" if agrees else "refuted" if opposes else "inconclusive"
        detail = (
            f"{said} ({_percent(share)}, 95 % interval {_percent(low)} to {_percent(high)}); the claim is a share "
            f"{claim.relation} {_percent(claim.threshold)}"
        )
    numbers = {"verdict": verdict, "effect": share, "low": low, "high": high, "n": n, "runs": n}
    return {**numbers, "threshold": claim.threshold, "detail": f"{detail}."}


def _is_below_sft(runs: pd.DataFrame) -> np.ndarray:
    reach = _get_quantile(runs["chats"].to_numpy(float)) * runs["reward_minus_sft_se"].to_numpy(float)
    return runs["reward_minus_sft"].to_numpy(float) + reach < 0


def _judge_bound(claim: Bound, trained: pd.DataFrame, _results: Path) -> dict:
    """The largest value of the runs, against the bound."""
    runs = _select(trained, claim.cells)
    if claim.metric == "grad_norm":
        return _judge_gradients(claim, runs)
    scored = runs[np.isfinite(runs[claim.metric].astype(float))]
    missing = len(runs) - len(scored)
    left_out = f"; {missing} without finite scores" if missing else ""
    if scored.empty:
        detail = f"none of {_count(len(runs))} has finite scores."
        return {"verdict": "inconclusive", "runs": len(runs), "threshold": claim.at_most, "detail": detail}
    largest = scored.loc[scored[claim.metric].idxmax()]
    reach = _get_quantile(largest["chats"]) * largest[f"{claim.metric}_se"]
    value, low, high = (largest[claim.metric] + side * reach for side in (0, -1, 1))
    verdict = "refuted" if low > claim.at_most else "supported" if high <= claim.at_most else "inconclusive"
    detail = (
        f"The largest mean {claim.metric} of {_count(len(runs))} is {_say(value)} {UNITS[claim.metric]} (95 % "
        f"interval {_say(low)} to {_say(high)}, {largest['n']:.0f} responses), of {largest['run']}{left_out}; the "
        f"claim is at most {_say(claim.at_most)}."
    )
    # A run without scores may hold anything.
    verdict = "inconclusive" if missing and verdict == "supported" else verdict
    numbers = {"verdict": verdict, "effect": value, "low": low, "high": high, "n": int(largest["n"])}
    return {**numbers, "runs": len(runs), "threshold": claim.at_most, "detail": detail}


def _judge_gradients(claim: Bound, runs: pd.DataFrame) -> dict:
    """A gradient that is not finite lies within no bound."""
    norms = runs["max_grad_norm"].astype(float)
    broken = int((runs["nonfinite_steps"].astype(float) > 0).sum())
    steps = int(runs["steps"].astype(float).sum())
    refuted = broken or norms.max() > claim.at_most
    where = f", of {runs.loc[norms.idxmax(), 'run']}" if norms.notna().any() else ""
    detail = (
        f"The largest finite gradient norm in {steps} steps of {_count(len(runs))} is {_say(norms.max())}{where}; "
        + (f"{_count(broken)} met a loss or gradient that is not finite; " if broken else "")
        + f"the claim is at most {_say(claim.at_most)}."
    )
    return {
        "verdict": "refuted" if refuted else "supported", "effect": norms.max(), "n": steps, "runs": len(runs),
        "threshold": claim.at_most, "detail": detail,
    }  # fmt: skip


def _judge_difference(claim: PairedDifference, trained: pd.DataFrame, results: Path) -> dict:
    """The mean difference over the same questions, seeds averaged, clustered by chat."""
    own, others = (_get_runs(trained, name) for name in (claim.cell, claim.baseline))
    folders = [*own, *others]
    scores = pd.DataFrame({folder: _read_metric(results, folder, claim.metric, own[0]) for folder in folders})
    cell, baseline = (scores[side].mean(axis=1, skipna=False) for side in (own, others))
    difference = cell - baseline
    chats = difference.index.get_level_values("id")
    estimate = estimate_mean(difference, chats)
    reach = _get_quantile(estimate.clusters) * estimate.standard_error
    low, high = estimate.value - reach, estimate.value + reach
    above, below = low > 0, high < 0
    agrees, opposes = (above, below) if claim.direction == "greater" else (below, above)
    verdict = "supported" if agrees else "refuted" if opposes else "inconclusive"
    detail = (
        f"{claim.cell} less {claim.baseline}: {_say(estimate.value, '+')} {UNITS[claim.metric]} of {claim.metric} "
        f"(95 % interval {_say(low, '+')} to {_say(high, '+')}, {estimate.n} pairs of responses in "
        f"{estimate.clusters} chats); the claim is {claim.direction} than 0"
    )
    if len(own) > 1:
        detail += f"; by its seeds {', '.join(_say((scores[run] - baseline).mean(), '+') for run in own)}"
    if len(others) > 1:
        detail += f"; by the baseline's {', '.join(_say((cell - scores[run]).mean(), '+') for run in others)}"
    broken = _find_diverged(trained, folders)
    if broken:
        # Its scores are those of the last finite weights, not of the recipe.
        verdict, detail = "inconclusive", f"{detail}; no comparison, because {', '.join(broken)} diverged"
    elif verdict == "inconclusive":
        smallest = (_get_quantile(estimate.clusters) + norm.ppf(POWER)) * estimate.standard_error
        detail += f"; a difference of {_say(smallest)} would be found with a probability of {_percent(POWER)}"
    predicted = claim.predicted or (np.nan, np.nan)
    if claim.predicted:
        detail += f"; predicted {_say(predicted[0])} to {_say(predicted[1])}, {_place(low, high, *predicted)}"
    return {
        "verdict": verdict, "effect": estimate.value, "low": low, "high": high, "n": estimate.n,
        "runs": len(folders), "detail": f"{detail}.", "predicted_low": predicted[0],
        "predicted_high": predicted[1],
    }  # fmt: skip


def _get_runs(trained: pd.DataFrame, name: str) -> list[str]:
    """The folders, below the results, of a cell's seeds."""
    if name == "sft":
        return ["sft"]
    return [f"cells/{run}" for run in trained.loc[trained["reference"] == name, "run"]]


def _read_metric(results: Path, folder: str, metric: str, first: str) -> pd.Series:
    """A score of every response of a run, by chat and turn; the first run says which chats there must be."""
    scores = read_scores(results / folder)[metric]
    if not scores.index.equals(read_scores(results / first).index):
        raise ValueError(f"{folder} and {first} answered different chats; regenerate their responses")
    return scores


def _find_diverged(trained: pd.DataFrame, folders: list[str]) -> list[str]:
    diverged = set("cells/" + trained.loc[trained["status"] == "diverged", "run"])
    return [folder.removeprefix("cells/") for folder in folders if folder in diverged]


def _place(low: float, high: float, predicted_low: float, predicted_high: float) -> str:
    if low > predicted_high or high < predicted_low:
        return f"which the interval lies {'above' if low > predicted_high else 'below'}"
    inside = predicted_low <= low and high <= predicted_high
    return "which holds the whole interval" if inside else "which the interval overlaps"


def _get_quantile(clusters: float | np.ndarray) -> float | np.ndarray:
    return t.ppf((1 + CONFIDENCE) / 2, clusters - 1)


def _say(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3g}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _count(runs: int) -> str:
    return f"{runs} run{'' if runs == 1 else 's'}"
