"""The win rate in closed form, and against what AlpacaEval and DiscoPOP published for their own judgments."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.statistics.win_rate import describe_win_rate

# What the fixtures' ten decimals of a preference leave of a mean of hundreds, in percent.
PUBLISHED = 1e-9
COUNTS = ["n_wins", "n_wins_base", "n_draws", "n_total"]
RATES = ["win_rate", "standard_error", "discrete_win_rate"]


def test_four_judgments_by_hand():
    """1, 2, 1.5 and 0: wins 0, 1, ½, ½ have mean ½, s² = (¼ + ¼)/3 = 1/6, SE = √(1/6)/2. One whole win and two
    draws of four are 50 %.
    """
    described = describe_win_rate([1, 2, 1.5, 0])
    assert described["win_rate"] == 50
    assert described["standard_error"] == pytest.approx(100 * math.sqrt(1 / 6) / 2, abs=1e-12)
    assert [described[name] for name in COUNTS] == [1, 1, 2, 4]
    assert described["discrete_win_rate"] == 50


def test_a_missing_judgment_is_no_loss():
    """2 and 1.75 won of two judgments, not of three: (1 + ¾)/2."""
    described = describe_win_rate([2, np.nan, 1.75])
    assert (described["win_rate"], described["n_total"], described["discrete_win_rate"]) == (87.5, 2, 100)


@pytest.mark.parametrize(("preferences", "n"), [([], 0), ([np.nan], 0), ([1.25], 1)])
def test_too_few_judgments_have_no_error(preferences, n):
    """An error of 0 for a single judgment would look like certainty."""
    described = describe_win_rate(preferences)
    assert math.isnan(described["standard_error"])
    assert math.isnan(described["win_rate"]) == (n == 0)
    assert described["n_total"] == n


@pytest.mark.parametrize("wrong", [0.5, -1.0, 2.001, math.inf])
def test_what_is_no_preference_is_refused(wrong):
    """A rating from 1 to 10 in the wrong column would make a win rate of hundreds of percent."""
    with pytest.raises(ValueError, match="is neither 0 nor from 1 to 2"):
        describe_win_rate([1.5, wrong])


@given(st.lists(st.floats(1, 2) | st.sampled_from([0.0, 1.0, 1.5, 2.0, math.nan]), min_size=2, max_size=40))
def test_seen_from_the_baseline_everything_turns_around(preferences):
    """Wins are the other side's losses, and a rate depends on nothing but the judgments' values."""
    own = describe_win_rate(preferences)
    other = describe_win_rate([each if each == 0 else 3 - each for each in reversed(preferences)])
    assert [own[name] for name in COUNTS] == [
        other[name] for name in ("n_wins_base", "n_wins", "n_draws", "n_total")
    ]
    assert own["n_wins"] + own["n_wins_base"] + own["n_draws"] == own["n_total"]
    for name, total in (("win_rate", 100), ("discrete_win_rate", 100)):
        assert own[name] + other[name] == pytest.approx(total, abs=1e-9) or own["n_total"] == 0
    assert own["standard_error"] == pytest.approx(other["standard_error"], abs=1e-9, nan_ok=True)


def test_every_published_alpaca_eval_model(fixtures):
    """A rate that is not AlpacaEval's own cannot be put beside its leaderboard."""
    annotations = pd.read_csv(fixtures / "alpaca_eval" / "annotations.csv.gz")
    expected = pd.read_csv(fixtures / "alpaca_eval" / "expected.csv").set_index("model")
    for model, rows in annotations.groupby("model"):
        _compare(describe_win_rate(rows["preference"]), expected.loc[model])
    assert set(annotations["model"]) == set(expected.index)


@pytest.mark.parametrize(
    ("file", "column", "pattern", "number"),
    [
        (
            "alpacaeval2_vs_sft_annotations.csv.gz",
            "model",
            "results_from_outputs_AE2/(?:anonymous-)?(.*?)/",
            9,
        ),
        ("tldr_annotations.csv.gz", "run", "tldr_eval/(.*?)/annotations", 21),
    ],
    ids=["alpaca_eval", "tldr"],
)
def test_every_published_discopop_rate(fixtures, file, column, pattern, number):
    """Row by row, as DiscoPOP averaged them: its 200 rows without a judgment are left out."""
    annotations = pd.read_csv(fixtures / "discopop" / file)
    expected = pd.read_csv(fixtures / "discopop" / "expected_leaderboards.csv")
    expected[column] = expected["file"].str.extract(pattern, expand=False)
    expected = expected.dropna(subset=column).set_index(column)
    for model, rows in annotations.groupby(column):
        _compare(describe_win_rate(rows["preference"]), expected.loc[model])
    assert set(annotations[column]) == set(expected.index)
    assert len(expected) == number


def _compare(described: dict, expected: pd.Series) -> None:
    assert [described[name] for name in COUNTS] == [expected[name] for name in COUNTS]
    for name in RATES:
        assert described[name] == pytest.approx(expected[name], abs=PUBLISHED, rel=0), name
