"""Differences between two sides that answered the same questions, with clustered intervals."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import nct, t

from lossgrid.statistics.clustered import Estimate, estimate_mean

CONFIDENCE = 0.95
POWER = 0.8
# Of the larger score: what averaging the same seeds in another order can leave of a difference of 0.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """A mean paired difference with its uncertainty over questions, and its spread over seeds beside it.

    Attributes:
        estimate: Mean difference over the pairs, its clustered standard error, and how many judged pairs and
            clusters.
        low: Lower end of the 95 % interval, by t with one degree of freedom less than clusters.
        high: Upper end.
        p: Two-sided p-value of a difference of 0, by the same t; NaN for fewer than two clusters.
        left_out: Pairs of which a judgment is missing on either side.
        seeds: Difference of each run of the own side from the other side's mean, by run.
        baseline_seeds: Difference of the own side's mean from each run of the other side, by run.
    """

    estimate: Estimate
    low: float
    high: float
    p: float
    left_out: int
    seeds: dict[str, float]
    baseline_seeds: dict[str, float]

    def get_smallest(self, level: float = 1 - CONFIDENCE) -> float:
        """The difference that the test at this level finds with a probability of 80 %; NaN where all differences are
        the same, which tells nothing of what others would spread.
        """
        if self.estimate.standard_error == 0:
            return np.nan
        return find_smallest_difference(self.estimate.standard_error, self.estimate.clusters, level)

    def describe_seeds(self) -> dict[str, float]:
        """The spread over the own side's seeds: the ends of their range, and their standard deviation."""
        values = list(self.seeds.values())
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
        return {"seed_low": min(values), "seed_high": max(values), "seed_sd": spread}


def compare_runs(own: pd.DataFrame, baseline: pd.DataFrame, judged: pd.Series | None = None) -> Comparison:
    """Compare two settings over the questions that both answered.

    Each side is the mean over its seeds, so that seeds never add to n: the interval says how much other questions
    would change the difference between these very policies, and not how much another seed would.

    Args:
        own: A column a seed, a row a question; index (cluster, item); NaN where a judgment is missing. A question
            counts only where no seed of either side lacks it, which keeps the seeds' values an exact partition of
            the difference.
        baseline: The same for the other side, with the same index.
        judged: Whether a question was judged for every run of both sides, where it can have a value without. Such a
            value is part of the mean and of its error (a length-controlled win rate is a mean over all questions),
            but no observation: it counts in `left_out`, and not in n, the clusters or the degrees of freedom. None:
            every value is an observation.

    Raises:
        ValueError: The rows of the two differ, or a side has no run.
    """
    if not own.index.equals(baseline.index) or not (judged is None or own.index.equals(judged.index)):
        raise ValueError("the two sides have different rows; read them with one call of read_metrics")
    if not (len(own.columns) and len(baseline.columns)):
        raise ValueError("a side without a run; name a setting of the study")
    complete = own.notna().all(axis=1) & baseline.notna().all(axis=1)
    observed = complete if judged is None else complete & judged
    own, baseline = own[complete], baseline[complete]
    own_mean, baseline_mean = own.mean(axis=1), baseline.mean(axis=1)
    difference = subtract(own_mean, baseline_mean)
    estimate = (
        estimate_mean(difference, difference.index.get_level_values(0))
        if len(difference)
        else Estimate(np.nan, np.nan, 0, 0)
    )
    clusters = observed.index[observed].get_level_values(0).nunique()
    estimate = replace(estimate, n=int(observed.sum()), clusters=clusters)
    low, high = get_interval(estimate)
    return Comparison(
        estimate=estimate,
        low=low,
        high=high,
        p=get_p_of_zero(estimate),
        left_out=int((~observed).sum()),
        seeds={run: float(subtract(own[run], baseline_mean).mean()) for run in own},
        baseline_seeds={run: float(subtract(own_mean, baseline[run]).mean()) for run in baseline},
    )


def subtract(own: pd.Series, baseline: pd.Series) -> pd.Series:
    """Differences, of which those that are nothing but rounding are 0: they would all but certainly have one sign."""
    difference = own - baseline
    return difference.mask(difference.abs() <= ROUNDING * np.maximum(own.abs(), baseline.abs()), 0.0)


def get_interval(estimate: Estimate) -> tuple[float, float]:
    """The 95 % interval of a clustered mean; NaN for fewer than two clusters."""
    reach = get_quantile(estimate.clusters) * estimate.standard_error
    return float(estimate.value - reach), float(estimate.value + reach)


def get_p_of_zero(estimate: Estimate) -> float:
    """Two-sided p-value of a mean of 0; 1 where all values are 0."""
    if estimate.value == 0 and estimate.standard_error == 0:
        return 1.0
    with np.errstate(divide="ignore"):
        statistic = np.abs(np.divide(estimate.value, estimate.standard_error))
    return float(2 * t.sf(statistic, estimate.clusters - 1))


def find_smallest_difference(error: float, clusters: int, level: float = 1 - CONFIDENCE) -> float:
    r"""The smallest difference that a two-sided test finds with a probability of 80 % (minimum detectable effect).

    The :math:`\delta` with :math:`P(T > t_{1-\alpha/2}) = 0.8` for a non-central t with G − 1 degrees of freedom and
    non-centrality :math:`\delta/SE`; that it is found with the wrong sign is neglected. For many clusters it is
    :math:`(z_{1-\alpha/2} + z_{0.8})\,SE`, 2.8 standard errors at 5 %.

    Args:
        error: Standard error of the difference.
        clusters: G.
        level: α of the test.

    Returns:
        In the unit of the error; NaN for fewer than two clusters.
    """
    if clusters < 2:
        return np.nan
    freedom = clusters - 1
    quantile = t.ppf(1 - level / 2, freedom)
    # The central t gives the right size, at most 30 % less.
    most = 2 * (quantile + t.ppf(POWER, freedom))
    return float(error * brentq(lambda shift: nct.sf(quantile, freedom, shift) - POWER, 0, most))


def get_quantile(clusters: float | np.ndarray) -> float | np.ndarray:
    """By how many standard errors the 95 % interval reaches to either side."""
    return t.ppf((1 + CONFIDENCE) / 2, clusters - 1)
