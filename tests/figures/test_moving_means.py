"""Means over steps of training have the intervals of their spread."""

import numpy as np
import pandas as pd
import pytest

from lossgrid.figures.moving_means import WINDOW, smooth


def test_an_interval_is_student_s():
    """A band that is too narrow shows two runs apart that are not."""
    values = np.array([0.3, -0.1, 0.7, 0.2, 0.9, 0.4, -0.5, 0.1, 0.6])
    means, halves = smooth(pd.DataFrame({"rho": values}))
    last = values[-WINDOW:]
    # 2.364624 is the 97.5 % quantile of Student's t with 7 degrees of freedom, from tables.
    assert means["rho"].iloc[-1] == pytest.approx(last.mean(), abs=1e-12)
    assert halves["rho"].iloc[-1] == pytest.approx(2.364624 * last.std(ddof=1) / np.sqrt(8), abs=1e-6)


def test_a_step_that_is_not_finite_is_no_part_of_a_mean():
    """One overflow would erase eight steps of a curve; and a mean of fewer steps has no interval of eight."""
    means, halves = smooth(pd.DataFrame({"norm": [1.0] * 8 + [np.inf] + [1.0] * 8}))
    assert means["norm"].tolist() == [1.0] * 17
    assert halves["norm"].isna().tolist() == [True] * 7 + [False] + [True] * 8 + [False]
    assert halves["norm"].iloc[7] == 0.0
