"""The share of things that have a property, with an interval that is exact, and respects clusters."""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy import stats

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.paired import CONFIDENCE


def estimate_share(hits: Sequence[bool], clusters: Sequence[Hashable]) -> tuple[float, float, float]:
    r"""A share and the ends of its 95 % interval.

    The interval is Clopper and Pearson's; with clusters, at the number of independent things that have the same
    standard error, :math:`\hat p(1-\hat p)/SE^2`, and at the number of clusters where all are hits or none is.

    Args:
        hits: Shape (n,).
        clusters: Shape (n,): what belongs together.

    Returns:
        Share, lower and upper end, from 0 to 1; NaN for no things.

    References: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404; Korn and Graubard 1998, Survey Methodology 24,
    for the number of independent things.
    """
    if not len(hits):
        return np.nan, np.nan, np.nan
    estimate = estimate_mean(hits, clusters)
    share, n = estimate.value, float(estimate.n)
    if estimate.clusters < estimate.n:
        n = float(estimate.clusters)
        if 0 < share < 1:
            # One cluster has no standard error, and equal shares in all of them give 0: neither is certainty.
            error = estimate.standard_error
            n = min(share * (1 - share) / error**2, estimate.n) if error > 0 else n
    tail, count = (1 - CONFIDENCE) / 2, share * n
    low = stats.beta.ppf(tail, count, n - count + 1) if share > 0 else 0.0
    high = stats.beta.ppf(1 - tail, count + 1, n - count) if share < 1 else 1.0
    return share, float(low), float(high)
