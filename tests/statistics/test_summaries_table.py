"""Win rates of summaries per post and per row, by hand and on DiscoPOP's judgments."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.statistics.summaries import collect_summaries, describe_summaries

SFT = {"cell": "sft", "objective": "sft", "title": "SFT", "label": "SFT", "seed": None}
DPO = {"cell": "dpo/beta~0.1/seed~1", "objective": "dpo", "title": "DPO", "label": "β = 0.1", "seed": 1}


def score(post, opponent, preference=None, state="ok", repeat=0):
    """A score row, as far as the table reads it."""
    return {"post": post, "opponent": opponent, "state": state, "preference": preference, "repeat": repeat}


ROWS = [
    score("one", "human", 2.0),
    score("one", "human", 1.5),
    score("two", "human", 1.0),
    score("three", "human", 1.75),
    score("three", "human", state="parse_error"),
    score("four", "human", state="api_error"),
    score("two", "human", 2.0, repeat=1),
    score("two", "human", 2.0, repeat=2),
    score("one", "sft", 2.0),
    score("two", "sft", 1.0),
]


def test_a_post_counts_once():
    """Posts have means 75 %, 0 and 75 %: their mean is 50, s² = 2·25² + 50² over 2 = 1875, SE = √625 = 25. Row by row
    it is (1 + ½ + 0 + ¾)/4 = 56.25 %. The fourth post has no judgment, the third one of two.
    """
    table = collect_summaries([SFT, DPO], {DPO["cell"]: ROWS, "sft": ROWS[:2]})
    row = table[(table["cell"] == DPO["cell"]) & (table["opponent"] == "human")].to_dict("records")[0]
    assert row["win_rate"] == pytest.approx(50, abs=1e-12)
    assert row["standard_error"] == pytest.approx(25, abs=1e-12)
    assert row["per_row_win_rate"] == pytest.approx(56.25, abs=1e-12)
    counts = {
        name: row[name] for name in ("rows", "posts", "n_ok", "n_parse_error", "n_api_error", "n_error")
    }
    assert counts == {"rows": 4, "posts": 3, "n_ok": 4, "n_parse_error": 1, "n_api_error": 1, "n_error": 2}
    assert [(each["cell"], each["opponent"]) for each in table.to_dict("records")] == [
        ("sft", "human"),
        (DPO["cell"], "human"),
        (DPO["cell"], "sft"),
    ]


def test_posts_without_a_judgment_have_no_rate():
    """All failed: listed, counted, and NaN, which no figure draws as a loss."""
    described = describe_summaries(pd.DataFrame([score("one", "human", state="api_error")]))
    assert math.isnan(described["win_rate"])
    assert math.isnan(described["per_row_win_rate"])
    assert (described["n_ok"], described["posts"], described["n_api_error"]) == (0, 0, 1)


judged = st.lists(st.tuples(st.integers(0, 5), st.floats(1, 2)), min_size=2, max_size=30)


@given(judged)
def test_one_row_a_post_is_the_plain_rate(rows):
    """Without repeated posts both rates and both errors are the same."""
    frame = pd.DataFrame([score(index, "human", preference) for index, (_, preference) in enumerate(rows)])
    described = describe_summaries(frame)
    assert described["win_rate"] == pytest.approx(described["per_row_win_rate"], abs=1e-9)
    assert described["standard_error"] == pytest.approx(described["per_row_standard_error"], abs=1e-9)


@given(judged)
def test_repeating_a_posts_rows_adds_nothing(rows):
    """Judged twice with the same answer, a post is as well known as before."""
    frame = pd.DataFrame([score(post, "human", preference) for post, preference in rows])
    once, twice = describe_summaries(frame), describe_summaries(pd.concat([frame, frame]))
    assert twice["win_rate"] == pytest.approx(once["win_rate"], abs=1e-9)
    assert twice["standard_error"] == pytest.approx(once["standard_error"], abs=1e-9, nan_ok=True)
    assert twice["rows"] == 2 * once["rows"]


# By post, from a computation with numpy alone: sums by post over their counts, then the mean of those.
BY_POST = {"dpo": 87.2494, "lrml": 87.4399, "dpo/sft": 55.2342, "lrml/sft": 56.0863}


def test_discopop_per_row_and_per_post(fixtures):
    """Row by row the 21 published rates to 1e-9. By post the same judgments of 644 posts say something else: LRML
    over SFT is 56.1 ± 1.8 and not 53.5 ± 1.5, since single posts have up to 36 rows.
    """
    stored = pd.read_csv(fixtures / "discopop" / "tldr_annotations.csv.gz")
    published = pd.read_csv(fixtures / "discopop" / "expected_leaderboards.csv")
    published["run"] = published["file"].str.extract("tldr_eval/(.*?)/annotations", expand=False)
    published = published.dropna(subset="run").set_index("run")
    assert stored["run"].nunique() == len(published) == 21
    for run, rows in stored.groupby("run"):
        described = describe_summaries(
            rows.assign(state=np.where(rows["preference"].isna(), "api_error", "ok"))
        )
        expected = published.loc[run]
        assert described["per_row_win_rate"] == pytest.approx(expected["win_rate"], abs=1e-9), run
        assert described["per_row_standard_error"] == pytest.approx(expected["standard_error"], abs=1e-9), run
        assert described["rows"] == described["n_ok"] == expected["n_total"]
        assert described["posts"] == rows.loc[rows["preference"].notna(), "post"].nunique() <= 644
        assert described["standard_error"] > described["per_row_standard_error"], run
        if run in BY_POST:
            assert described["win_rate"] == pytest.approx(BY_POST[run], abs=5e-5), run
