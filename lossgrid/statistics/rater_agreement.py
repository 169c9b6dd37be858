"""How far two judges agree about the same things, with intervals that respect clusters."""

import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.paired import CONFIDENCE, get_interval
from lossgrid.statistics.self_consistency import EQUAL, SEED, measure_agreement

RESAMPLES = 1999
# Of the draws of a bootstrap, so many may have no value, such as a correlation with what is everywhere the same.
MOST_WITHOUT_VALUE = 0.05


@dataclass(frozen=True)
class Measured:
    """A number with its 95 % interval.

    Attributes:
        value: The number; NaN where there is nothing to tell it from, as is an end of the interval.
        low: Lower end.
        high: Upper end.
        n: Observations.
        clusters: Clusters of them.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int


def measure_share(hits: Sequence[bool], clusters: Sequence[Hashable]) -> Measured:
    """The share of hits; the interval is that of `measure_agreement`."""
    share = measure_agreement(np.asarray(hits, float), np.ones(len(hits)), clusters)
    return Measured(share.agreement, share.agreement_low, share.agreement_high, share.n, share.clusters)


def measure_mean(values: Sequence[float], clusters: Sequence[Hashable]) -> Measured:
    """The mean, with the interval of Student's t by clusters."""
    if not len(values):
        return Measured(np.nan, np.nan, np.nan, 0, 0)
    estimate = estimate_mean(values, clusters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = get_interval(estimate)
    return Measured(estimate.value, low, high, estimate.n, estimate.clusters)


def measure_correlation(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[Hashable], ranks: bool = False
) -> Measured:
    """Pearson's correlation, or Spearman's, that of the ranks, in which equal values share one.

    The interval is the percentiles of a bootstrap that draws whole clusters.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)

    def correlate(chosen: np.ndarray) -> float:
        one, other = first[chosen], second[chosen]
        if ranks:
            one, other = stats.rankdata(one), stats.rankdata(other)
        one, other = one - one.mean(), other - other.mean()
        scale = np.sqrt((one @ one) * (other @ other))
        return float(one @ other / scale) if scale > 0 else np.nan

    return _bootstrap(correlate, clusters)


def measure_kappa(
    first: Sequence[Hashable], second: Sequence[Hashable], clusters: Sequence[Hashable]
) -> Measured:
    r"""Cohen's kappa of two judges' verdicts.

    .. math:: \kappa = \frac{p_o - p_e}{1 - p_e}

    with the share of equal verdicts and what it would be if the judges, each with its own shares of verdicts, knew
    nothing of the things. It is 0 for no more than that and 1 for all; NaN where both always say the same one thing.

    Reference: Cohen 1960, doi:10.1177/001316446002000104.
    """
    kinds = {verdict: place for place, verdict in enumerate(dict.fromkeys([*first, *second]))}
    places = np.array([[kinds[one], kinds[other]] for one, other in zip(first, second, strict=True)], int)
    places = places.reshape(-1, 2)

    def compute(chosen: np.ndarray) -> float:
        table = np.zeros((len(kinds), len(kinds)))
        np.add.at(table, tuple(places[chosen].T), 1 / len(chosen))
        expected = table.sum(0) @ table.sum(1)
        return float((np.trace(table) - expected) / (1 - expected)) if expected < 1 - 1e-12 else np.nan

    return _bootstrap(compute, clusters)


def _bootstrap(statistic: Callable[[np.ndarray], float], clusters: Sequence[Hashable]) -> Measured:
    """A statistic of the places of some observations, over all of them and over drawn clusters."""
    members: dict[Hashable, list[int]] = {}
    for place, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(place)
    groups = [np.array(places) for places in members.values()]
    n, count = len(clusters), len(groups)
    value = statistic(np.arange(n)) if n else np.nan
    if count < 2 or not np.isfinite(value):
        return Measured(value, np.nan, np.nan, n, count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = stats.bootstrap(
            (np.arange(count),),
            lambda chosen: statistic(np.concatenate([groups[place] for place in chosen])),
            n_resamples=RESAMPLES,
            vectorized=False,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(SEED),
        ).bootstrap_distribution
    known = drawn[np.isfinite(drawn)]
    # Draws that are all equal know nothing of what was not met.
    if len(known) < (1 - MOST_WITHOUT_VALUE) * len(drawn) or np.ptp(known) < EQUAL:
        return Measured(value, np.nan, np.nan, n, count)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Measured(value, float(low), float(high), n, count)
