"""Paired differences, against closed forms, other people's estimators and simulated studies."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from lossgrid.statistics.paired import compare_runs, find_smallest_difference

# Scores are eighths up to 1,000, so that sums are exact and quotients are rounded to 1e-16 of that.
EXACT = 1e-9


def make_scores(*runs, clusters=None) -> pd.DataFrame:
    """Runs as columns; two items a cluster unless clusters are given."""
    size = len(runs[0])
    clusters = [number // 2 for number in range(size)] if clusters is None else clusters
    index = pd.MultiIndex.from_arrays([clusters, range(size)], names=["cluster", "item"])
    return pd.DataFrame({f"seed~{seed}": run for seed, run in enumerate(runs, start=1)}, index, dtype=float)


@st.composite
def two_sides(draw):
    """Two sides with the same questions and one to three seeds each, some judgments missing."""
    size = draw(st.integers(2, 16))
    values = st.one_of(st.integers(-1000, 1000).map(lambda whole: whole / 8), st.just(np.nan))
    clusters = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    own, baseline = (
        make_scores(
            *[draw(st.lists(values, min_size=size, max_size=size)) for _ in range(draw(st.integers(1, 3)))],
            clusters=clusters,
        )
        for _ in range(2)
    )
    return own, baseline


def get_numbers(compared) -> list[float]:
    estimate = compared.estimate
    return [estimate.value, compared.low, compared.high, estimate.standard_error, compared.p]


def test_a_difference_by_hand():
    """Seeds 3, 3 | 5, 5 and 5, 5 | 7, 7 average to 4, 4 | 6, 6; less 3, 3 | 3, 3 that is 1, 1 | 3, 3.

    The mean is 2, the sums of deviations of the clusters are −2 and 2, SE = √(2/1 · 8/16) = 1. With one degree of
    freedom t is Cauchy's: the quantile is tan(0.475π) = 12.706, and p of 2/1 is 1 − 2/π · arctan 2 = 0.2952.
    """
    compared = compare_runs(make_scores([3, 3, 5, 5], [5, 5, 7, 7]), make_scores([3, 3, 3, 3]))
    reach = np.tan(0.475 * np.pi)
    p = 1 - 2 / np.pi * np.arctan(2)
    assert get_numbers(compared) == pytest.approx([2, 2 - reach, 2 + reach, 1, p], abs=EXACT)
    assert (compared.estimate.n, compared.estimate.clusters, compared.left_out) == (4, 2, 0)
    assert compared.seeds == {"seed~1": 1, "seed~2": 3}
    assert compared.describe_seeds() == {"seed_low": 1, "seed_high": 3, "seed_sd": pytest.approx(2**0.5)}
    assert compared.baseline_seeds == {"seed~1": 2}


def test_more_seeds_are_no_more_questions():
    """Two hundred equal seeds say as much about questions as one: seeds that count as n make any claim true."""
    one, other = make_scores([1, 2, 4, 2, 1, 0]), make_scores([0, 1, 2, 2, 2, 0])
    many = make_scores(*[[1, 2, 4, 2, 1, 0]] * 200)
    assert get_numbers(compare_runs(many, other)) == pytest.approx(get_numbers(compare_runs(one, other)))
    assert compare_runs(many, other).estimate.n == 6


def test_the_spread_of_seeds_does_not_widen_the_interval():
    """It is another uncertainty, and shown beside it: seeds ±3 apart around the same mean on every question."""
    base = np.array([1.0, 2, 4, 2, 1, 0])
    other = make_scores([0, 1, 2, 2, 2, 0])
    apart = compare_runs(make_scores(base - 3, base + 3), other)
    assert get_numbers(apart) == pytest.approx(get_numbers(compare_runs(make_scores(base), other)))
    assert apart.describe_seeds()["seed_high"] - apart.describe_seeds()["seed_low"] == pytest.approx(6)


def test_a_question_counts_where_no_seed_lacks_it():
    """A seed's missing answer would shift the mean by that seed's level; what is left out is counted."""
    own = make_scores([1, 2, np.nan, 4, 5, 6], [1, 2, 3, 4, 5, 6])
    compared = compare_runs(own, make_scores([0, np.nan, 0, 0, 0, 0]))
    # Left are 1 | 4 | 5, 6 of clusters 0, 1 and 2.
    assert (compared.estimate.value, compared.estimate.n, compared.estimate.clusters) == (4, 4, 3)
    assert compared.left_out == 2
    assert compared.seeds == {"seed~1": 4, "seed~2": 4}


def test_a_value_without_a_judgment_is_no_observation():
    """It is part of the mean of 2 and of the error; counted, it would make few judgments look like many. Left are
    1, 3 | 1 of two clusters, so that t is Cauchy's as above.
    """
    own, baseline = make_scores([1, 3, 1, 3]), make_scores([0, 0, 0, 0])
    whole = compare_runs(own, baseline)
    compared = compare_runs(own, baseline, pd.Series([True, True, True, False], own.index))
    assert (compared.estimate.value, compared.estimate.standard_error) == (2, whole.estimate.standard_error)
    assert (compared.estimate.n, compared.estimate.clusters, compared.left_out) == (3, 2, 1)
    alone = compare_runs(own, baseline, pd.Series([True, True, False, False], own.index))
    assert (alone.estimate.n, alone.estimate.clusters, alone.left_out) == (2, 1, 2)
    assert np.isnan([alone.low, alone.p]).all()
    # Without a value there is nothing that a judgment could be of.
    gap = compare_runs(make_scores([1, 3, np.nan, 3]), baseline, pd.Series(True, own.index))
    assert (gap.estimate.n, gap.left_out) == (3, 1)
    with pytest.raises(ValueError, match="the two sides have different rows"):
        compare_runs(own, baseline, pd.Series([True, True], own.index[:2]))


@given(two_sides())
def test_turning_a_comparison_round_turns_its_sign(sides):
    """A loss that beats another by more than it is beaten by would win by being written first."""
    own, baseline = sides
    there, back = compare_runs(own, baseline), compare_runs(baseline, own)
    value, low, high, error, p = get_numbers(there)
    assert get_numbers(back) == pytest.approx([-value, -high, -low, error, p], abs=EXACT, nan_ok=True)
    assert (back.left_out, back.estimate.n) == (there.left_out, there.estimate.n)


@given(two_sides(), st.randoms(use_true_random=False))
def test_the_order_of_questions_and_seeds_does_not_matter(sides, random):
    """Files are read in any order."""
    own, baseline = sides
    order, seeds = list(range(len(own))), list(own.columns)
    random.shuffle(order)
    random.shuffle(seeds)
    before = compare_runs(own, baseline)
    after = compare_runs(own.iloc[order][seeds], baseline.iloc[order])
    # p is steep where the difference is near 0 on the scale of a tiny error.
    assert get_numbers(after)[:4] == pytest.approx(get_numbers(before)[:4], abs=EXACT, nan_ok=True)
    assert after.left_out == before.left_out


@given(two_sides(), st.randoms(use_true_random=False))
def test_a_setting_differs_from_itself_by_nothing(sides, random):
    """Summing the same seeds in another order leaves 1e-16 with a certain sign, which is no finding."""
    own, _ = sides
    seeds = list(own.columns)
    random.shuffle(seeds)
    compared = compare_runs(own / 3, own[seeds] / 3)
    assert compared.estimate.value == 0 or not compared.estimate.n
    assert compared.estimate.clusters < 2 or get_numbers(compared)[1:] == [0, 0, 0, 1]


@given(two_sides())
def test_seeds_average_to_the_difference(sides):
    """Values beside an interval that they do not belong to would contradict it."""
    compared = compare_runs(*sides)
    for seeds in (compared.seeds, compared.baseline_seeds):
        assert np.mean(list(seeds.values())) == pytest.approx(compared.estimate.value, abs=EXACT, nan_ok=True)
    spread = compared.describe_seeds()
    within = spread["seed_low"] - EXACT <= compared.estimate.value <= spread["seed_high"] + EXACT
    assert within or not compared.estimate.n


@given(two_sides())
def test_the_interval_leaves_out_0_where_p_is_below_5_percent(sides):
    """They are one test, where it can be made at all; a table in which they disagree is wrong somewhere."""
    compared = compare_runs(*sides)
    if abs(compared.p - 0.05) < 1e-6:
        return
    assert (compared.low > 0 or compared.high < 0) == (compared.p < 0.05)


def test_a_constant_difference_is_certain():
    """Every answer half a point better: no error, and no division by it."""
    compared = compare_runs(make_scores([1, 2, 3, 4]), make_scores([0.5, 1.5, 2.5, 3.5]))
    assert get_numbers(compared) == [0.5, 0.5, 0.5, 0, 0]
    # But that says nothing of the smallest difference that would be found among answers that differ.
    assert np.isnan(compared.get_smallest())


@pytest.mark.parametrize("missing", [4, 2])
def test_less_than_two_clusters_say_nothing(missing):
    """An interval of width 0 around a single question would look like certainty."""
    own = make_scores([np.nan] * missing + [1] * (4 - missing))
    compared = compare_runs(own, make_scores([0, 0, 0, 0]))
    assert compared.left_out == missing
    assert np.isnan(get_numbers(compared)[1:]).all()
    assert np.isnan(compared.get_smallest())


def test_one_value_a_cluster_is_the_paired_t_test_of_scipy():
    """What a reader expects where nothing is clustered."""
    rng = np.random.default_rng(1)
    own, baseline = rng.normal(0.3, 1, 40), rng.normal(0, 1, 40)
    compared = compare_runs(*(make_scores(side, clusters=range(40)) for side in (own, baseline)))
    expected = stats.ttest_rel(own, baseline)
    interval = expected.confidence_interval(0.95)
    assert compared.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (compared.low, compared.high) == pytest.approx((interval.low, interval.high), abs=EXACT)


def test_the_interval_agrees_with_scipy_s_bootstrap_of_whole_clusters():
    """The t interval is offered alone because of this: over 160 questions of two turns both give the same ends."""
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(160), 2)
    # Skewed and shared by the turns of a question, as ratings are.
    values = rng.exponential(1, 320) + rng.exponential(1, 160)[clusters] - 1.8
    scores = make_scores(values, clusters=clusters)
    compared = compare_runs(scores, 0 * scores)
    means = values.reshape(160, 2).mean(axis=1)
    drawn = stats.bootstrap((means,), np.mean, n_resamples=4000, rng=rng, method="BCa")
    # An end drawn 4,000 times is uncertain by 2 to 3 % of the half width, and skewness moves both ends by as much.
    width = (compared.high - compared.low) / 2
    assert (compared.low, compared.high) == pytest.approx(tuple(drawn.confidence_interval), abs=0.08 * width)
    naive = 1.96 * values.std(ddof=1) / np.sqrt(320)
    assert width > 1.15 * naive


def test_the_interval_covers_and_the_test_errs_as_often_as_they_say():
    """500 studies of 30 questions with two turns and two seeds a side, whose true difference is 0.4.

    The seeds differ by nothing but noise, so that the interval over questions holds the truth in 95 %; the binomial
    error of that is 1 %.
    """
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(30), 2)
    covered = wrong = 0
    for _ in range(500):
        shared = rng.normal(size=30)[clusters]
        own, baseline = (
            make_scores(*(level + shared * weight + rng.normal(size=(2, 60))), clusters=clusters)
            for level, weight in ((0.4, 2), (0, 1))
        )
        compared = compare_runs(own, baseline)
        covered += compared.low <= 0.4 <= compared.high
        wrong += compare_runs(own - 0.4, baseline).p <= 0.05
    assert covered / 500 == pytest.approx(0.95, abs=0.03)
    assert wrong / 500 == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("level", [0.05, 0.05 / 6])
def test_the_smallest_difference_is_the_one_of_power_analysis(level):
    """An optimistic one would call a study large enough that is not. That of statsmodels counts both tails."""
    exact = TTestPower().solve_power(nobs=80, alpha=level, power=0.8) * np.sqrt(80)
    assert find_smallest_difference(1.0, 80, level) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(("clusters", "level"), [(40, 0.05), (4, 0.05), (4, 0.05 / 6), (2, 0.05)])
def test_the_smallest_difference_is_found_in_four_studies_of_five(clusters, level):
    """It is printed beside what was not found; 20,000 studies, the binomial error is 0.3 %.

    With few clusters the sum of two quantiles would be found less often: in 72 % of studies of 4 at a sixth of 5 %.
    """
    rng = np.random.default_rng(4)
    true = find_smallest_difference(1 / np.sqrt(clusters), clusters, level)
    found = stats.ttest_1samp(rng.normal(true, 1, (20000, clusters)), 0, axis=1).pvalue <= level
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_sides_that_were_read_apart_are_refused():
    """A join would pair the rows that happen to have the same name and drop the others."""
    with pytest.raises(ValueError, match="the two sides have different rows"):
        compare_runs(make_scores([1, 2]), make_scores([1, 2, 3, 4]))
    with pytest.raises(ValueError, match="a side without a run"):
        compare_runs(make_scores([1, 2]), make_scores([1, 2])[[]])
