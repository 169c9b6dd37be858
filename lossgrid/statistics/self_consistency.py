"""How well a judge agrees with itself when it is asked the same twice."""

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lossgrid.statistics.paired import CONFIDENCE
from lossgrid.statistics.share import estimate_share

RESAMPLES = 9999
# Of the draws: the same table every time.
SEED = 0
# Values are ratings or shares: an equality that floating point breaks would be no disagreement.
EQUAL = 1e-9


@dataclass(frozen=True)
class Agreement:
    """How often two judgments of the same are equal, with the ends of the 95 % interval.

    Attributes:
        n: Pairs with both values.
        missing: Pairs without, which are in no other number.
        clusters: Clusters of the pairs.
        agreement: Share of pairs with equal values.
    """

    n: int
    missing: int
    clusters: int
    agreement: float
    agreement_low: float
    agreement_high: float


@dataclass(frozen=True)
class SelfConsistency(Agreement):
    """Agreement of two judgments of the same, and how far apart they are; each number with its 95 % interval.

    Attributes:
        mean_absolute_difference: In the unit of the values.
        noise_sd: Standard deviation of the difference over √2: that of one judgment about the judge's mean, in the
            unit of the values.
    """

    mean_absolute_difference: float
    mean_absolute_difference_low: float
    mean_absolute_difference_high: float
    noise_sd: float
    noise_sd_low: float
    noise_sd_high: float


def measure_self_consistency(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[Hashable] | None = None
) -> SelfConsistency:
    """Compare two judgments of each of a set of things, for which distances have a meaning.

    The intervals of the two distances are percentiles of a bootstrap that draws whole clusters; the rest is
    `measure_agreement`'s, with its arguments and errors.

    Returns:
        NaN stands for what cannot be told: everything of no pairs, the standard deviation of one, and bootstrap
        intervals of one cluster or of differences that are all equal.
    """
    agreement = measure_agreement(first, second, clusters)
    differences, places = _pair(first, second, clusters)
    sums = np.zeros((4, agreement.clusters))
    for row, values in enumerate((np.ones(len(places)), np.abs(differences), differences, differences**2)):
        np.add.at(sums[row], places, values)
    absolute, noise = _bootstrap(sums, _get_mean_absolute), _bootstrap(sums, _get_noise)
    return SelfConsistency(*vars(agreement).values(), *absolute, *noise)


def measure_agreement(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[Hashable] | None = None
) -> Agreement:
    r"""How often two judgments of each of a set of things are equal.

    The interval is that of `estimate_share`.

    Args:
        first: Shape (n,): ratings, preferences or verdicts as numbers; NaN or None for a judgment that failed.
        second: Shape (n,): the same things judged again.
        clusters: Shape (n,): what belongs together, such as the question; every pair alone by default.

    Returns:
        The agreement; NaN for no pairs.

    Raises:
        ValueError: The lengths differ.
    """
    differences, places = _pair(first, second, clusters)
    share = estimate_share(np.abs(differences) < EQUAL, places.tolist())
    return Agreement(len(differences), len(first) - len(differences), len(set(places)), *share)


def _pair(first, second, clusters) -> tuple[np.ndarray, np.ndarray]:
    """The differences of the pairs with both values, and the number of each one's cluster, from 0."""
    first, second = np.asarray(first, float), np.asarray(second, float)
    clusters = list(range(len(first))) if clusters is None else list(clusters)
    if not len(first) == len(second) == len(clusters):
        raise ValueError(f"pairs and clusters differ in number: {len(first)}, {len(second)}, {len(clusters)}")
    both = np.isfinite(first) & np.isfinite(second)
    kept = [cluster for cluster, is_kept in zip(clusters, both, strict=True) if is_kept]
    codes = {cluster: code for code, cluster in enumerate(dict.fromkeys(kept))}
    return (second - first)[both], np.array([codes[cluster] for cluster in kept], int)


def _get_mean_absolute(sums: np.ndarray) -> np.ndarray:
    counts, absolute, _, _ = sums
    return absolute.sum(-1) / counts.sum(-1)


def _get_noise(sums: np.ndarray) -> np.ndarray:
    counts, _, total, squares = (each.sum(-1) for each in sums)
    variance = np.maximum(squares - total**2 / counts, 0) / (counts - 1)
    return np.sqrt(variance / 2)


def _bootstrap(sums: np.ndarray, statistic) -> tuple[float, float, float]:
    """A statistic of sums by cluster (shape (4, clusters)) with its interval."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        value = float(statistic(sums))
        if sums.shape[1] < 2 or not np.isfinite(value):
            return value, np.nan, np.nan
        drawn = stats.bootstrap(
            (np.arange(sums.shape[1]),),
            lambda chosen, axis=-1: statistic(sums[:, chosen]),
            n_resamples=RESAMPLES,
            vectorized=True,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(SEED),
        )
    low, high = drawn.confidence_interval
    # Draws that are all equal, but for rounding, know nothing of what was not met.
    return value, *(
        (np.nan, np.nan) if np.isclose(low, high, rtol=1e-12, atol=0) else (float(low), float(high))
    )
