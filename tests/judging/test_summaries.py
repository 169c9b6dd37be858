"""Comparisons of summaries: what is asked, in which order, and whose win it becomes."""

import math
import re

import pytest
from answered import answer
from hypothesis import assume, given
from hypothesis import strategies as st

from lossgrid.judging.comparisons import collect_comparisons
from lossgrid.judging.evaluations import list_requests
from lossgrid.judging.preference import is_swapped
from lossgrid.judging.summaries import build_requests

# Two ways to divide two exponentials in double precision.
EXACT = 1e-12
RUN = "cells/dpo/beta~0.1/seed~1"
ROWS = [
    {"id": f"s{n}", "post": f"My dog ate {n // 2} shoes.", "human": f"Dog ate {'x' * n}."} for n in range(12)
]
SFT = [{"id": f"s{n}", "turn": 1, "response": "The dog is hungry."} for n in range(12)]
OWN = [{"id": f"s{n}", "turn": 1, "response": f"A dog ate {'y' * (2 * n)}."} for n in range(12)]
SHOWN = re.compile(r'"post": """(.*?)""".*?"summary": """(.*?)""".*?"summary": """(.*?)"""', re.DOTALL)


def prefer_long(body: dict) -> dict[str, float]:
    """A judge without a position bias that prefers the longer summary."""
    _, first, second = SHOWN.search(body["messages"][1]["content"]).groups()
    share = 1 / (1 + math.exp((len(second) - len(first)) / 10))
    return {"m": math.log(share), "M": math.log1p(-share)}


def test_a_run_meets_both_opponents_on_every_row():
    """The longer summary wins in both orders, against either opponent; the SFT model does not meet itself."""
    comparisons = build_requests(ROWS, {"sft": SFT, RUN: OWN}, "judge-1", sft=SFT)
    scores = collect_comparisons(comparisons, answer(list_requests(comparisons), prefer_long), "judge")
    assert [(row["opponent"], row["id"]) for row in scores["sft"]] == [("human", f"s{n}") for n in range(12)]
    own = scores[RUN]
    assert [(row["opponent"], row["id"]) for row in own] == [
        (opponent, f"s{n}") for opponent in ("human", "sft") for n in range(12)
    ]
    assert {row["swapped"] for row in own} == {True, False}
    for row in own:
        gain = row["len_model"] - row["len_baseline"]
        assert row["preference"] == pytest.approx(1 + 1 / (1 + math.exp(-gain / 10)), abs=EXACT)
    assert own[3]["len_baseline"] == len(ROWS[3]["human"])
    assert own[15]["len_baseline"] == len("The dog is hungry.")
    assert own[3]["post"] == "My dog ate 1 shoes."


def test_the_judge_is_asked_for_one_token_with_its_alternatives():
    """Without log-probabilities every preference would be a whole win, and nothing could be read from a tie."""
    (body,) = {
        tuple((name, value) for name, value in request.body.items() if name != "messages")
        for request in list_requests(build_requests(ROWS, {RUN: OWN}, "judge-1", sft=SFT))
    }
    assert dict(body) == {
        "model": "judge-1",
        "max_tokens": 1,
        "temperature": 1,
        "logprobs": True,
        "top_logprobs": 5,
    }


texts = st.text(st.characters(codec="utf-8"), max_size=30)


@given(texts, texts, texts)
def test_texts_reach_the_judge_as_they_are(post, human, own):
    """Braces and whatever else a post holds are text; the human's summary stands first unless swapped."""
    own += "!"
    assume(own != human)
    rows = [{"id": 1, "post": post, "human": human}]
    (comparison,) = build_requests(rows, {RUN: [{"id": 1, "response": own}]}, "judge-1", ("human",))
    assert comparison.swapped == is_swapped(post)
    shown = [own, human] if comparison.swapped else [human, own]
    content = comparison.request.body["messages"][1]["content"]
    places = [content.index(f'"post": """{post}"""')]
    for identifier, text in zip(("m", "M"), shown, strict=True):
        written = f'"model_identifier": "{identifier}",\n        "summary": """{text}"""'
        places.append(content.index(written))
    assert places == sorted(places)


def test_second_questions_of_every_opponent():
    """Three evenly spaced rows of both opponents, in both orders, beside the 24 comparisons themselves."""
    comparisons = build_requests(ROWS, {RUN: OWN}, "judge-1", sft=SFT, consistency=3)
    again = [each for each in comparisons if each.repeat]
    assert [(each.pair.columns["opponent"], each.pair.columns["id"], each.repeat) for each in again] == [
        (opponent, f"s{n}", repeat) for opponent in ("human", "sft") for n in (0, 4, 8) for repeat in (1, 2)
    ]
    scores = collect_comparisons(comparisons, answer(list_requests(comparisons), prefer_long), "judge")[RUN]
    assert len(scores) == 24 + 12
    first = {(row["opponent"], row["id"]): row for row in scores if row["repeat"] == 0}
    for row in scores:
        asked = first[row["opponent"], row["id"]]
        assert row["preference"] == pytest.approx(asked["preference"], abs=EXACT)
        assert (row["swapped"] == asked["swapped"]) == (row["repeat"] != 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"opponents": ("robot",)}, "opponent 'robot' is unknown; take 'human' or 'sft'"),
        ({"opponents": ("sft",)}, "opponent 'sft' needs the responses of the SFT model"),
        ({"sft": SFT[:-1]}, "sft: no text for 's11'"),
        ({"answers": {RUN: OWN[1:]}, "sft": SFT}, f"{RUN}: no text for 's0'"),
    ],
)
def test_missing_summaries_are_refused(arguments, message):
    """Fewer rows against one opponent, or for one run, would be compared with all of the others'."""
    with pytest.raises(ValueError, match=re.escape(message)):
        build_requests(**{"rows": ROWS, "answers": {RUN: OWN}, "judge_model": "judge-1"} | arguments)
