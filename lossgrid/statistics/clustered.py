"""Means and ratios whose standard errors respect clusters: answers to one chat are not independent."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """An estimate with its uncertainty.

    Attributes:
        value: The estimate, in the unit of the values.
        standard_error: Its clustered standard error, NaN for fewer than two clusters.
        n: Number of values.
        clusters: Number of clusters.
    """

    value: float
    standard_error: float
    n: int
    clusters: int


def estimate_mean(values: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    r"""The mean with a cluster-robust standard error.

    .. math:: SE^2 = \frac{G}{G-1}\,\frac{1}{n^2}\sum_g\Big(\sum_{i\in g}(x_i-\bar x)\Big)^2

    With every value in a cluster of its own this is the usual :math:`s/\sqrt n`.

    Args:
        values: Shape (n,).
        clusters: Shape (n,): what belongs together.

    Raises:
        ValueError: For no values, or where the lengths differ.

    Reference: Liang and Zeger 1986, doi:10.1093/biomet/73.1.13, for the intercept alone.
    """
    return estimate_ratio(values, np.ones(len(values)), clusters)


def estimate_ratio(
    numerators: Sequence[float], denominators: Sequence[float], clusters: Sequence[Hashable]
) -> Estimate:
    """The ratio of two sums, such as nats per token, with a clustered standard error (delta method).

    Args:
        numerators: Shape (n,).
        denominators: Shape (n,), with a sum above 0.
        clusters: Shape (n,): what belongs together.

    Raises:
        ValueError: For no values, where the lengths differ, or for denominators without a sum above 0.
    """
    numerators, denominators = np.asarray(numerators, float), np.asarray(denominators, float)
    if not len(numerators) == len(denominators) == len(clusters):
        raise ValueError(
            f"values and clusters differ in number: {len(numerators)}, {len(denominators)}, {len(clusters)}"
        )
    if not len(numerators):
        raise ValueError("no values to estimate from")
    if not denominators.sum() > 0:
        raise ValueError(f"denominators add up to {denominators.sum():g}; a ratio needs a sum above 0")
    ratio = numerators.sum() / denominators.sum()
    codes = {cluster: code for code, cluster in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros(len(codes))
    np.add.at(sums, [codes[cluster] for cluster in clusters], numerators - ratio * denominators)
    count = len(codes)
    variance = count / (count - 1) * (sums**2).sum() / denominators.sum() ** 2 if count > 1 else np.nan
    return Estimate(float(ratio), float(np.sqrt(variance)), len(numerators), count)
