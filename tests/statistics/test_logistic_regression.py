"""The solver below length control: closed forms, its optimality conditions, and other solvers of the same problem."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from lossgrid.statistics.logistic_regression import fit_logistic, measure_kkt

# Ten times what the solver asks of itself.
KKT = 1e-8


@pytest.mark.parametrize(
    ("shares", "C", "expected"),
    [
        # C·Σ(σ(θ) − y) = −1 for θ > 0: σ(θ) = 0.8 − 1/(2·4).
        ([1.0, 0.7, 0.8, 0.7], 2.0, 0.8 - 1 / 8),
        # The penalty pulls down from above and up from below.
        ([0.0, 0.3, 0.2, 0.3], 2.0, 0.2 + 1 / 8),
        # A mean of 0.6 is less than 1/(Cn) = 0.125 from one half: θ = 0.
        ([0.6, 0.6, 0.6, 0.6], 2.0, 0.5),
    ],
)
def test_a_mean_alone_in_closed_form(shares, C, expected):
    """With one feature of ones the penalty moves the mean towards one half by 1/(Cn), and no further than that."""
    (theta,) = fit_logistic(np.ones((4, 1)), np.array(shares), np.ones(4), C)
    assert expit(theta) == pytest.approx(expected, abs=1e-10)
    assert (theta == 0) == (expected == 0.5)


# Eighths: columns are the same or clearly different, as rounding leaves no more than 1e-7 for those between.
eighths = st.integers(-24, 24).map(lambda whole: whole / 8)


@st.composite
def problems(draw):
    """Features (n, p), shares, weights and C."""
    n, p = draw(st.integers(1, 30)), draw(st.integers(1, 3))
    features = np.array(draw(st.lists(eighths, min_size=n * p, max_size=n * p))).reshape(n, p)
    shares = np.array(draw(st.lists(st.floats(0, 1), min_size=n, max_size=n)))
    weights = np.array(draw(st.lists(st.sampled_from([0.0, 0.1, 1.0]), min_size=n, max_size=n)))
    return features, shares, weights, draw(st.sampled_from([1e-4, 0.36, 2.782559402207126, 100.0]))


@given(problems())
def test_every_fit_meets_the_optimality_conditions(problem):
    """|C·gradient| is 1 against the sign of every coefficient, at most 1 where one is 0: F is convex, so that
    nothing else is a minimum.
    """
    features, shares, weights, C = problem
    theta = fit_logistic(features, shares, weights, C)
    gradient = C * features.T @ (weights * (expit(features @ theta) - shares))
    for slope, coefficient in zip(gradient, theta, strict=True):
        if coefficient:
            assert slope == pytest.approx(-math.copysign(1, coefficient), abs=KKT)
        else:
            assert abs(slope) <= 1 + KKT
    assert measure_kkt(gradient, theta) <= KKT


def make_data(n=400):
    """Rows with correlated features, shares that follow them, and weights."""
    rng = np.random.default_rng(5)
    features = np.column_stack([rng.normal(size=n), rng.normal(size=n), np.ones(n)])
    features[:, 1] += 0.8 * features[:, 0]
    shares = expit(features @ [1.2, -0.7, 0.4] + rng.normal(size=n))
    return features, shares, rng.choice([0.1, 1.0], n)


def test_agrees_with_scikit_learn():
    """liblinear, run to the end, on rows of either label with the share as their weight: AlpacaEval's own way."""
    features, shares, weights = make_data()
    doubled, labels = np.vstack([features, features]), np.repeat([1, 0], len(shares))
    sample_weight = np.concatenate([weights * shares, weights * (1 - shares)])
    for C in (0.02, 0.36, 2.78):
        solver = LogisticRegression(
            C=C, l1_ratio=1.0, solver="liblinear", fit_intercept=False, tol=1e-10, max_iter=100_000
        )
        expected = solver.fit(doubled, labels, sample_weight=sample_weight).coef_[0]
        # liblinear stops at a relative violation of the conditions of 1e-10 of that at 0.
        assert fit_logistic(features, shares, weights, C) == pytest.approx(expected, abs=1e-6)


def test_agrees_with_a_regression_without_penalty():
    """At a C of a billion the penalty is nothing, and the fit is statsmodels' binomial regression."""
    features, shares, weights = make_data()
    expected = (
        sm.GLM(shares, features, family=sm.families.Binomial(), var_weights=weights).fit(tol=1e-12).params
    )
    assert fit_logistic(features, shares, weights, 1e9) == pytest.approx(expected, abs=1e-7)


def test_certain_answers_stay_finite():
    """Without the penalty a run that wins every time has no finite coefficient."""
    features = np.column_stack([[-1.0, 1.0, 2.0], np.ones(3)])
    theta = fit_logistic(features, np.ones(3), np.ones(3), 1e4)
    assert np.isfinite(theta).all()
    # C·n·(1 − σ) = 1 where the level alone explains the data; the penalty prefers the steeper of two ways.
    assert expit(features @ theta).min() > 0.999


@pytest.mark.parametrize(
    ("features", "shares", "C", "message"),
    [
        ([[1.0]], [0.5], 0.0, "C is 0; it must be above 0"),
        ([[1.0]], [1.5], 1.0, "shares from 0 to 1"),
        ([[1.0]], [math.nan], 1.0, "shares from 0 to 1"),
        ([[math.inf]], [0.5], 1.0, "features must be finite"),
    ],
)
def test_what_cannot_be_fitted_is_refused(features, shares, C, message):
    """A preference from 1 to 2 taken for a share would be fitted to nonsense."""
    with pytest.raises(ValueError, match=message):
        fit_logistic(np.array(features), np.array(shares), np.ones(1), C)
