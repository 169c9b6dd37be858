"""The audit beside the outcome: what counts as a prediction that held."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.signal import lfilter

from lossgrid.statistics.predictions import (
    Window,
    check_start,
    compare_predictions,
    describe_difference,
    estimate_window,
)

AUDIT = pd.DataFrame(
    {
        "objective": ["dpo", "discopop"],
        "setting": ["beta~0.05", "beta~100__tau~0.05__evaluation~published"],
        "start": ["right", "wrong"],
        "trap_rho": [math.nan, -0.00119],
        "left_limit_float32": [math.nan, -0.887],
    }
)


def make_cells(**changes) -> pd.DataFrame:
    rows = [
        {
            "cell": f"{objective}/{setting}/seed~1",
            "objective": objective,
            "title": objective,
            "label": setting,
            "seed": 1,
            "alias_of": "",
            "reward_minus_sft": 0.9,
            "reward_minus_sft_se": 0.1,
            "n": 16,
            "chats": 8,
            "rho_min": -0.5,
            "nonfinite_steps": 0,
            **changes,
        }
        for objective, setting in zip(AUDIT["objective"], AUDIT["setting"], strict=True)
    ]
    return pd.DataFrame([{"cell": "sft", "objective": "sft"}, *rows])


# Sixteen steps, of which a quarter is four: a batch a step.
MARGINS = (0.0, 0.5, 1.0, 0.5, *[1.0] * 8, 1.0, 3.0, 2.0, 4.0)


def compare(cells: pd.DataFrame, margins=MARGINS) -> pd.DataFrame:
    trained = cells["cell"][cells["objective"] != "sft"]
    logs = {cell: [{"rho_median": margin} for margin in margins] for cell in trained}
    return compare_predictions(AUDIT, cells, logs).set_index("title")


def test_the_sign_of_the_first_margins_is_held_against_the_start():
    """A loss that does the opposite of its audit would be listed as predicted.

    The first quarter, 0, 0.5, 1, 0.5, has mean 0.5 and slope 0.2 a step: about 0.2, 0.4, 0.6, 0.8 lie −0.2, 0.1, 0.4,
    −0.3, whose squares add up to 0.3, SE = √(0.3/(4·2)). With two degrees of freedom t is 4.30: undecided. A start
    that rises evenly has no error: right for DPO, and against DiscoPOP's wrong start.
    """
    undecided = compare(make_cells()).loc["dpo"]
    assert undecided[["early_margin", "early_margin_se", "early_steps"]].tolist() == pytest.approx(
        [0.5, np.sqrt(0.3 / 8), 4]
    )
    # The last quarter, 1, 3, 2, 4, about 1.3, 2.1, 2.9, 3.7: −0.3, 0.9, −0.9, 0.3.
    assert undecided[["late_margin", "late_margin_se"]].tolist() == pytest.approx([2.5, np.sqrt(1.8 / 8)])
    # The quantile of two degrees of freedom in closed form: 0.95·√(2/(1 − 0.95²)).
    reach = 0.95 * np.sqrt(2 / (1 - 0.95**2)) * np.sqrt(0.3 / 8)
    ends = undecided[["early_margin_low", "early_margin_high"]].tolist()
    assert ends == pytest.approx([0.5 - reach, 0.5 + reach])
    assert undecided[["late_margin_low", "late_margin_high"]].mean() == pytest.approx(2.5)
    assert undecided["start_holds"] is None
    rising = compare(make_cells(), margins=(0.25, 0.5, 0.75, 1.0, *MARGINS[4:]))
    assert rising["start_holds"].to_dict() == {"dpo": True, "discopop": False}


def make_autocorrelated(seed: int, windows: int, steps: int, correlation: float) -> np.ndarray:
    """Stationary margins about 0, shape (windows, steps): each is the last one times the correlation, and noise."""
    noise = np.random.default_rng(seed).normal(size=(windows, steps))
    noise[:, 1:] *= np.sqrt(1 - correlation**2)
    return lfilter([1], [1, -correlation], noise, axis=1)


@pytest.mark.parametrize(
    ("correlation", "steps", "at_most"),
    [(0.0, 32, 0.07), (0.5, 32, 0.085), (0.9, 128, 0.11), (0.9, 32, 0.26)],
)
def test_margins_about_nothing_are_seldom_evidence(correlation, steps, at_most):
    """1,000 windows that resemble their last step and go nowhere: 5, 7, 8 and 21 % have a verdict, with a binomial
    error of 0.7 to 1.3 %. With steps as independent it is 27 % at 0.5 and two thirds at 0.9.
    """
    verdicts = naive = 0
    for window in make_autocorrelated(0, 1000, steps, correlation):
        run = np.concatenate([window, np.zeros(3 * steps)])
        early = estimate_window(run, at_end=False)
        assert early.steps == steps
        verdicts += check_start("right", early) is not None
        naive += abs(early.mean) > 2 * stats.sem(window)
    assert verdicts / 1000 <= at_most
    assert correlation < 0.9 or naive / 1000 > 0.6


def test_a_margin_that_grows_is_no_noise():
    """A run's start at 0 would count against its own rise: evenly rising margins with noise of 0.1 are a start."""
    margins = np.linspace(0, 1, 32) + np.random.default_rng(1).normal(0, 0.1, 32)
    run = np.concatenate([margins, np.ones(96)])
    early = estimate_window(run, at_end=False)
    assert check_start("right", early)
    # About that of 32 independent steps; the four batches by themselves have 0.13.
    assert early.standard_error < 0.04


@pytest.mark.parametrize(
    ("predicted", "margin", "reach", "expected"),
    [
        ("right", 0.3, 0.29, True),
        ("right", -0.3, 0.29, False),
        ("wrong", -0.3, 0.29, True),
        ("wrong", 0.3, 0.31, None),
        ("right", 0.009, 0.0, None),
        ("flat", 5.0, 0.1, None),
        ("right", math.nan, math.nan, None),
        ("right", 0.3, math.nan, None),
    ],
)
def test_a_start_is_judged_only_where_it_can_be_told(predicted, margin, reach, expected):
    """Noise of the first steps, or steps too few to know it, would be evidence for or against the audit."""
    early = Window(margin, reach / 4.3, margin - reach, margin + reach, 4)
    assert check_start(predicted, early) is expected


@pytest.mark.parametrize(
    ("rho_min", "nonfinite_steps", "expected"),
    [(-0.5, 0, True), (-0.888, 1, True), (-0.888, 0, False), (-0.5, 1, False)],
)
def test_overflow_is_predicted_by_the_worst_margin(rho_min, nonfinite_steps, expected):
    """The limit −0.887 would be said to explain a divergence that it does not, or to fail where it does."""
    table = compare(make_cells(rho_min=rho_min, nonfinite_steps=nonfinite_steps))
    assert table.loc["discopop", "overflow_holds"] == expected
    # DPO has no limit at all: any non-finite step speaks against the audit.
    assert table.loc["dpo", "overflow_holds"] == (nonfinite_steps == 0)


@pytest.mark.parametrize(
    ("difference", "error", "chats", "expected"),
    [
        (0.9, 0.1, 8, "above"), (-0.9, 0.1, 8, "below"), (0.23, 0.1, 8, "within"), (0.24, 0.1, 8, "above"),
        (-0.23, 0.1, 8, "within"), (0.23, 0.1, 100, "above"), (math.nan, math.nan, 8, "not known"),
        (0.9, math.nan, 1, "not known"),
    ],
)  # fmt: skip
def test_reward_is_told_from_sft_by_the_interval_of_claims(difference, error, chats, expected):
    """Over eight chats it is 2.36 standard errors: one table would say above where a claim is inconclusive."""
    assert describe_difference(difference, error, chats) == expected


def test_windows_leave_out_what_is_not_finite():
    """One NaN at the divergent step would take the margin of the whole quarter with it."""
    margins = np.array([0.0] * 15 + [-1.0, -2.0, np.nan, -3.0, -4.0])
    late = estimate_window(margins, at_end=True)
    assert (late.mean, late.steps) == (-2.5, 4)
    assert late.standard_error == pytest.approx(0, abs=1e-12)


def test_fewer_steps_than_batches_have_no_error():
    """Three steps of a short or broken run would have an error of 0, and a certain start."""
    three = estimate_window(np.array([1.0, 2.0, 3.0, *[9.0] * 9]), at_end=False)
    assert (three.mean, three.steps) == (2, 3)
    assert np.isnan([three.standard_error, three.low, three.high]).all()
    none = estimate_window(np.array([np.nan, 1.0, 1.0, 1.0]), at_end=False)
    assert none.steps == 0
    assert math.isnan(none.mean)


def test_aliases_have_no_row():
    """An alias would count twice for or against the audit."""
    cells = make_cells()
    cells.loc[2, "alias_of"] = cells.loc[1, "cell"]
    assert list(compare(cells).index) == ["dpo"]
