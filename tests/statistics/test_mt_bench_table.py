"""Tables of MT-Bench: means that say what they are of."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.statistics.mt_bench import (
    collect_mt_bench,
    collect_mt_bench_pairs,
    pair_repeats,
    summarise_pairs,
    summarise_scores,
)

# Means of a few numbers of order 10 in double precision.
EXACT = 1e-12
NAMES = {"cell": "dpo/beta~0.05/seed~1", "objective": "dpo", "title": "DPO", "label": "β 0.05", "seed": 1}
SFT = {"cell": "sft", "objective": "sft", "title": "SFT", "label": "", "seed": None}


def score(question, turn, value, category="writing", repeat=0, state=None) -> dict:
    """A row of a score file."""
    state = state or ("api_error" if value is None else "ok")
    return {
        "question_id": question, "category": category, "turn": turn, "repeat": repeat, "state": state, "score": value,
        "reply": "", "error": None, "key": "",
    }  # fmt: skip


def compare(
    question, turn, winner, category="writing", inconsistent=False, baseline="sft", state=None
) -> dict:
    """A row of a score file of comparisons."""
    return {
        **score(question, turn, None, category, state=state or ("ok" if winner else "parse_error")),
        "baseline": baseline, "winner": winner, "inconsistent": inconsistent,
    }  # fmt: skip


ROWS = [
    score(1, 1, 8.0), score(1, 2, 6.0), score(2, 1, 7.0), score(2, 2, None, state="parse_error"),
    score(3, 1, 3.0, "math"), score(3, 2, None, "math"),
]  # fmt: skip


def get_row(table: pd.DataFrame, category: str, turn: str) -> dict:
    """One row of a table."""
    (row,) = table[(table["category"] == category) & (table["turn"] == turn)].to_dict("records")
    return row


def test_a_table_by_hand():
    """All: 8, 6, 7, 3 have mean 6; deviations by question 2 + 0, 1, −3, so SE² = 3/2 · (4 + 1 + 9)/16 = 21/16.
    First turns: 8, 7, 3 have mean 6 and SE² = 3/2 · (4 + 1 + 9)/9 = 7/3. Mathematics has one judgment, and in its
    second turn none.
    """
    table = summarise_scores(pd.DataFrame(ROWS))
    assert list(zip(table["category"], table["turn"], strict=True)) == [
        (category, turn) for category in ("all", "writing", "math") for turn in ("all", "1", "2")
    ]
    whole = get_row(table, "all", "all")
    assert whole["score"] == pytest.approx(6, abs=EXACT)
    assert whole["score_se"] == pytest.approx(math.sqrt(21 / 16), abs=EXACT)
    assert [whole[name] for name in ("n_ok", "n_parse_error", "n_api_error", "questions")] == [4, 1, 1, 3]
    first = get_row(table, "all", "1")
    assert (first["score"], first["n_ok"], first["questions"]) == (6, 3, 3)
    assert first["score_se"] == pytest.approx(math.sqrt(7 / 3), abs=EXACT)
    alone = get_row(table, "math", "1")
    assert (alone["score"], alone["n_ok"]) == (3, 1)
    assert math.isnan(alone["score_se"])
    none = get_row(table, "math", "2")
    assert math.isnan(none["score"])
    assert math.isnan(none["score_se"])
    assert [none[name] for name in ("n_ok", "n_parse_error", "n_api_error", "questions")] == [0, 0, 1, 0]


judgments = st.lists(
    st.tuples(
        st.integers(1, 12), st.sampled_from([1, 2]), st.sampled_from([None, *range(1, 11)]),
        st.sampled_from(["parse_error", "api_error"]),
    ),
    min_size=1,
    unique_by=lambda each: each[:2],
).map(
    lambda drawn: [
        score(question, turn, value, "abc"[question % 3], state="ok" if value else failure)
        for question, turn, value, failure in drawn
    ]
)  # fmt: skip


@given(judgments)
@settings(max_examples=50, deadline=None)
def test_nothing_is_dropped(rows):
    """The counts of turns and of categories add up to all that was asked, and the means are means of the whole."""
    table = summarise_scores(pd.DataFrame(rows))
    counts = ["n_ok", "n_parse_error", "n_api_error"]
    whole = table[(table["category"] == "all") & (table["turn"] == "all")].iloc[0]
    assert whole[counts].sum() == len(rows)
    for parts in (
        table[(table["category"] == "all") & (table["turn"] != "all")],
        table[(table["category"] != "all") & (table["turn"] == "all")],
        table[(table["category"] != "all") & (table["turn"] != "all")],
    ):
        assert (parts[counts].sum() == whole[counts]).all()
        total = (parts["score"].fillna(0) * parts["n_ok"]).sum()
        expected = whole["score"] * whole["n_ok"] if whole["n_ok"] else 0
        assert total == pytest.approx(expected, abs=1e-9)


@given(judgments, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_of_rows_does_not_matter(rows, random):
    """Ledgers are written in any order; categories come in that of the rows and are sorted here to compare."""
    order = ["category", "turn"]
    before = summarise_scores(pd.DataFrame(rows)).sort_values(order, ignore_index=True)
    shuffled = random.sample(rows, len(rows))
    after = summarise_scores(pd.DataFrame(shuffled)).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(before, after, rtol=1e-9, atol=1e-9)


def test_second_questions_enter_no_score():
    """They are asked to learn how steady the judge is."""
    repeats = [score(1, 1, 1.0, repeat=1), score(2, 1, 1.0, repeat=1), score(3, 1, 1.0, repeat=2)]
    before, after = (summarise_scores(pd.DataFrame(rows)) for rows in (ROWS, [*ROWS, *repeats]))
    pd.testing.assert_frame_equal(before, after)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, score(2, 1, 9.0)],
         "1 judgments of questions that have one, the first of question 2, turn 1; a rerun is no second sample: keep "
         "the last"),
        ([score(1, 1, 11.0)],
         "question 1, turn 1: an ok judgment with the score 11.0, which is not within 1–10; read the judge's reply "
         "again"),
        ([score(1, 1, None, state="ok")],
         "question 1, turn 1: an ok judgment with the score None, which is not within 1–10; read the judge's reply "
         "again"),
        ([score(1, 1, 5.0, state="done")],
         "a judgment with the state done; known are ok, parse_error, api_error"),
        ([score(1, 1, 5.0, "all")],
         'a category is called "all", which is the name of the whole; give it another name'),
        ([score(1, 1, 5.0, repeat=1)], "no judgments to summarise"),
        ([], "no judgments to summarise"),
    ],
)  # fmt: skip
def test_wrong_rows_are_refused_by_the_runs_name(rows, message):
    """Each would be a number in a table that nobody can tell from a right one."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        collect_mt_bench({"sft": ROWS, "cells/dpo": rows}, {"sft": SFT, "cells/dpo": NAMES})
    assert str(raised.value) == f"cells/dpo: {message}"


def test_runs_stand_below_each_other_with_their_names():
    """What figures read."""
    runs = {"sft": ROWS, "cells/dpo/beta~0.05/seed~1": ROWS[:3]}
    table = collect_mt_bench(runs, {"cells/dpo/beta~0.05/seed~1": NAMES, "sft": SFT})
    assert list(table.columns) == [
        *NAMES, "category", "turn", "score", "score_se", "questions", "n_ok", "n_parse_error", "n_api_error",
    ]  # fmt: skip
    assert list(table["cell"].value_counts()[["sft", NAMES["cell"]]]) == [9, 6]
    dpo = table[table["cell"] == NAMES["cell"]]
    assert {name: set(dpo[name]) for name in NAMES} == {name: {value} for name, value in NAMES.items()}
    sft = table[table["cell"] == "sft"]
    assert {name: set(sft[name]) for name in ("objective", "title", "label")} == {
        "objective": {"sft"}, "title": {"SFT"}, "label": {""},
    }  # fmt: skip
    assert sft["seed"].isna().all()
    assert (sft["score"].iloc[0], dpo["score"].iloc[0]) == (6.0, 7.0)


def test_no_runs_are_no_table():
    """An empty file would look like a study without cells."""
    with pytest.raises(ValueError, match=r"^no runs to make a table of$"):
        collect_mt_bench({}, {})


def test_rows_without_categories_are_summed_up_alone():
    """Stored judgments of a benchmark whose questions are not at hand."""
    table = summarise_scores(pd.DataFrame([{**row, "category": ""} for row in ROWS]))
    assert list(zip(table["category"], table["turn"], strict=True)) == [
        ("all", turn) for turn in ("all", "1", "2")
    ]
    assert table["score"].iloc[0] == pytest.approx(6, abs=EXACT)


PAIRS = [
    compare(1, 1, "model"), compare(1, 2, "tie", inconsistent=True), compare(2, 1, "baseline"), compare(2, 2, "tie"),
    compare(3, 1, "model", "math"), compare(3, 2, None, "math"),
]  # fmt: skip


def test_win_rates_by_hand():
    """1, ½, 0, ½, 1 have mean 3/5; deviations by question 0.4 − 0.1 = 0.3, −0.6 − 0.1 = −0.7 and 0.4, so SE² =
    3/2 · (0.09 + 0.49 + 0.16)/25 = 0.0444.
    """
    table = collect_mt_bench_pairs({"cells/dpo": PAIRS}, {"cells/dpo": NAMES})
    whole = get_row(table, "all", "all")
    assert whole["win_rate"] == pytest.approx(0.6, abs=EXACT)
    assert whole["win_rate_se"] == pytest.approx(math.sqrt(0.0444), abs=EXACT)
    counts = [
        "n_win",
        "n_tie",
        "n_loss",
        "n_inconsistent",
        "n_ok",
        "n_parse_error",
        "n_api_error",
        "questions",
    ]
    assert [whole[name] for name in counts] == [2, 2, 1, 1, 5, 1, 0, 3]
    assert set(table["baseline"]) == {"sft"}
    second = get_row(table, "math", "2")
    assert math.isnan(second["win_rate"])
    assert [second[name] for name in counts] == [0, 0, 0, 0, 0, 1, 0, 0]


@given(st.lists(st.sampled_from(["model", "baseline", "tie", None]), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_a_win_of_one_is_a_loss_of_the_other(winners):
    """Exchanged runs have win rates that add up to one, with the same standard error."""
    other = {"model": "baseline", "baseline": "model"}
    here, there = (
        summarise_pairs(pd.DataFrame([compare(place, 1, winner) for place, winner in enumerate(own)])).iloc[0]
        for own in (winners, [other.get(winner, winner) for winner in winners])
    )
    assert here["n_ok"] == there["n_ok"] == len(winners) - winners.count(None)
    if here["n_ok"]:
        assert here["win_rate"] + there["win_rate"] == pytest.approx(1, abs=EXACT)
        assert here["win_rate_se"] == pytest.approx(there["win_rate_se"], abs=EXACT, nan_ok=True)
        assert (here["n_win"], here["n_loss"]) == (there["n_loss"], there["n_win"])
    else:
        assert math.isnan(here["win_rate"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([compare(1, 1, "A")], "an ok comparison with the winner A; known are model, tie, baseline"),
        ([compare(1, 1, None, state="ok")],
         "an ok comparison with the winner None; known are model, tie, baseline"),
        ([compare(1, 1, "tie"), compare(2, 1, "tie", baseline="gpt-4")],
         "comparisons with gpt-4 and sft in one table; give each one of its own"),
        ([compare(1, 1, "tie"), compare(1, 1, "tie")],
         "1 judgments of questions that have one, the first of question 1, turn 1; a rerun is no second sample: keep "
         "the last"),
    ],
)  # fmt: skip
def test_wrong_comparisons_are_refused(rows, message):
    """Each would be half a win, or a win over somebody else."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        summarise_pairs(pd.DataFrame(rows))
    assert str(raised.value) == message


def test_repeats_stand_beside_what_they_repeat():
    """Of each run its own, NaN where one of the two failed."""
    rows = [
        *({**row, "run": "sft"} for row in [*ROWS, score(1, 1, 7.0, repeat=1), score(2, 2, 5.0, repeat=1)]),
        *(
            {**row, "run": "dpo"}
            for row in [score(1, 1, 2.0), score(1, 1, None, repeat=1, state="parse_error")]
        ),
    ]
    pairs = pair_repeats(pd.DataFrame(rows))
    assert list(zip(pairs["run"], pairs["question_id"], pairs["turn"], strict=True)) == [
        ("sft", 1, 1), ("sft", 2, 2), ("dpo", 1, 1),
    ]  # fmt: skip
    assert pairs["first"].fillna(0).tolist() == [8.0, 0.0, 2.0]
    assert pairs["second"].fillna(0).tolist() == [7.0, 5.0, 0.0]
