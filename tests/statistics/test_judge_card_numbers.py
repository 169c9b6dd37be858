"""The numbers of the judge card: closed forms, and what must hold whatever two judges say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from lossgrid.statistics import rater_agreement
from lossgrid.statistics.judge_card import COLUMNS, combine_orders, describe_card, is_inconsistent
from lossgrid.statistics.rater_agreement import (
    measure_correlation,
    measure_kappa,
    measure_mean,
    measure_share,
)

FILES = {
    kind: {"judge": "gpt-4", "lines": 9, "superseded": 1, "unreadable": 2} for kind in ("single", "pairs")
}
# Sums of a few numbers in double precision.
EXACT = 1e-12
VERDICTS = st.lists(st.sampled_from(["A", "B", "tie"]), min_size=2, max_size=2)
POSITIONS = [[one, other] for one in ("A", "B", "tie") for other in ("A", "B", "tie")]


def rate(question, judged, stored, repeat=0, state="ok", turn=1):
    """A row of a rating."""
    return {
        "kind": "single", "question_id": question, "turn": turn, "models": ["m"], "lengths": [10], "repeat": repeat,
        "state": state, "stored": [stored], "judged": None if judged is None else [judged],
    }  # fmt: skip


def compare(question, judged, stored, lengths=(10, 20), repeat=0):
    """A row of a pair; verdicts as the judges gave them in both orders."""
    return {
        "kind": "pairs", "question_id": question, "turn": 1, "models": ["m", "n"], "lengths": list(lengths) or None,
        "repeat": repeat, "state": "ok", "stored": stored, "judged": judged,
    }  # fmt: skip


def describe(rows):
    """The card, by measure and whose it is."""
    files = {kind: FILES[kind] for kind in {row["kind"] for row in rows}}
    card = describe_card(rows, files, "oracle")
    assert list(card.columns) == list(COLUMNS)
    return {(row.measure, row.of): row for row in card.itertuples()}


def test_ratings_by_hand():
    """Ratings 5, 7, 9 beside 5, 6, 6: differences 0, 1, 3, of which one is 0 and two are at most 1.

    The means are 7 and 17/3, the leniency 4/3; Pearson's correlation is 2/√(8·2/3) = √3/2, Spearman's that of the
    ranks 1, 2, 3 and 1, 2½, 2½: (1·1.5)/(√2·√1.5) = √3/2 as well.
    """
    card = describe([rate(1, 5, 5), rate(2, 7, 6), rate(3, 9, 6), rate(4, None, 6, state="parse_error")])
    expected = {
        ("mean_rating", "judge"): 7, ("mean_rating", "stored"): 17 / 3, ("mean_rating", "difference"): 4 / 3,
        ("exact", "both"): 1 / 3, ("within_1", "both"): 2 / 3, ("mean_absolute_difference", "both"): 4 / 3,
        ("pearson", "both"): math.sqrt(3) / 2, ("spearman", "both"): math.sqrt(3) / 2,
    }  # fmt: skip
    assert {key: card[key].value for key in expected} == pytest.approx(expected, abs=EXACT)
    assert {card[key].n for key in expected} == {3}
    counts = {"asked": 4, "asked_ok": 3, "asked_parse_error": 1, "asked_api_error": 0}
    assert {name: card[name, "judge"].value for name in counts} == counts
    assert [card[name, "stored"].value for name in ("lines", "superseded", "unreadable")] == [9, 1, 2]


def test_pairs_by_hand():
    """Four pairs, the second answer always the longer one.

    The judge says first, second, inconsistent (first place twice), second; the stored one first, first, tie, second.
    With ties 3 of 4 agree; p_e = (1·2 + 2·1 + 1·1)/16 = 5/16, κ = (3/4 − 5/16)/(11/16) = 7/11. Without ties 2 of 3.
    Longer: (0 + 1 + ½ + 1)/4 = 5/8, and (0 + 0 + ½ + 1)/4 = 3/8.
    """
    first, second, tie = ["A", "B"], ["B", "A"], ["tie", "tie"]
    card = describe(
        [
            compare(1, first, first), compare(2, second, first), compare(3, ["A", "A"], tie),
            compare(4, second, second),
        ]
    )  # fmt: skip
    expected = {
        ("agreement", "both"): 3 / 4, ("kappa", "both"): 7 / 11, ("agreement_without_ties", "both"): 2 / 3,
        ("ties", "judge"): 1 / 4, ("ties", "stored"): 1 / 4,
        ("inconsistent", "judge"): 1 / 4, ("inconsistent", "stored"): 0, ("inconsistent", "difference"): 1 / 4,
        ("first_place", "judge"): 1,
        ("longer_preferred", "judge"): 5 / 8, ("longer_preferred", "stored"): 3 / 8,
        ("longer_preferred", "difference"): 1 / 4,
    }  # fmt: skip
    assert {key: card[key].value for key in expected} == pytest.approx(expected, abs=EXACT)
    assert card["first_place", "judge"].n == 1
    assert (card["first_place", "stored"].n, math.isnan(card["first_place", "stored"].value)) == (0, True)
    assert card["agreement_without_ties", "both"].n == 3


def test_lengths_that_tell_nothing_are_counted():
    """Equal lengths have no longer answer, and unknown ones are no length of 0."""
    verdict = ["A", "B"]
    rows = [
        compare(1, verdict, verdict, (5, 5)),
        compare(2, verdict, verdict, ()),
        compare(3, verdict, verdict),
    ]
    card = describe(rows)
    assert (card["length_unknown", "both"].value, card["length_equal", "both"].value) == (1, 1)
    assert (card["longer_preferred", "judge"].n, card["longer_preferred", "judge"].value) == (1, 0)


def test_a_second_question_is_compared_with_the_first_of_the_same():
    """Asked again: 5 after 5, 8 after 6; the third has lost its first answer, and the turns are not mixed up."""
    card = describe(
        [
            rate(1, 5, 5), rate(1, 6, 5, turn=2), rate(2, None, 5, state="api_error"),
            rate(1, 5, 5, 1), rate(1, 8, 5, 1, turn=2), rate(2, 4, 5, 1),
        ]
    )  # fmt: skip
    assert (card["same_again", "judge"].value, card["same_again", "judge"].n) == (0.5, 2)
    assert card["mean_absolute_difference_again", "judge"].value == 1
    assert card["asked_api_error", "judge"].value == 1


@pytest.mark.parametrize("verdicts", POSITIONS)
def test_a_verdict_is_that_of_both_orders_or_a_tie(verdicts):
    """The nine ways to judge a pair twice: (A, B) and (B, A) name an answer, (tie, tie) none, six change."""
    named = {("A", "B"): "A", ("B", "A"): "B"}.get(tuple(verdicts), "tie")
    assert combine_orders(verdicts) == named
    assert is_inconsistent(verdicts) == (verdicts not in (["A", "B"], ["B", "A"], ["tie", "tie"]))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 4), VERDICTS, VERDICTS), min_size=1, max_size=12))
def test_whatever_two_judges_say(pairs):
    """Shares are shares within their intervals, and two judges in each other's place have opposite differences."""
    with pytest.MonkeyPatch.context() as patch:
        # What is asserted holds for few draws as for many.
        patch.setattr(rater_agreement, "RESAMPLES", 49)
        card = describe([compare(question, ours, theirs) for question, ours, theirs in pairs])
        turned = describe([compare(question, theirs, ours) for question, ours, theirs in pairs])
    for (measure, of), row in card.items():
        if row.unit == "share" and of != "difference" and row.n:
            assert 0 <= row.value <= 1
        if row.unit == "share" and not math.isnan(row.low):
            assert row.low <= row.value + EXACT
            assert row.value <= row.high + EXACT
        sign = {"both": 1, "difference": -1}.get(of)
        if sign:
            assert turned[measure, of].value == pytest.approx(sign * row.value, abs=EXACT, nan_ok=True)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("ABt"), st.sampled_from("ABt")), min_size=2, max_size=20))
def test_kappa_is_scikit_learn_s(pairs):
    """Another kappa would not be comparable with that of papers."""
    first, second = zip(*pairs, strict=True)
    if len(set(first) | set(second)) == 1:
        assert math.isnan(measure_kappa(first, second, [0] * len(pairs)).value)
    else:
        found = measure_kappa(first, second, [0] * len(pairs)).value
        assert found == pytest.approx(cohen_kappa_score(first, second), abs=EXACT)


def test_correlations_are_scipy_s():
    """Ties share their rank, as ratings have many."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(1, 11, (2, 60))
    for ranks, expected in ((False, stats.pearsonr), (True, stats.spearmanr)):
        found = measure_correlation(first, second, range(60), ranks)
        assert found.value == pytest.approx(expected(first, second).statistic, abs=EXACT)
        assert -1 <= found.low < found.value < found.high <= 1


def test_intervals_know_clusters():
    """Thirty answers to three questions, ten times the same, are no thirty questions."""
    values, clusters = np.repeat([0.0, 0.0, 1.0], 10), np.repeat([1, 2, 3], 10)
    for measure in (measure_share, measure_mean):
        wide, narrow = measure(values, clusters), measure(values, np.arange(30))
        assert wide.value == narrow.value == pytest.approx(1 / 3, abs=EXACT)
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
        assert (wide.n, wide.clusters) == (30, 3)
