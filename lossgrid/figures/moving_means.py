"""Means over a few steps of training: what a noisy log says, and how far each mean can be trusted."""

import numpy as np
import pandas as pd
from scipy.stats import t as student

# Single batches of pairs are noisy; curves are means over so many steps, from the first of them on.
WINDOW = 8


def smooth(values: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means over the last steps and the half-widths of their 95 % intervals.

    An interval is Student's, from the spread of the steps that the mean is over, each of which saw other pairs. What
    drifts within these steps widens it.

    Args:
        values: A column a quantity, a row a step; values that are not finite are left out of the means.

    Returns:
        Means and half-widths, with the index and columns of the values; a half-width is NaN where fewer than
        so many values are finite, as at the first steps.

    Examples:
        >>> means, halves = smooth(pd.DataFrame({"rho": [1.0, 3.0] * 4 + [np.inf]}))
        >>> means["rho"].iloc[[0, 1, 7]].tolist()
        [1.0, 2.0, 2.0]
        >>> halves["rho"].iloc[6:].round(3).tolist()
        [nan, 0.894, nan]
    """
    finite = values.astype(float).replace([np.inf, -np.inf], np.nan)
    windows = finite.rolling(WINDOW, min_periods=1)
    deviations = finite.rolling(WINDOW).std()
    return windows.mean(), student.ppf(0.975, WINDOW - 1) * deviations / np.sqrt(WINDOW)
