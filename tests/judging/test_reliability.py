"""The table of the judge against numbers worked out by hand, and on what the oracle really said."""

from math import sqrt
from pathlib import Path

import pandas as pd
import pytest
from judged_study import (
    ORACLE,
    ROOT,
    SFT,
    STRONG,
    WEAK,
    load_judged,
    read_lines,
    write_responses,
    write_scores,
)
from scipy.stats import beta

from lossgrid.judging.judge_costs import collect_judge_costs
from lossgrid.judging.prompt_sets import write_prompt_sets
from lossgrid.judging.reliability import collect_judge
from lossgrid.judging.scores import cut_scores
from lossgrid.judging.shards import judge_runs

# A few additions and one root in double precision.
EXACT = 1e-12
# Clopper and Pearson of all of 2 pairs, and of 2 of 3 (the lower end solves 3p² − 2p³ = 0.025).
ALL_OF_TWO = 0.025 ** (1 / 2)
TWO_OF_THREE = (0.094299, 0.975 ** (1 / 3))


def rate(question: int, turn: int, score: float | None, repeat: int = 0, state: str | None = None) -> dict:
    """A row of MT-Bench."""
    state = state or ("parse_error" if score is None else "ok")
    return {
        "question_id": question, "category": "math", "turn": turn, "repeat": repeat, "state": state, "score": score,
        "reply": "", "error": None, "key": f"{question}/{turn}/{repeat}",
    }  # fmt: skip


def compare(name, preference: float | None, swapped: bool, repeat: int = 0, **more) -> dict:
    """A row of a comparison."""
    return {
        "id": name, "swapped": swapped, "repeat": repeat, "state": "parse_error" if preference is None else "ok",
        "preference": preference, "error": None, "key": f"{name}/{repeat}", **more,
    }  # fmt: skip


def describe(folder: Path, evaluation: str, settings: dict, rows: dict[str, list[dict]]) -> pd.Series:
    """The row of the only evaluation of a study."""
    write_scores(folder, evaluation, rows)
    table = collect_judge(
        load_judged(folder / "study", {"date": "2026-11"}, **{evaluation: settings}), folder
    )
    assert table["evaluation"].tolist() == [evaluation]
    return table.iloc[0]


def test_ratings(tmp_path):
    """Two of three pairs agree; the differences are 0, 2 and 0, so that their variance is 4/3 and the judge's 2/3.

    A fourth pair lacks its first rating. All pairs are of one question, so that nothing is known of the interval but
    that one pair was seen.
    """
    rows = {
        SFT: [
            rate(1, 1, 5), rate(1, 1, 5, 1), rate(1, 2, 6), rate(1, 2, 8, 1), rate(2, 1, 7), rate(2, 2, None),
        ],
        WEAK: [rate(1, 1, 9), rate(1, 1, 9, 1), rate(1, 2, None, state="api_error"), rate(1, 2, 4, 1)],
    }  # fmt: skip
    row = describe(tmp_path, "mt_bench", {}, rows)
    assert row[["model", "server", "date"]].tolist() == ["oracle", "oracle", "2026-11"]
    assert row[["n", "n_ok", "n_parse_error", "n_api_error"]].tolist() == [6, 4, 1, 1]
    assert row["pairs"] == 3
    assert row["agreement"] == pytest.approx(2 / 3, abs=EXACT)
    assert row["mean_absolute_difference"] == pytest.approx(2 / 3, abs=EXACT)
    assert row["noise_sd"] == pytest.approx(sqrt(2 / 3), abs=EXACT)
    assert row[["mean_absolute_difference_low", "noise_sd_high"]].isna().all()
    assert row["agreement_low"] < 0.1 < 0.99 < row["agreement_high"]
    # Ratings have no order.
    assert "order_pairs" not in row


def test_comparisons(tmp_path):
    """Preferences for the run, from 0 to 1, where they were asked for.

    - Asked again: 0.8 and 0.6, 0.9 and 0.9: both name the same text twice. The mean absolute difference is 0.1; the
      variance of −0.2 and 0 is 0.02, and the judge's 0.01.
    - In the other order: 0.8 and 0.3 differ, 0.5 and 0.5 agree, 0.9 and 0.7 agree.
    - For the text shown first: 0.2, 0.5 and 0.9, with a mean of 8/15 and squares about it of 0.74/3.
    - Two equal texts are a draw that says nothing about the judge; a failure has no preference.
    """
    rows = [
        compare(0, 1.8, False), compare(0, 1.6, False, 1), compare(0, 1.3, True, 2),
        compare(1, 1.5, True), compare(1, None, True, 1), compare(1, 1.5, False, 2),
        compare(2, 1.9, True), compare(2, 1.9, True, 1), compare(2, 1.7, False, 2),
        compare(3, 1.5, True, key=None), compare(4, None, False, state="api_error"),
    ]  # fmt: skip
    row = describe(tmp_path, "alpaca_eval", {}, {WEAK: rows})
    assert row[["n", "n_ok", "n_parse_error", "n_api_error"]].tolist() == [5, 4, 0, 1]
    assert row["pairs"] == 2
    assert row[["agreement", "agreement_high"]].tolist() == [1, 1]
    assert row["agreement_low"] == pytest.approx(ALL_OF_TWO, abs=EXACT)
    assert row["mean_absolute_difference"] == pytest.approx(0.1, abs=EXACT)
    assert row["noise_sd"] == pytest.approx(0.1, abs=EXACT)
    assert row["order_pairs"] == 3
    assert row["order_agreement"] == pytest.approx(2 / 3, abs=EXACT)
    # To the digits given above.
    assert row[["order_agreement_low", "order_agreement_high"]].tolist() == pytest.approx(
        TWO_OF_THREE, abs=1e-6
    )
    assert row["first_place"] == pytest.approx(8 / 15, abs=EXACT)
    assert row["first_place_se"] == pytest.approx(sqrt(0.74 / 3 / 2 / 3), abs=EXACT)


def test_the_distances_of_two_answers_have_intervals(tmp_path):
    """Differences of ratings of 40 questions, 0 and 2 in turn: the mean is 1 ± about 1.96/√40. Without an interval it
    would look certain.
    """
    rows = [
        row for question in range(40) for row in (rate(question, 1, 5), rate(question, 1, 5 + 2 * (question % 2), 1))
    ]  # fmt: skip
    row = describe(tmp_path, "mt_bench", {}, {SFT: rows})
    assert (row["pairs"], row["mean_absolute_difference"]) == (40, 1)
    reach = 1.96 / sqrt(40)
    ends = row[["mean_absolute_difference_low", "mean_absolute_difference_high"]].tolist()
    # A question of 40 is 0.05.
    assert ends == pytest.approx([1 - reach, 1 + reach], abs=0.05)
    # The variance of 0 and 2 in equal parts is 40/39, and less for unequal ones.
    assert row["noise_sd"] == pytest.approx(sqrt(40 / 39 / 2), abs=EXACT)
    assert 0.6 < row["noise_sd_low"] < row["noise_sd_high"] < 0.75


def test_rows_of_a_post_are_no_independent_pairs(tmp_path):
    """Ten rows of each of four posts, asked again and in the other order, and every post's rows alike: forty pairs
    say as much as four, of which two agree. SE² = 4/3 · 4 · 5²/40² = 1/12, so that three independent pairs have it.
    """
    rows = [
        compare(f"s{10 * post + place}", preference, False, repeat, post=f"p{post}", opponent="human")
        for post, again in enumerate((1.9, 1.9, 1.2, 1.2))
        for place in range(10)
        for repeat, preference in ((0, 1.9), (1, again), (2, again))
    ]
    row = describe(tmp_path, "summaries", {"rows": 40}, {WEAK: rows})
    assert (row["pairs"], row["agreement"], row["order_pairs"], row["order_agreement"]) == (40, 0.5, 40, 0.5)
    # 1.5 of 3 pairs.
    ends = [beta.ppf(0.025, 1.5, 2.5), beta.ppf(0.975, 2.5, 1.5)]
    assert row[["agreement_low", "agreement_high"]].tolist() == pytest.approx(ends, abs=1e-9)
    assert row[["order_agreement_low", "order_agreement_high"]].tolist() == pytest.approx(ends, abs=1e-9)
    # Posts that are shown first in one half of their rows and lose nowhere have no spread between posts.
    halves = [
        compare(f"s{10 * post + place}", 2.0, place < 5, post=f"p{post}", opponent="human")
        for post in range(4)
        for place in range(10)
    ]
    row = describe(tmp_path, "summaries", {"rows": 40}, {WEAK: halves})
    assert (row["first_place"], row["first_place_se"]) == (0.5, 0)


def test_opponents_are_not_mixed(tmp_path):
    """One row against two opponents is two questions: 0.9 twice, and 0.2 that became 0.7. Nor are runs mixed."""
    human, sft = {"opponent": "human"}, {"opponent": "sft"}
    rows = {
        WEAK: [
            compare("s0", 1.9, False, **human), compare("s0", 1.9, False, 1, **human),
            compare("s0", 1.2, False, **sft), compare("s0", 1.7, False, 1, **sft),
        ],
        STRONG: [compare("s0", 1.4, False, **human), compare("s0", 1.4, False, 1, **human)],
    }  # fmt: skip
    row = describe(tmp_path, "summaries", {"rows": 10}, rows)
    assert (row["n"], row["pairs"], row["order_pairs"]) == (3, 3, 0)
    assert row["agreement"] == pytest.approx(2 / 3, abs=EXACT)
    assert row["mean_absolute_difference"] == pytest.approx(0.5 / 3, abs=EXACT)
    assert row["first_place"] == pytest.approx((0.1 + 0.8 + 0.6) / 3, abs=EXACT)


def test_comparisons_of_mt_bench(tmp_path):
    """Second questions were paid for here too, and each question was asked in both orders.

    - Asked again: a loss stays one, a draw becomes a win.
    - Of the two orders of two questions, one gave the same winner.
    - The place shown first won three times of four: the sums about that by question are −0.5 and 0.5, and the
      standard error is √(2·0.5/4²).
    """

    def pair(question: int, verdicts: list[str] | None, repeat: int = 0) -> dict:
        winner = None if verdicts is None else verdicts[0] if verdicts[0] == verdicts[1] else "tie"
        row = rate(question, 1, None, repeat, "parse_error" if verdicts is None else "ok")
        return {**row, "baseline": SFT, "winner": winner, "verdicts": verdicts, "key": ["a", "b"]}

    rows = [
        pair(1, ["baseline", "baseline"]), pair(1, ["baseline", "baseline"], 1),
        pair(2, ["model", "baseline"]), pair(2, ["model", "model"], 1),
        pair(3, None), pair(3, ["model", "model"], 1),
    ]  # fmt: skip
    row = describe(tmp_path, "mt_bench", {"mode": "pairwise"}, {WEAK: rows})
    assert row[["n", "n_ok", "n_parse_error", "n_api_error"]].tolist() == [3, 2, 1, 0]
    assert (row["pairs"], row["agreement"], row["mean_absolute_difference"]) == (2, 0.5, 0.25)
    assert (row["order_pairs"], row["order_agreement"]) == (2, 0.5)
    assert row["first_place"] == pytest.approx(0.75, abs=EXACT)
    assert row["first_place_se"] == pytest.approx(sqrt(2 * 0.5) / 4, abs=EXACT)


@pytest.mark.parametrize(
    ("evaluation", "settings", "row"),
    [
        ("mt_bench", {}, rate(1, 1, None)),
        ("mt_bench", {"mode": "pairwise"}, {**rate(1, 1, None), "winner": None, "verdicts": None}),
        ("alpaca_eval", {}, compare(0, None, False)),
        ("alpaca_eval", {}, compare(0, 1.5, False, key=None)),
    ],
)
def test_a_judge_of_whom_nothing_is_known(tmp_path, evaluation, settings, row):
    """A judge that never said anything readable, or was never asked, has a row all the same, and no numbers."""
    described = describe(tmp_path, evaluation, settings, {WEAK: [row]})
    assert (described["n"], described["pairs"]) == (1, 0)
    assert pd.isna(described["agreement"])
    assert pd.isna(described.get("first_place"))


def test_a_judge_that_garbles_its_replies_is_found_out(tmp_path, monkeypatch):
    """Three replies of ten are malformed: the table says so, and the tables' means are of the others.

    480 judgments, of which 144 are expected, with a standard deviation of 10.
    """
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    study = load_judged(
        tmp_path / "study", {"command": f"{ORACLE} --malformed 0.3"}, mt_bench={"consistency": 20}
    )
    write_prompt_sets(study, tmp_path / "prompts", tmp_path / "downloads")
    texts = {SFT: "the plot is decent .", WEAK: "the cast is superb .", STRONG: "the score is awful ."}
    write_responses(
        tmp_path,
        tmp_path / "prompts",
        {run: lambda chat, turn, text=text: text for run, text in texts.items()},
    )
    ledger, judgments = tmp_path / "ledgers" / "mt_bench", tmp_path / "judgments.jsonl"
    states = judge_runs(
        study, "mt_bench", list(texts), results=tmp_path, prompts=tmp_path / "prompts", ledger=ledger,
        judgments=judgments, server_log=tmp_path / "server.log", report=lambda line: None,
    )  # fmt: skip
    for run in texts:
        cut_scores(judgments, run, tmp_path / run / "scores" / "mt_bench.jsonl")
    row = collect_judge(study, tmp_path).iloc[0]
    own = [row for row in read_lines(judgments) if row["repeat"] == 0]
    assert (row["n"], row["n_api_error"]) == (480, 0)
    assert row["n_parse_error"] == sum(each["state"] == "parse_error" for each in own)
    assert 100 < row["n_parse_error"] < 190
    assert states["parse_error"] > row["n_parse_error"]
    # Twenty questions of two turns and three runs, less those of which either reply was garbled.
    assert 30 < row["pairs"] < 90
    assert 0.4 < row["agreement"] < 1
    assert 0 < row["noise_sd"] < 1
    costs = collect_judge_costs(study, tmp_path).iloc[0]
    assert costs["asked"] == costs["calls"] == costs["ledger_calls"] == sum(states.values())
    assert costs["prompt_tokens"] > costs["completion_tokens"] > 0
    assert costs["cost"] == 0
