"""Metrics read from score files: one value a question, missing ones kept as missing, second questions left out."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from judgment_files import (
    make_rating,
    write_alpaca_eval,
    write_frontier,
    write_mt_bench,
    write_rows,
    write_summaries,
)

from lossgrid.statistics.judged_metrics import METRICS, find_judged, read_metrics
from lossgrid.statistics.paired import compare_runs
from lossgrid.studies.claims import NEEDS, PairedDifference

ONE, TWO = "cells/dpo/beta~0.1/seed~1", "cells/dpo/beta~0.1/seed~2"


def read_metric(results, run, metric) -> pd.Series:
    """A metric of one run."""
    return read_metrics(results, [run], metric)[run]


def test_every_metric_that_a_claim_can_name_can_be_read():
    """A study would pass its check and fail after its training."""
    named = PairedDifference.model_fields["metric"].annotation.__args__
    assert set(named) == set(METRICS)
    assert set(NEEDS) == set(METRICS) - {"kl"}


def test_mt_bench_has_a_value_a_turn_and_none_for_what_could_not_be_read(tmp_path):
    """A judgment that is no number is no 0 and no −1; the judge's second answers would count a question twice."""
    write_mt_bench(tmp_path, ONE, {81: (9, 7), 82: (None, 3)}, [make_rating(81, 1, 1, repeat=1)])
    scores = read_metric(tmp_path, ONE, "mt_bench")
    assert list(scores.index) == [(81, 1), (81, 2), (82, 1), (82, 2)]
    np.testing.assert_array_equal(scores, [9, 7, np.nan, 3])


def test_what_is_not_ok_has_no_value_whatever_stands_beside_it(tmp_path):
    """FastChat's −1 beside a failed call would be a rating."""
    file = tmp_path / ONE / "scores" / "mt_bench.jsonl"
    write_rows(file, [{**make_rating(81, 1, -1.0), "state": "api_error"}, make_rating(81, 2, 5.0)])
    np.testing.assert_array_equal(read_metric(tmp_path, ONE, "mt_bench"), [np.nan, 5])


def test_comparisons_with_a_baseline_are_no_ratings(tmp_path):
    """A study in pairwise mode has no points to compare."""
    rows = [{**make_rating(81, 1, None), "baseline": "sft", "winner": "model"}]
    write_rows(tmp_path / ONE / "scores" / "mt_bench.jsonl", rows)
    with pytest.raises(
        ValueError, match=r"only comparisons with a baseline, no scores; set mt_bench\.mode: single"
    ):
        read_metric(tmp_path, ONE, "mt_bench")


def test_win_rates_come_in_percent_and_keep_their_gaps(tmp_path):
    """A gap is a question whose judgment is missing, with a row or without; the baseline draws with itself."""
    write_alpaca_eval(
        tmp_path,
        [
            ("sft", "a", 50, 50), ("sft", "b", 50, 50), ("sft", "c", 50, 50),
            ("dpo/beta~0.1/seed~1", "c", 90, 80), ("dpo/beta~0.1/seed~1", "a", 60, None),
        ],
    )  # fmt: skip
    wins = read_metrics(tmp_path, ["sft", ONE], "win_rate")
    assert list(wins.index) == [("a", "a"), ("b", "b"), ("c", "c")]
    assert wins["sft"].tolist() == [50, 50, 50]
    np.testing.assert_array_equal(wins[ONE], [60, np.nan, 90])
    np.testing.assert_array_equal(read_metric(tmp_path, ONE, "lc_win_rate"), [np.nan, np.nan, 80])


def test_a_length_controlled_value_is_judged_where_the_win_is(tmp_path):
    """What the fit predicts for a prompt would count as a judgment of it."""
    rows = [("sft", "a", 50, 50), ("sft", "b", 50, 50)]
    own = [("dpo/beta~0.1/seed~1", "a", None, 61.5), ("dpo/beta~0.1/seed~1", "b", 90, 80)]
    write_alpaca_eval(tmp_path, rows + own)
    scores = read_metrics(tmp_path, ["sft", ONE], "lc_win_rate")
    assert scores[ONE].tolist() == [61.5, 80]
    judged = find_judged(tmp_path, scores, "lc_win_rate")
    assert judged.index.equals(scores.index)
    assert judged[["sft", ONE]].to_numpy().tolist() == [[True, False], [True, True]]
    wins = read_metrics(tmp_path, ["sft", ONE], "win_rate")
    assert find_judged(tmp_path, wins, "win_rate").equals(wins.notna())


@pytest.mark.parametrize(
    ("rows", "run", "message"),
    [
        ([("sft", "a", 50, 50)], ONE, r"no rows of dpo/beta~0\.1/seed~1"),
        ([("sft", "a", 50, 50), ("sft", "a", 60, 60)], "sft", "a cell has a question twice"),
    ],
)
def test_a_broken_table_of_win_rates_is_refused(rows, run, message, tmp_path):
    """A run without judgments would be compared over no question."""
    write_alpaca_eval(tmp_path, rows)
    with pytest.raises(ValueError, match=message):
        read_metric(tmp_path, run, "win_rate")


# Preferences from 1 to 2, where 2 prefers the run: 2 and 1.5 are 100 % and 50 %. Two rows of one post, in whatever
# order the post decides.
SUMMARIES = [
    ("p1", "r1", "human", False, 1.5), ("p1", "r2", "human", False, 1.0), ("p2", "r3", "human", True, None),
    ("p1", "r1", "sft", False, 1.0), ("p1", "r2", "sft", False, 1.25), ("p2", "r3", "sft", True, 2.0),
]  # fmt: skip


def test_a_summary_has_one_value_by_post_and_row(tmp_path):
    """A row that was judged in both orders would be another metric than its neighbours' and count as two."""
    write_summaries(tmp_path, ONE, SUMMARIES)
    rates = read_metric(tmp_path, ONE, "summary_win_rate_human")
    assert list(rates.index) == [("p1", "r1"), ("p1", "r2"), ("p2", "r3")]
    np.testing.assert_array_equal(rates, [50, 0, np.nan])
    write_summaries(tmp_path, ONE, [*SUMMARIES, ("p1", "r1", "human", True, 2.0)])
    with pytest.raises(ValueError, match="4 judgments of 3 questions; cut the scores anew"):
        read_metric(tmp_path, ONE, "summary_win_rate_human")


def test_the_sft_model_s_summaries_draw_with_themselves(tmp_path):
    """Nobody pays a judge to compare texts with themselves, so that their file has no such rows."""
    write_summaries(tmp_path, ONE, SUMMARIES)
    rates = read_metrics(tmp_path, [ONE, "sft"], "summary_win_rate_sft")
    np.testing.assert_array_equal(rates[ONE], [0, 25, 100])
    assert rates["sft"].tolist() == [50, 50, 50]
    with pytest.raises(ValueError, match="summary_win_rate_sft of sft alone"):
        read_metric(tmp_path, "sft", "summary_win_rate_sft")
    write_summaries(tmp_path, TWO, SUMMARIES[:3])
    with pytest.raises(ValueError, match=r"no judgments against sft; set summaries\.opponents to both"):
        read_metric(tmp_path, TWO, "summary_win_rate_sft")


def test_rewards_that_are_not_finite_are_no_values(tmp_path):
    """One infinite reward would make the mean and its interval infinite."""
    write_frontier(tmp_path, ONE, [1.0, None, float("inf"), 4.0])
    np.testing.assert_array_equal(read_metric(tmp_path, ONE, "reward"), [1, np.nan, np.nan, 4])


def test_runs_are_paired_by_question_and_not_by_row(tmp_path):
    """Files of other orders would pair answers to different questions."""
    write_mt_bench(tmp_path, ONE, {81: (9, 7), 82: (2, 3)})
    write_mt_bench(tmp_path, TWO, {82: (4, 5), 81: (1, 6)})
    scores = read_metrics(tmp_path, [ONE, TWO], "mt_bench")
    assert scores.loc[(82, 1)].tolist() == [2, 4]
    assert scores[TWO].tolist() == [1, 6, 4, 5]


@pytest.mark.parametrize("other", [{81: (9, 7), 83: (2, 3)}, {81: (9, 7)}])
def test_other_questions_are_refused(other, tmp_path):
    """What one run was not asked cannot be compared, and is no missing judgment either."""
    write_mt_bench(tmp_path, ONE, {81: (9, 7), 82: (2, 3)})
    write_mt_bench(tmp_path, TWO, other)
    with pytest.raises(ValueError, match=f"{TWO} and {ONE} answered different questions"):
        read_metrics(tmp_path, [ONE, TWO], "mt_bench")


def test_a_question_judged_twice_is_refused(tmp_path):
    """A rerun that was added to its predecessor would be averaged with it, or win over it by chance."""
    rows = [make_rating(81, 1, 9.0), make_rating(81, 1, 3.0)]
    write_rows(tmp_path / ONE / "scores" / "mt_bench.jsonl", rows)
    with pytest.raises(ValueError, match="2 judgments of 1 questions; cut the scores anew"):
        read_metric(tmp_path, ONE, "mt_bench")


def test_real_summaries_are_compared_as_a_regression_clustered_by_post_does(fixtures, tmp_path):
    """Every published run on 922 rows of 644 posts against the first, beside OLS on the intercept of statsmodels.

    Some judgments are missing. The correction for clusters there is ours, G/(G−1) · (n−1)/(n−k) with k = 1. Rows as
    independent ones would have intervals that are too narrow, so that the two can be told apart.
    """
    stored = pd.read_csv(fixtures / "discopop" / "tldr_annotations.csv.gz")
    stored = stored[stored.groupby("run")["row"].transform("size") == 922]
    # A draw is stored as 0.
    stored["preference"] = stored["preference"].replace(0, 1.5)
    runs = [f"cells/{run}" for run in sorted(stored["run"].unique())]
    for run in runs:
        own = stored[stored["run"] == run.removeprefix("cells/")]
        rows = zip(own["post"], own["row"], own["preference"], strict=True)
        judged = [
            (post, row, "human", False, None if np.isnan(value) else value) for post, row, value in rows
        ]
        write_summaries(tmp_path, run, judged)
    table = read_metrics(tmp_path, runs, "summary_win_rate_human")
    assert len(runs) > 5
    widths = []
    for run in runs[1:]:
        compared = compare_runs(table[[run]], table[runs[:1]])
        difference = (table[run] - table[runs[0]]).dropna()
        posts = pd.factorize(difference.index.get_level_values("cluster"))[0]
        fit = sm.OLS(difference.to_numpy(), np.ones(len(difference))).fit(
            cov_type="cluster", cov_kwds={"groups": posts}, use_t=True
        )
        assert (compared.estimate.n, compared.left_out) == (len(difference), 922 - len(difference))
        assert compared.estimate.clusters == len(set(posts))
        assert (compared.low, compared.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-9)
        assert compared.p == pytest.approx(fit.pvalues[0], rel=1e-6)
        widths.append(compared.estimate.standard_error / difference.sem())
    assert np.median(widths) > 1.03
