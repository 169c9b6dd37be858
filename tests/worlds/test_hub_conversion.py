"""What of strangers' data becomes a pair, and what is left out and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.studies.hub import HubData
from lossgrid.worlds.hub.conversion import Conversion

CONVERSATIONS = HubData(name="a/b")
TEXTS = HubData(name="a/b", format="texts", prompt_suffix="\n\nTL;DR:", response_prefix="TL;DR:")
CHOICE = HubData(name="a/b", format="choice")


def make_conversation(*contents: str, first: str = "user") -> list[dict[str, str]]:
    roles = ["user", "assistant"] if first == "user" else ["assistant", "user"]
    return [{"role": roles[place % 2], "content": content} for place, content in enumerate(contents)]


def convert(data: HubData, *rows: dict, longest: int = 1000, folds_system: bool = False):
    conversion = Conversion(data, longest, folds_system)
    return [pair for _, pair in conversion.convert_all(rows)], conversion.counts


GOOD = {"chosen": make_conversation("Hi", "Hello"), "rejected": make_conversation("Hi", "Go away")}


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"rejected": make_conversation("Hi", "Hello")}, "identical"),
        ({"rejected": make_conversation("Hi", "  \n")}, "empty"),
        ({"rejected": None}, "empty"),
        ({"rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None}]}, "empty"),
        ({"rejected": make_conversation("Ho", "Go away")}, "different_prompts"),
        ({"chosen": make_conversation("Hello", "Hi", first="assistant")}, "wrong_turns"),
        ({"chosen": make_conversation("Hi", "Hello", "Bye")}, "wrong_turns"),
        ({"chosen": [*make_conversation("Hi"), *make_conversation("Hi", "Hello")]}, "wrong_turns"),
        (
            {"chosen": [{"role": "tool", "content": "Hi"}, {"role": "assistant", "content": "x"}]},
            "wrong_turns",
        ),
        ({"chosen": [{"content": "Hi"}, {"role": "assistant", "content": "x"}]}, "wrong_turns"),
        ({"chosen": make_conversation("Hi", "na\N{REPLACEMENT CHARACTER}ve")}, "bad_encoding"),
        ({"chosen": make_conversation("Hi", "a\x00b")}, "bad_encoding"),
        ({"chosen": make_conversation("Hi", "a\ud800b")}, "bad_encoding"),
        ({"chosen": make_conversation("Hi", "word " * 100_000)}, "too_long"),
    ],
)
def test_a_spoiled_row_is_left_out_and_counted(spoiled, reason):
    """It would be trained on as it is, or vanish without a trace."""
    pairs, counts = convert(CONVERSATIONS, GOOD, {**GOOD, **spoiled})
    assert [pair.chosen for pair in pairs] == ["Hello"]
    assert {name: count for name, count in counts.items() if count} == {"rows": 2, f"excluded_{reason}": 1}


def test_the_last_message_is_the_response_and_all_before_it_the_prompt():
    turns = ("Hi", "Hello", "How are you?")
    row = {"chosen": make_conversation(*turns, "Fine"), "rejected": make_conversation(*turns, "No")}
    (pair,), _ = convert(CONVERSATIONS, row)
    assert pair.prompt == make_conversation(*turns)
    assert (pair.chosen, pair.rejected) == ("Fine", "No")


def test_a_prompt_of_its_own_comes_before_replies_alone():
    row = {
        "prompt": make_conversation("Hi"),
        "chosen": [{"role": "assistant", "content": "Hello"}],
        "rejected": [{"role": "assistant", "content": "No"}],
    }
    (pair,), _ = convert(CONVERSATIONS, row)
    assert (pair.prompt, pair.chosen, pair.rejected) == (make_conversation("Hi"), "Hello", "No")


def test_the_same_pair_again_is_no_second_pair():
    """Twice in the data, it would be weighed twice."""
    pairs, counts = convert(CONVERSATIONS, GOOD, {**GOOD, "chosen_rating": 5.0, "rejected_rating": 5.0}, GOOD)
    assert len(pairs) == 1
    assert counts["excluded_duplicates"] == 2


@pytest.mark.parametrize(
    ("ratings", "ties"), [((5.0, 5.0), 1), ((5.0, 4.0), 0), ((None, 4.0), 0), ((0.0, 0.0), 1)]
)
def test_pairs_that_the_data_rate_alike_are_noticed_and_kept(ratings, ties):
    row = {**GOOD, "chosen_rating": ratings[0], "rejected_rating": ratings[1]}
    pairs, counts = convert(CONVERSATIONS, row)
    assert (len(pairs), counts["rating_ties"]) == (1, ties)


def test_a_system_message_begins_the_first_question_where_the_template_has_no_such_role():
    system = {"role": "system", "content": "Be brief."}
    row = {side: [system, *messages] for side, messages in GOOD.items()}
    (folded,), counts = convert(CONVERSATIONS, row, folds_system=True)
    assert folded.prompt == [{"role": "user", "content": "Be brief.\n\nHi"}]
    assert counts["folded_system_messages"] == 1
    (kept,), counts = convert(CONVERSATIONS, row)
    assert kept.prompt == [system, {"role": "user", "content": "Hi"}]
    assert counts["folded_system_messages"] == 0


@pytest.mark.parametrize("prompt", ["POST: Hi", "POST: Hi\n\nTL;DR:", "POST: Hi\nTL;DR: "])
def test_the_words_before_a_summary_stand_there_once(prompt):
    """Twice, and the model would learn to write them itself."""
    row = {"prompt": prompt, "chosen": "TL;DR: Short.", "rejected": " TL;DR:  Long."}
    (pair,), counts = convert(TEXTS, row)
    assert pair.prompt == [{"role": "user", "content": "POST: Hi\n\nTL;DR:"}]
    assert (pair.chosen, pair.rejected) == ("Short.", "Long.")
    assert counts["cut_prefixes"] == 2


@pytest.mark.parametrize(("better", "chosen"), [(0, " good"), (1, " bad")])
def test_the_index_says_which_response_is_chosen(better, chosen):
    (pair,), _ = convert(CHOICE, {"prompt": "It was", "responses": [" good", " bad"], "chosen": better})
    assert pair.chosen == chosen
    assert {pair.chosen, pair.rejected} == {" good", " bad"}


@pytest.mark.parametrize("row", [{"responses": ["a"], "chosen": 0}, {"responses": ["a", "b"], "chosen": 2}])
def test_a_choice_needs_two_responses_and_one_of_their_places(row):
    pairs, counts = convert(CHOICE, {"prompt": "It was", **row})
    assert (pairs, counts["excluded_wrong_choice"]) == ([], 1)


_TEXT = st.none() | st.text(max_size=8) | st.sampled_from(["Hi", "Hello", "\ufffd", "x" * 40])
_MESSAGE = st.none() | st.fixed_dictionaries({}, optional={
    "role": st.sampled_from(["user", "assistant", "system", "tool", None]), "content": _TEXT,
})  # fmt: skip
_CONVERSATION = st.none() | st.lists(_MESSAGE, max_size=4) | st.tuples(_TEXT, _TEXT).map(
    lambda texts: [
        {"role": role, "content": text or "a"} for role, text in zip(("user", "assistant"), texts, strict=True)
    ]
)  # fmt: skip


@given(st.lists(st.fixed_dictionaries({"chosen": _CONVERSATION, "rejected": _CONVERSATION}), max_size=6))
def test_whatever_the_rows_hold_each_is_a_pair_or_counted_once(rows):
    pairs, counts = convert(CONVERSATIONS, *rows, longest=30)
    excluded = sum(count for name, count in counts.items() if name.startswith("excluded_"))
    assert counts["rows"] == len(rows) == len(pairs) + excluded
    for pair in pairs:
        assert pair.chosen != pair.rejected
        assert [message["role"] for message in pair.prompt][-1] == "user"
