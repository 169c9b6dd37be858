"""What asking a judge took, by the ledger."""

import pandas as pd
import pytest
from judged_study import load_judged, write_scores

from lossgrid.judging.asking.ledger import Ledger, Record
from lossgrid.judging.judge_costs import collect_judge_costs


def record(
    key: str, state: str, calls: int, cost: float, tokens: tuple[int, int] | None, day: int = 1
) -> Record:
    """A record of a judge that charges for its calls."""
    reply = tokens and {
        "text": "", "finish_reason": "stop", "top_logprobs": None, "prompt_tokens": tokens[0],
        "completion_tokens": tokens[1],
    }  # fmt: skip
    return Record(
        key, state, None, reply, None, False, cost, calls, "m", "s", 0, f"2026-01-{day:02d}T00:00:00"
    )


def describe(folder, records: list[Record], keys: list) -> pd.Series:
    """The row of a study of MT-Bench alone."""
    ledger = Ledger(folder / "ledgers" / "mt_bench")
    for each in records:
        ledger.append(each)
    ledger.close()
    rows = [
        {"question_id": number, "turn": 1, "repeat": 0, "state": "ok", "key": key}
        for number, key in enumerate(keys)
    ]
    write_scores(folder, "mt_bench", {"sft": rows})
    (_, row), *others = collect_judge_costs(load_judged(folder / "study", mt_bench={}), folder).iterrows()
    assert others == []
    return row


def test_what_the_tables_count_and_what_the_ledger_holds(tmp_path):
    """Money that another judge took is not this judge's, and is not forgotten either."""
    row = describe(
        tmp_path,
        [
            record("a", "ok", 1, 0.25, (100, 10), day=3),
            record("b", "api_error", 8, 0.5, None, day=2),
            record("b", "parse_error", 2, 0.125, (200, 30), day=5),
            record("c", "api_error", 3, 0.0, None, day=4),
            record("another judge's", "ok", 7, 4.0, (1000, 1000), day=1),
        ],
        ["a", ["b", "c"], None, "a"],
    )
    assert (row["asked"], row["calls"], row["cost"]) == (3, 1 + 2 + 3, pytest.approx(0.375, rel=1e-12))
    assert (row["prompt_tokens"], row["completion_tokens"]) == (300, 40)
    assert (row["asked_from"], row["asked_to"]) == ("2026-01-03", "2026-01-05")
    assert (row["ledger_calls"], row["ledger_cost"]) == (21, pytest.approx(4.875, rel=1e-12))


def test_nothing_asked_costs_nothing(tmp_path):
    """A study whose answers are all the baseline's own asks nobody."""
    row = describe(tmp_path, [], [None, None])
    assert row[["asked", "calls", "cost", "ledger_calls", "ledger_cost"]].tolist() == [0, 0, 0, 0, 0]
    assert pd.isna(row["asked_from"])
