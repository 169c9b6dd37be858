"""Length control: closed forms, symmetries, and an error that covers as often as it says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.length_control import (
    GamedRows,
    control_length,
    predict_win_rate,
    standardise_lengths,
)

# In percent; the solver's conditions hold to 1e-9.
SOLVED = 1e-6


def make_run(seed, n=300, length=-1.5, difficulty=1.0, level=0.3, concentration=3.0):
    """Judgments by the published model, Beta around its probability, and the run's rate over all such questions."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, 1.5, n)
    len_baseline = rng.integers(200, 3000, n)
    len_model = (len_baseline * rng.uniform(0.4, 1.8, n)).astype(int)
    logits = length * np.tanh(standardise_lengths(len_baseline, len_model)) + difficulty * hard + level
    p = expit(logits)
    preferences = 1 + rng.beta(concentration * p, concentration * (1 - p))
    everywhere = norm.ppf((np.arange(10_000) + 0.5) / 10_000, scale=1.5)
    return (preferences, len_baseline, len_model, hard), 100 * expit(difficulty * everywhere + level).mean()


def test_without_length_and_difficulty_it_is_the_win_rate():
    """All differences of length are equal and all difficulties 0: c alone is left, and its penalty moves the mean of
    0.8 by 1/(Cn) = 1/(2·4). A question's pseudo-value is its own judgment, moved alike, so that the standard error
    is that of the win rate: s = √(0.02) over √4.
    """
    controlled = control_length([2.0, 1.7, 1.8, 1.7], [10] * 4, [20] * 4, [0.0] * 4, C=2.0)
    assert controlled.win_rate == pytest.approx(80 - 12.5, abs=SOLVED)
    assert controlled.pseudo_values == pytest.approx(100 * np.array([1, 0.7, 0.8, 0.7]) - 12.5, abs=SOLVED)
    assert controlled.standard_error == pytest.approx(100 * math.sqrt(0.02) / 2, abs=SOLVED)
    assert controlled.weights[:2] == (0, 0)


def test_a_judge_who_only_counts_characters():
    """Preferences that follow the length alone come to 50 % however much longer the answers are; with the data's
    weight at a million the penalty is worth less than 1e-3 points.
    """
    rng = np.random.default_rng(0)
    len_baseline, len_model = rng.integers(100, 900, 500), rng.integers(500, 2500, 500)
    preferences = 1 + expit(-2 * np.tanh(standardise_lengths(len_baseline, len_model)))
    assert preferences.mean() > 1.7
    controlled = control_length(preferences, len_baseline, len_model, rng.normal(size=500), C=1e6)
    assert controlled.win_rate == pytest.approx(50, abs=1e-3)
    assert controlled.weights[0] == pytest.approx(-2, abs=1e-3)


def test_gamed_rows_tie_the_effect_of_length_down():
    """One question tells nothing of length; gamed rows that follow −2·tanh s do."""
    length = np.linspace(-3, 3, 2000)
    gamed = GamedRows(length, np.zeros(2000), expit(-2 * np.tanh(length)))
    arguments = [1.9, 1.9, 1.1], [100, 100, 100], [200, 210, 220], [0.0, 0.0, 0.0]
    assert control_length(*arguments, gamed, C=1e4).weights[0] == pytest.approx(-2, abs=0.1)
    assert abs(control_length(*arguments, C=1e4).weights[0] + 2) > 1


def test_predictions_of_known_coefficients():
    """σ(2·0 + 0) = ½ and σ(2·½·ln 3 + 0) = ¾; the length's coefficient has no part in it."""
    assert predict_win_rate((-7.0, 2.0, 0.0), [0.0, math.log(3) / 2]) == pytest.approx(62.5, abs=1e-12)


def test_half_of_the_judgments_have_the_error_of_half():
    """As in the closed form above, but only four of eight questions are judged: 0.75 − 1/(2·4), and each of the four
    errors about the fit moves the rate by a quarter of itself. Over all eight, SE² = 8/7 · Σ(e_i/4 − their mean)².
    """
    preferences = np.array([2.0, 1.7, 1.8, 1.5, np.nan, np.nan, np.nan, np.nan])
    controlled = control_length(preferences, [10] * 8, [20] * 8, [0.0] * 8, C=2.0)
    errors = np.append(preferences[:4] - 1 - (0.75 - 0.125), [0] * 4) / 4
    assert controlled.win_rate == pytest.approx(75 - 12.5, abs=SOLVED)
    expected = 100 * math.sqrt(8 / 7 * ((errors - errors.mean()) ** 2).sum())
    assert controlled.standard_error == pytest.approx(expected, abs=SOLVED)


seeds = st.integers(0, 10_000)


@given(seeds)
@settings(max_examples=30)
def test_seen_from_the_baseline_it_is_the_rest(seed):
    """Preferences turned around and lengths exchanged: LC becomes 100 − LC, as no leaderboard could do without."""
    (preferences, len_baseline, len_model, hard), _ = make_run(seed, n=60)
    own = control_length(preferences, len_baseline, len_model, hard)
    other = control_length(3 - preferences, len_model, len_baseline, hard)
    assert own.win_rate + other.win_rate == pytest.approx(100, abs=SOLVED)
    assert own.standard_error == pytest.approx(other.standard_error, abs=SOLVED)


@given(seeds, st.sampled_from([0.25, 4.0]))
@settings(max_examples=30)
def test_order_and_unit_of_length_do_not_matter(seed, unit):
    """Rows come in any order and lengths in characters or words; pseudo-values go with their rows."""
    arguments, _ = make_run(seed, n=60)
    order = np.random.default_rng(seed).permutation(60)
    own = control_length(*arguments)
    preferences, len_baseline, len_model, hard = (each[order] for each in arguments)
    other = control_length(preferences, unit * len_baseline, unit * len_model, hard)
    assert other.win_rate == pytest.approx(own.win_rate, abs=SOLVED)
    assert other.pseudo_values == pytest.approx(own.pseudo_values[order], abs=1e3 * SOLVED)


@given(seeds)
@settings(max_examples=30)
def test_pseudo_values_hold_the_estimate_and_its_error(seed):
    """What compares runs reads the pseudo-values alone."""
    arguments, _ = make_run(seed, n=60)
    controlled = control_length(*arguments)
    estimate = estimate_mean(controlled.pseudo_values, range(60))
    assert estimate.value == pytest.approx(controlled.win_rate, abs=1e-9)
    assert estimate.standard_error == pytest.approx(controlled.standard_error, abs=1e-9)


def test_pseudo_values_are_what_a_question_counts():
    """n·LC − (n − 1)·LC without question i, the jackknife's pseudo-value, by 200 refits with all that they change,
    the standard deviation of the lengths included.
    """
    arguments, _ = make_run(1, n=200)
    controlled = control_length(*arguments)
    left_out = []
    for index in range(200):
        left_out.append(control_length(*(np.delete(each, index) for each in arguments)).win_rate)
    jackknifed = 200 * controlled.win_rate - 199 * np.array(left_out)
    assert np.corrcoef(jackknifed, controlled.pseudo_values)[0, 1] > 0.99
    assert jackknifed.std() == pytest.approx(controlled.pseudo_values.std(), rel=0.05)


def test_a_question_without_a_judgment_is_predicted():
    """Left out of the fit, as if its row were missing, and part of the mean, as upstream has it."""
    (preferences, len_baseline, len_model, hard), _ = make_run(2, n=100)
    with_gap = preferences.copy()
    with_gap[7] = np.nan
    controlled = control_length(with_gap, len_baseline, len_model, hard)
    assert controlled.win_rate == pytest.approx(predict_win_rate(controlled.weights, hard), abs=1e-9)
    # Whatever its judgment would have been.
    with_gap[7] = preferences[7]
    assert abs(control_length(with_gap, len_baseline, len_model, hard).win_rate - controlled.win_rate) > 1e-3
    assert np.isfinite(controlled.pseudo_values).all()
    assert len(controlled.pseudo_values) == 100


def test_a_draw_is_spelled_in_two_ways():
    """0 and 1.5, as upstream's files hold both."""
    lengths = [10, 30, 20], [20, 10, 40], [0.1, 0.2, 0.3]
    assert control_length([0, 2, 1.8], *lengths).win_rate == control_length([1.5, 2, 1.8], *lengths).win_rate


def test_the_interval_covers_as_often_as_it_says():
    """400 runs on 300 questions each, drawn from a population whose rate is known: the binomial error of a coverage
    of 95 % is 1.1 %. Upstream's error, without the judgments' noise, misses about three times as often.
    """
    covered = upstream = 0
    for seed in range(400):
        arguments, truth = make_run(seed)
        controlled = control_length(*arguments)
        miss = abs(controlled.win_rate - truth)
        covered += miss < 1.96 * controlled.standard_error
        predicted = [predict_win_rate(controlled.weights, [hard]) for hard in arguments[3]]
        upstream += miss < 1.96 * estimate_mean(predicted, range(300)).standard_error
    assert 0.92 <= covered / 400 <= 0.98
    assert upstream / 400 < 0.89


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([math.nan], [1], [2], [0.0]), "no judgment to fit a win rate to"),
        (([1.5, 1.0], [1], [2], [0.0]), r"differ in number: \[2, 1, 1, 1\]"),
        (([7.0], [1], [2], [0.0]), "shares from 0 to 1"),
    ],
)
def test_what_is_no_set_of_judgments_is_refused(arguments, message):
    """One length for all questions would be broadcast without a word."""
    with pytest.raises(ValueError, match=message):
        control_length(*arguments)
