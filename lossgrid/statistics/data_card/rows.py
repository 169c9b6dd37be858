"""The rows of the table of a study's data: a number, its interval where it is an estimate, and what it says."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.paired import get_interval
from lossgrid.statistics.share import estimate_share


@dataclass(frozen=True)
class Row:
    """One number.

    Attributes:
        part: What it is of: `pairs`, `reference` (the pairs as tokens), `sft_chats`, or a set of prompts.
        measure: Its name within the part.
        value: The number; NaN where there is nothing to compute it from.
        low: Lower end of the 95 % interval; NaN for what is no estimate.
        high: Upper end.
        n: Things that it was computed from; None for a count.
        clusters: Clusters of these things, which are prompts; None where there is no interval.
        unit: Of the value.
        what: What it says, as a sentence without its end.
    """

    part: str
    measure: str
    value: float
    low: float
    high: float
    n: int | None
    clusters: int | None
    unit: str
    what: str


def count(part: str, measure: str, value: float, unit: str, what: str, n: int | None = None) -> Row:
    """A number of things, of so many where that is known; it is what it is, and has no interval."""
    return Row(part, measure, value, math.nan, math.nan, n, None, unit, what)


def mean(
    part: str, measure: str, values: Sequence[float], clusters: Sequence[Hashable], unit: str, what: str
) -> Row:
    """A mean with its clustered interval, over the values that are finite.

    Args:
        part: Of the row.
        measure: Of the row.
        values: Shape (n,).
        clusters: Shape (n,): what belongs together.
        unit: Of the values.
        what: Of the row.
    """
    values, clusters = _drop_missing(values, clusters)
    if not len(values):
        return Row(part, measure, math.nan, math.nan, math.nan, 0, 0, unit, what)
    estimate = estimate_mean(values, clusters)
    low, high = get_interval(estimate)
    return Row(part, measure, estimate.value, low, high, estimate.n, estimate.clusters, unit, what)


def share(part: str, measure: str, hits: Sequence[bool], clusters: Sequence[Hashable], what: str) -> Row:
    """A share from 0 to 1 with its exact or clustered interval."""
    hits, clusters = list(hits), list(clusters)
    value, low, high = estimate_share(hits, clusters)
    return Row(part, measure, value, low, high, len(hits), len(set(clusters)), "share", what)


def statistic(part: str, measure: str, values: Sequence[float], compute, unit: str, what: str) -> Row:
    """Any other number of the finite values, such as a quantile, without an interval.

    Args:
        part: Of the row.
        measure: Of the row.
        values: Shape (n,).
        compute: From an array to a number.
        unit: Of the number.
        what: Of the row.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    value = float(compute(values)) if len(values) else math.nan
    return Row(part, measure, value, math.nan, math.nan, len(values), None, unit, what)


def _drop_missing(values, clusters) -> tuple[np.ndarray, list[Hashable]]:
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    return values[finite], [cluster for cluster, kept in zip(clusters, finite, strict=True) if kept]
