"""How often a judge agrees with itself: closed forms, other implementations, and coverage."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from lossgrid.statistics.self_consistency import measure_agreement, measure_self_consistency

# Shares and means of a few numbers in double precision.
EXACT = 1e-12


def test_four_pairs_by_hand():
    """Differences 0, 2, 0, −1: half agree, mean absolute difference 3/4, mean 1/4, and squared deviations 1/16 +
    49/16 + 1/16 + 25/16 = 19/4, so that the variance is 19/12 and that of one judgment 19/24.
    """
    result = measure_self_consistency([5, 5, 7, 3], [5, 7, 7, 2])
    assert (result.n, result.missing, result.clusters) == (4, 0, 4)
    assert result.agreement == pytest.approx(1 / 2, abs=EXACT)
    assert result.mean_absolute_difference == pytest.approx(3 / 4, abs=EXACT)
    assert result.noise_sd == pytest.approx(math.sqrt(19 / 24), abs=EXACT)


@given(st.integers(1, 60), st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_agreement_of_single_pairs_has_the_exact_binomial_interval(n, hits):
    """The Clopper–Pearson interval is scipy's, the ends 0 and 1 included."""
    hits = min(hits, n)
    second = [5.0] * hits + [6.0] * (n - hits)
    result = measure_agreement([5.0] * n, second)
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert result.agreement == pytest.approx(hits / n, abs=EXACT)
    assert (result.agreement_low, result.agreement_high) == pytest.approx(
        (expected.low, expected.high), abs=1e-9
    )


def test_pairs_that_repeat_their_cluster_count_once():
    """Ten questions asked five times with the same outcome are ten pairs. SE² = 10/9 · (6 · 2² + 4 · 3²)/50² with
    deviations of 5 · 0.4 = 2 and 5 · 0.6 = 3 is 0.24/9, so that 9 independent pairs have it: those of a sample
    variance, one less than 10.
    """
    first, second = np.zeros(10), np.repeat([0.0, 1.0], [6, 4])
    many = measure_self_consistency(np.repeat(first, 5), np.repeat(second, 5), np.repeat(np.arange(10), 5))
    assert (many.n, many.clusters, many.agreement) == (50, 10, 0.6)
    # 5.4 of 9.
    expected = beta.ppf(0.025, 5.4, 9 - 5.4 + 1), beta.ppf(0.975, 5.4 + 1, 9 - 5.4)
    assert (many.agreement_low, many.agreement_high) == pytest.approx(expected, abs=1e-9)


def test_full_agreement_is_as_certain_as_its_clusters():
    """Fifty equal pairs of ten questions: the lower end is where ten of ten has probability 0.025."""
    result = measure_self_consistency(np.ones(50), np.ones(50), np.repeat(np.arange(10), 5))
    assert (result.agreement, result.agreement_high) == (1, 1)
    assert result.agreement_low == pytest.approx(0.025 ** (1 / 10), abs=EXACT)
    assert (result.mean_absolute_difference, result.noise_sd) == (0, 0)
    assert math.isnan(result.mean_absolute_difference_low)
    assert math.isnan(result.noise_sd_high)


values = st.lists(
    st.tuples(st.integers(1, 10), st.integers(1, 10), st.integers(0, 4)), min_size=2, max_size=25
)


@given(values)
@settings(max_examples=25, deadline=None)
def test_which_came_first_does_not_matter(triples):
    """Nothing distinguishes the two judgments."""
    first, second, clusters = map(list, zip(*triples, strict=True))
    here = measure_self_consistency(first, second, clusters)
    there = measure_self_consistency(second, first, clusters)
    assert vars(here) == pytest.approx(vars(there), abs=1e-9, nan_ok=True)


@given(values, st.sampled_from([0.1, 3.0]), st.integers(-5, 5))
@settings(max_examples=25, deadline=None)
def test_scale_and_shift(triples, scale, shift):
    """Ratings in tenths agree as often, and differ by tenths."""
    first, second, clusters = map(np.array, zip(*triples, strict=True))
    here = vars(measure_self_consistency(first, second, list(clusters)))
    there = vars(measure_self_consistency(scale * first + shift, scale * second + shift, list(clusters)))
    for name, value in here.items():
        is_scaled = name.startswith(("mean", "noise"))
        # Squares of differences lose half of the digits near 0.
        assert there[name] == pytest.approx(value * scale if is_scaled else value, abs=1e-6, nan_ok=True)


def test_failed_judgments_are_counted_and_enter_nothing():
    """A pair with one answer says nothing of agreement."""
    result = measure_self_consistency([5, None, 7, 3], [5, 7, math.nan, 2], ["a", "b", "b", "c"])
    assert (result.n, result.missing, result.clusters) == (2, 2, 2)
    assert (result.agreement, result.mean_absolute_difference) == (0.5, 0.5)


def test_what_cannot_be_told_is_nan():
    """No pair has no agreement, one no spread, and one cluster no interval but that of a single pair."""
    none = measure_self_consistency([], [])
    assert none.n == 0
    assert all(
        math.isnan(value) for name, value in vars(none).items() if name not in ("n", "missing", "clusters")
    )
    one = measure_self_consistency([5], [6])
    assert (one.agreement, one.mean_absolute_difference) == (0, 1)
    assert (one.agreement_low, one.agreement_high) == pytest.approx((0, 0.975), abs=EXACT)
    assert math.isnan(one.noise_sd)
    together = measure_self_consistency([5, 5, 5], [5, 6, 7], ["a", "a", "a"])
    assert together.agreement == pytest.approx(1 / 3, abs=EXACT)
    assert together.agreement_high - together.agreement_low > 0.9
    assert math.isnan(together.mean_absolute_difference_high)


def test_agreement_alone_is_that_of_the_whole():
    """Two roads to one column would part some day. It draws nothing, which is what it is for."""
    first, second, clusters = [5, None, 7, 3, 6], [5, 7, 7, 2, 6], ["a", "b", "b", "c", "c"]
    whole, alone = (
        measure(first, second, clusters) for measure in (measure_self_consistency, measure_agreement)
    )
    assert {name: getattr(whole, name) for name in vars(alone)} == vars(alone)


def test_clusters_may_be_tuples():
    """Runs and questions together are names too."""
    result = measure_self_consistency([1, 2, 3], [1, 2, 4], [("sft", 1), ("sft", 1), ("dpo", 1)])
    assert (result.clusters, result.n) == (2, 3)


def test_intervals_are_the_same_every_time():
    """Tables are compared bit for bit."""
    rng = np.random.default_rng(1)
    first, second = rng.integers(1, 11, (2, 40))
    assert measure_self_consistency(first, second) == measure_self_consistency(first, second)


def test_lengths_that_differ_are_refused():
    """Half of a table beside the whole."""
    with pytest.raises(ValueError, match=r"^pairs and clusters differ in number: 2, 1, 2$"):
        measure_self_consistency([1, 2], [1])


def test_the_noise_is_that_of_one_judgment():
    """A judge whose noise has standard deviation 0.8 about each answer's own mean: 20,000 pairs estimate it to
    0.8/√40,000 = 0.004; three times that is 0.012, below 2 % of it.
    """
    rng = np.random.default_rng(2)
    quality = rng.normal(5, 3, 20_000)
    first, second = (quality + rng.normal(0, 0.8, 20_000) for _ in range(2))
    # Clusters of 200 keep the bootstrap's table small.
    result = measure_self_consistency(first, second, np.repeat(np.arange(100), 200))
    assert abs(result.noise_sd - 0.8) < 0.012
    assert result.noise_sd_low < 0.8 < result.noise_sd_high


def test_intervals_cover_with_clusters():
    """300 sets of 40 questions in two turns whose differences share half of their variance: intervals of 95 % hold
    the truth in 88 % or more, where percentiles of 40 clusters fall a little short; the binomial error is 1.3 %.
    """
    rng = np.random.default_rng(3)
    covered = np.zeros(2)
    # Of a normal difference with standard deviation √2: its mean absolute value, and over √2 itself.
    truths = 2 / math.sqrt(math.pi), 1.0
    for _ in range(300):
        differences = rng.normal(size=(40, 2)) + rng.normal(size=(40, 1))
        result = measure_self_consistency(np.zeros(80), differences.ravel(), np.repeat(np.arange(40), 2))
        covered += (
            result.mean_absolute_difference_low < truths[0] < result.mean_absolute_difference_high,
            result.noise_sd_low < truths[1] < result.noise_sd_high,
        )
    assert (covered / 300 >= 0.88).all()
    assert (covered / 300 <= 0.985).all()
