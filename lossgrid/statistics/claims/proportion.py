"""Claims about the share of runs that show an event."""

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from lossgrid.statistics.claims.finding import Finding, count, lean, percent
from lossgrid.statistics.judged_metrics import METRICS
from lossgrid.statistics.paired import CONFIDENCE, get_quantile
from lossgrid.statistics.quality import Quality
from lossgrid.studies.claims import BELOW_SFT, ProportionOfRuns

EVENTS = {
    "diverged": "diverged",
    "nonfinite": "met a loss, gradient or weight that is not finite",
    "below_sft": "ended below the SFT model's {quality} with their whole interval",
    "failed": "diverged or ended below the SFT model's {quality} with their whole interval",
}


def judge_proportion(claim: ProportionOfRuns, trained: pd.DataFrame, quality: Quality | None) -> Finding:
    """The exact (Clopper–Pearson) interval of the share, and the exact binomial test against the threshold.

    The runs count as draws of equal standing, although they differ in their settings. A claim that no run shows
    the event is refuted by one that does, and supported only as far as its runs reach, which the sentence says.

    Args:
        claim: The claim.
        trained: Table of `find_runs`.
        quality: What a run lies below the SFT model by; None where the study measures nothing of the kind, and then
            no claim is about it.
    """
    runs = select_runs(trained, claim.cells)
    diverged = (runs["status"] == "diverged").to_numpy()
    compares = claim.event in BELOW_SFT
    below = _is_below_sft(runs, quality) if compares else np.zeros(len(runs), bool)
    shown = {
        "diverged": diverged,
        "nonfinite": diverged | (runs["nonfinite_steps"].astype(float) > 0).to_numpy(),
        "below_sft": below,
        "failed": diverged | below,
    }[claim.event]
    events, n = int(shown.sum()), len(runs)
    share, interval = events / n, binomtest(events, n).proportion_ci(CONFIDENCE, method="exact")
    low, high = float(interval.low), float(interval.high)
    numbers = {"effect": share, "low": low, "high": high, "n": n, "runs": n, "threshold": claim.threshold}
    event = EVENTS[claim.event].format(quality=METRICS[quality.metric].name if quality else "")
    said = f"{events} of {count(n)} {event}"
    unscored = int(runs[quality.difference].isna().sum()) if compares else 0
    if unscored:
        said += f" ({unscored} without scores, which are not compared)"
    if claim.relation == "none":
        detail = f"{said}; the claim is that none does"
        if not events:
            detail += f", and {count(n)} cannot exclude a share of up to {percent(high)}"
        return Finding(lean(not events, events > 0), detail, numbers)
    above, below = low > claim.threshold, high < claim.threshold
    agrees, opposes = (above, below) if claim.relation == "above" else (below, above)
    detail = (
        f"{said} ({percent(share)}, 95 % interval {percent(low)} to {percent(high)}); the claim is a share "
        f"{claim.relation} {percent(claim.threshold)}"
    )
    return Finding(lean(agrees, opposes), detail, numbers, get_p_of_share(events, n, claim.threshold))


def get_p_of_share(events: int, runs: int, share: float) -> float:
    """Two-sided p-value of a share by the exact binomial test: twice the smaller tail.

    It is below 5 % exactly where the Clopper–Pearson interval leaves the share out, which is not so for the test that
    adds up whatever is less likely than the count (scipy's two-sided one).
    """
    tails = (binomtest(events, runs, share, alternative).pvalue for alternative in ("less", "greater"))
    return min(1.0, 2 * float(min(tails)))


def select_runs(trained: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """The trained runs of the cells that a pattern matches; an alias stands for its run, once."""
    matching = trained[[fnmatchcase(reference, pattern) for reference in trained["reference"]]]
    return matching.drop_duplicates("run")


def _is_below_sft(runs: pd.DataFrame, quality: Quality) -> np.ndarray:
    errors = runs[f"{quality.difference}_se"].to_numpy(float)
    reach = get_quantile(runs[quality.difference_count].to_numpy(float)) * errors
    return runs[quality.difference].to_numpy(float) + reach < 0
