"""Means and ratios with clustered standard errors, against sums done by hand and against statsmodels."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.statistics.clustered import estimate_mean, estimate_ratio

# Double precision: sums of a few hundred values of order 1 agree to about 1e-13.
EXACT = 1e-12


def test_singletons_give_the_textbook_standard_error():
    """Four chats with one answer each: 1, 2, 3, 6 have mean 3, deviations −2, −1, 0, 3, s² = 14/3,
    SE = √(14/3)/√4 = √(7/6).
    """
    estimate = estimate_mean([1, 2, 3, 6], ["a", "b", "c", "d"])
    assert estimate.value == pytest.approx(3, abs=EXACT)
    assert estimate.standard_error == pytest.approx(math.sqrt(7 / 6), abs=EXACT)
    assert (estimate.n, estimate.clusters) == (4, 4)


def test_repeating_an_answer_adds_no_information():
    """Each value twice in its cluster: cluster sums of deviations double to −4, −2, 0, 6, their squares to 56;
    4/3 · 56/8² = 7/6, as with singletons. A naive error would be smaller by √2 and claims too easily won.
    """
    estimate = estimate_mean([1, 1, 2, 2, 3, 3, 6, 6], list("aabbccdd"))
    assert estimate.standard_error == pytest.approx(math.sqrt(7 / 6), abs=EXACT)
    assert (estimate.n, estimate.clusters) == (8, 4)


def test_two_unequal_clusters():
    """0, 1 in a; 2 in b: mean 1, cluster sums of deviations −1 − 0 = −1 and 1, so SE² = 2/1 · 2/9 = 4/9."""
    estimate = estimate_mean([0, 1, 2], ["a", "a", "b"])
    assert (estimate.value, estimate.clusters) == (1, 2)
    assert estimate.standard_error == pytest.approx(2 / 3, abs=EXACT)


def test_opposite_turns_of_a_chat_cancel():
    """Turns +1 and −1 in every chat leave each chat's sum at 0: the mean is known exactly."""
    estimate = estimate_mean([1, -1, 1, -1, 1, -1], [1, 1, 2, 2, 3, 3])
    assert estimate.standard_error == pytest.approx(0, abs=EXACT)


def test_one_cluster_has_no_standard_error():
    """An interval of width 0 around a single chat would look like certainty."""
    estimate = estimate_mean([1, 2, 3], ["a", "a", "a"])
    assert (estimate.value, estimate.clusters) == (2, 1)
    assert math.isnan(estimate.standard_error)


def test_agrees_with_the_cluster_robust_regression_of_statsmodels():
    """OLS on the intercept alone with cov_type="cluster" is the same estimator. Its use_correction multiplies
    by G/(G−1) · (n−1)/(n−k) with k = 1, which is the G/(G−1) of ours.
    """
    rng = np.random.default_rng(1)
    clusters = rng.integers(0, 40, 200)
    values = rng.normal(size=200) + rng.normal(size=40)[clusters]
    fit = sm.OLS(values, np.ones(200)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": True}
    )
    estimate = estimate_mean(values, clusters)
    assert estimate.value == pytest.approx(fit.params[0], abs=1e-10)
    assert estimate.standard_error == pytest.approx(fit.bse[0], rel=1e-10)


def test_a_ratio_by_hand():
    """6 nats over 3 tokens and 2 over 5: ratio 8/8 = 1, residuals 6 − 3 = 3 and 2 − 5 = −3, so
    SE² = 2/1 · 18/64 = 9/16. The mean of the two ratios would be 1.2.
    """
    estimate = estimate_ratio([6, 2], [3, 5], ["a", "b"])
    assert estimate.value == pytest.approx(1, abs=EXACT)
    assert estimate.standard_error == pytest.approx(3 / 4, abs=EXACT)


def test_a_ratio_agrees_with_the_bootstrap_of_whole_clusters():
    """The delta method leaves out the curvature of a ratio: with 400 chats it must not matter."""
    rng = np.random.default_rng(2)
    tokens = rng.integers(5, 30, (400, 2))
    nats = 0.05 * tokens + rng.normal(0, 0.3, (400, 2)) + rng.normal(0, 0.3, (400, 1))
    estimate = estimate_ratio(nats.ravel(), tokens.ravel(), np.repeat(np.arange(400), 2))
    drawn = rng.integers(0, 400, (4000, 400))
    ratios = nats.sum(1)[drawn].sum(1) / tokens.sum(1)[drawn].sum(1)
    # A standard error from 4,000 draws is itself uncertain by 1/√8000 = 1.1 %: three times that, relative,
    # is 3.4 % of an SE near 0.0014, below 5e-5 in nats a token.
    assert estimate.standard_error == pytest.approx(ratios.std(), abs=5e-5)
    assert 1e-3 < estimate.standard_error < 2e-3


values_in_clusters = st.lists(
    st.tuples(st.integers(-1000, 1000).map(lambda whole: whole / 8), st.integers(0, 5)),
    min_size=2,
    max_size=30,
)


@given(values_in_clusters, st.integers(-50, 50), st.sampled_from([-4.0, -0.5, 0.25, 8.0]))
def test_shift_and_scale(pairs, shift, scale):
    """Points and tenths of points must lead to the same verdicts."""
    values, clusters = map(np.array, zip(*pairs, strict=True))
    before = estimate_mean(values, clusters)
    after = estimate_mean(scale * values + shift, clusters)
    # Values reach 1,050, so that rounding reaches 1e-12 of that, and its square root where the SE is near 0.
    assert after.value == pytest.approx(scale * before.value + shift, abs=1e-9)
    assert after.standard_error == pytest.approx(abs(scale) * before.standard_error, abs=1e-9, nan_ok=True)


@given(values_in_clusters, st.randoms(use_true_random=False))
def test_order_and_names_of_clusters_do_not_matter(pairs, random):
    """Tables are joined in any order; an interval that depends on it could not be reproduced."""
    shuffled = random.sample(pairs, len(pairs))
    before = estimate_mean(*zip(*pairs, strict=True))
    after = estimate_mean([value for value, _ in shuffled], [f"chat {cluster}" for _, cluster in shuffled])
    assert after.value == pytest.approx(before.value, abs=1e-9)
    assert after.standard_error == pytest.approx(before.standard_error, abs=1e-9, nan_ok=True)
    assert (after.n, after.clusters) == (before.n, before.clusters)


@given(st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=30))
@settings(max_examples=50)
def test_every_value_alone_is_the_usual_formula(values):
    """s/√n is what a reader expects where nothing is clustered."""
    expected = np.std(values, ddof=1) / math.sqrt(len(values))
    assert estimate_mean(values, range(len(values))).standard_error == pytest.approx(expected, abs=1e-9)


def test_the_interval_covers_as_often_as_it_says():
    """An interval that covers less than it says makes findings of noise. 2,000 studies of 100 chats with 1 to 3
    turns, half of the variance shared by a chat's turns; the binomial error of the coverage is 0.5 %.
    """
    rng = np.random.default_rng(3)
    covered = naive = 0
    for _ in range(2000):
        clusters = np.repeat(np.arange(100), rng.integers(1, 4, 100))
        values = 0.5 + rng.normal(size=len(clusters)) + rng.normal(size=100)[clusters]
        estimate = estimate_mean(values, clusters)
        covered += abs(estimate.value - 0.5) < 1.96 * estimate.standard_error
        naive += abs(estimate.value - 0.5) < 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert 0.93 <= covered / 2000 <= 0.97
    # Why clusters are needed: the naive interval misses about one time in eight here.
    assert naive / 2000 < 0.91


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], []), "no values to estimate from"),
        (([1.0], [1.0, 2.0], ["a"]), "values and clusters differ in number: 1, 2, 1"),
        (([1.0, 2.0], [1.0, 2.0], ["a"]), "values and clusters differ in number: 2, 2, 1"),
    ],
)
def test_wrong_lengths_are_refused(arguments, message):
    """A single value would be broadcast a single value over a whole table."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        estimate_ratio(*arguments)


def test_denominators_that_add_up_to_nothing_are_refused():
    """No token at all would be reported as infinitely many nats a token."""
    with pytest.raises(ValueError, match="denominators add up to 0; a ratio needs a sum above 0"):
        estimate_ratio([1.0, 2.0], [0.0, 0.0], ["a", "b"])
