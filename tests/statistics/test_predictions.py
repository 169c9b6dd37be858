"""The audit beside the outcome: what counts as a prediction that held."""

import math

import numpy as np
import pandas as pd
import pytest

from lossgrid.statistics.predictions import (
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


def compare(cells: pd.DataFrame, margins=(0.0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.5)) -> pd.DataFrame:
    trained = cells["cell"][cells["objective"] != "sft"]
    logs = {cell: [{"rho_median": margin} for margin in margins] for cell in trained}
    return compare_predictions(AUDIT, cells, logs).set_index("title")


def test_the_sign_of_the_first_margins_is_held_against_the_start():
    """A loss that does the opposite of its audit would be listed as predicted.

    Eight steps: the first quarter is 0 and 0.5, mean 0.25 with standard error 0.5/√2/√2 = 0.25, less than twice
    which it is: undecided. With 0.5 and 0.5 it is 0.5 ± 0: right for DPO, and against DiscoPOP's wrong start.
    """
    undecided = compare(make_cells())
    assert undecided.loc["dpo", ["early_margin", "early_margin_se", "early_steps"]].tolist() == [
        0.25,
        0.25,
        2,
    ]
    assert undecided["start_holds"].isna().all()
    rising = compare(make_cells(), margins=(0.5, 0.5, 1, 1, 1, 1, 2, 3))
    assert rising["start_holds"].to_dict() == {"dpo": True, "discopop": False}
    assert rising["late_margin"].tolist() == [2.5, 2.5]


@pytest.mark.parametrize(
    ("predicted", "margin", "error", "expected"),
    [
        ("right", 0.3, 0.1, True),
        ("right", -0.3, 0.1, False),
        ("wrong", -0.3, 0.1, True),
        ("wrong", 0.3, 0.2, None),
        ("right", 0.009, 0.0, None),
        ("flat", 5.0, 0.1, None),
        ("right", math.nan, math.nan, None),
        ("right", 0.3, math.nan, True),
    ],
)
def test_a_start_is_judged_only_where_it_can_be_told(predicted, margin, error, expected):
    """Noise of the first steps would be counted as evidence for or against the audit."""
    assert check_start(predicted, margin, error) is expected


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
    ("difference", "error", "expected"),
    [(0.9, 0.1, "above"), (-0.9, 0.1, "below"), (0.19, 0.1, "within"), (math.nan, math.nan, "not known")],
)
def test_reward_is_told_from_sft_by_its_interval(difference, error, expected):
    """1.96 standard errors: 0.19 ± 0.196 holds zero."""
    assert describe_difference(difference, error) == expected


def test_windows_leave_out_what_is_not_finite():
    """One NaN at the divergent step would take the margin of the whole quarter with it."""
    margins = np.array([1.0, 2.0, 3.0, np.nan, -1.0, -2.0, -3.0, np.inf])
    assert estimate_window(margins, at_end=True) == (-3.0, pytest.approx(math.nan, nan_ok=True), 1)
    assert estimate_window(margins[:2], at_end=False)[2] == 1


def test_aliases_have_no_row():
    """An alias would count twice for or against the audit."""
    cells = make_cells()
    cells.loc[2, "alias_of"] = cells.loc[1, "cell"]
    assert list(compare(cells).index) == ["dpo"]
