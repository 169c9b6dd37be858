"""Adjusted p-values against the procedures worked out by hand, and what must hold of them whatever the p-values."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.statistics.multiplicity import adjust_benjamini_hochberg, adjust_holm

# The library collects garbage in every call, which takes long among the objects of other tests.
FEW = settings(max_examples=30)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
# Products and quotients of p-values are rounded once or twice.
EXACT = 1e-12


@pytest.fixture(autouse=True, scope="module")
def nothing_to_collect():
    """Take what other tests left out of the collections of these."""
    gc.collect()
    gc.freeze()


def test_holm_by_hand():
    """Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06 and, never below the one before, 0.06."""
    assert adjust_holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06], abs=EXACT)


def test_benjamini_and_hochberg_by_hand():
    """Sorted 0.01, 0.02, 0.03, 0.8 times 4/1, 4/2, 4/3, 1: 0.04, 0.04, 0.04, 0.8."""
    adjusted = adjust_benjamini_hochberg([0.8, 0.01, 0.03, 0.02])
    assert adjusted == pytest.approx([0.8, 0.04, 0.04, 0.04], abs=EXACT)


@FEW
@given(P_VALUES)
def test_an_adjusted_value_is_no_smaller_and_keeps_the_order(p_values):
    """An adjustment that helps a claim, or overtakes a stronger one, would make findings of the number of tests."""
    for adjust in (adjust_holm, adjust_benjamini_hochberg):
        adjusted = adjust(p_values)
        assert (adjusted >= np.array(p_values) - EXACT).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= -EXACT).all()


@FEW
@given(P_VALUES)
def test_benjamini_and_hochberg_finds_no_less_than_holm(p_values):
    """A share of findings is a weaker promise than no wrong finding at all."""
    assert (adjust_benjamini_hochberg(p_values) <= adjust_holm(p_values) + EXACT).all()


@FEW
@given(P_VALUES)
def test_holm_is_bonferroni_for_the_smallest_and_nothing_for_a_single_test(p_values):
    """The smallest of n is held against the level over n; a study with one claim has nothing to adjust for."""
    adjusted = adjust_holm(p_values)
    assert adjusted.min() == pytest.approx(min(1, len(p_values) * min(p_values)), abs=EXACT)
    assert adjust_holm(p_values[:1])[0] == p_values[0]


@FEW
@given(P_VALUES, st.floats(0, 1))
def test_another_declared_test_never_helps(p_values, another):
    """A claim could be won by declaring more of them."""
    assert (adjust_holm([*p_values, another])[:-1] >= adjust_holm(p_values) - EXACT).all()


@FEW
@given(P_VALUES, st.randoms(use_true_random=False))
def test_the_order_of_the_tests_does_not_matter(p_values, random):
    """A study file could be sorted until its claims hold."""
    order = list(range(len(p_values)))
    random.shuffle(order)
    for adjust in (adjust_holm, adjust_benjamini_hochberg):
        shuffled = adjust([p_values[index] for index in order])
        assert shuffled == pytest.approx(adjust(p_values)[order], abs=EXACT)


@pytest.mark.parametrize("adjust", [adjust_holm, adjust_benjamini_hochberg])
def test_what_was_not_tested_stays_empty_and_counts_for_nothing(adjust):
    """A claim without a p-value would make the others' larger, or turn every one into NaN."""
    adjusted = adjust([0.02, np.nan, 0.04])
    np.testing.assert_allclose(adjusted, [0.04, np.nan, 0.04], atol=EXACT)
    assert len(adjust([])) == 0
    assert np.isnan(adjust([np.nan])).all()
