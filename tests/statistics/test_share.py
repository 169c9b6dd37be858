"""Shares with exact intervals, and fewer independent things where they come in clusters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lossgrid.statistics.share import estimate_share


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_single_things_have_the_exact_binomial_interval(hits):
    """Clopper and Pearson's, as scipy computes it."""
    expected = binomtest(sum(hits), len(hits)).proportion_ci(0.95, "exact")
    assert estimate_share(hits, range(len(hits))) == pytest.approx((np.mean(hits), *expected))


@given(st.lists(st.booleans(), min_size=2, max_size=20), st.integers(2, 5))
def test_the_same_thing_said_often_is_known_no_better(hits, times):
    """Each hit so many times in a cluster of its own: an interval as wide as without, or wider."""
    once = estimate_share(hits, range(len(hits)))
    often = estimate_share(np.repeat(hits, times), np.repeat(range(len(hits)), times).tolist())
    assert often[0] == pytest.approx(once[0])
    assert often[1] <= once[1] + 1e-9
    assert often[2] >= once[2] - 1e-9


def test_nothing_has_no_share():
    """And 0 of 0 is no 0 %."""
    assert all(np.isnan(estimate_share([], [])))
