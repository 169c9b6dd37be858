"""p-values of several tests, adjusted: by Holm where declared, by Benjamini and Hochberg where searched."""

from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests


def adjust_holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values so that a wrong finding anywhere in the family has at most the level's probability.

    Args:
        p_values: Shape (n,), in any order. NaN is no test: it stays NaN, and the family is the smaller for it.

    Returns:
        Shape (n,): the smallest level at which Holm's procedure rejects each.

    Reference: Holm 1979, Scandinavian Journal of Statistics 6:65–70.

    Examples:
        >>> adjust_holm([0.01, 0.04, 0.03]).round(4).tolist()
        [0.03, 0.06, 0.06]
    """
    return _adjust(p_values, "holm")


def adjust_benjamini_hochberg(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values so that at most the level's share of all findings is expected to be wrong.

    Args:
        p_values: Shape (n,), as in `adjust_holm`.

    Returns:
        Shape (n,): the smallest false discovery rate at which each is found.

    Reference: Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples:
        >>> adjust_benjamini_hochberg([0.01, 0.04, 0.03]).round(4).tolist()
        [0.03, 0.04, 0.04]
    """
    return _adjust(p_values, "fdr_bh")


def _adjust(p_values: Sequence[float], method: str) -> np.ndarray:
    adjusted = np.array(p_values, float)
    tested = ~np.isnan(adjusted)
    if tested.any():
        adjusted[tested] = multipletests(adjusted[tested], method=method)[1]
    return adjusted
