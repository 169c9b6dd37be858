"""Identity of a question, and how answers are read."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.judging.asking.request import (
    JudgeRequest,
    Reply,
    UnreadableReply,
    judge_reply,
    read_reply,
    repeat_request,
)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
bodies = st.dictionaries(st.text(), values, max_size=5).map(lambda extra: {**extra, "model": "judge"})


def ask(body, repeat=0, parse=None):
    return JudgeRequest(body, parse, repeat)


def complete(**changes):
    """A completion as servers send it."""
    choice = {"message": {"role": "assistant", "content": "[[7]]"}, "finish_reason": "stop"}
    return {"choices": [choice], "usage": {"prompt_tokens": 12, "completion_tokens": 4}, **changes}


def test_key_is_the_stated_hash():
    """Another hash would make every ledger on disk worthless: its judgments would be paid for again."""
    body = {"model": "judge", "messages": [{"role": "user", "content": "é"}], "temperature": 0.0}
    text = (
        '{"body":{"messages":[{"content":"\\u00e9","role":"user"}],"model":"judge","temperature":0.0},'
        '"model":"judge","repeat":2,"server":"here"}'
    )
    assert ask(body, 2).get_key("here") == hashlib.sha256(text.encode()).hexdigest()


@given(bodies, st.integers(0, 3), st.randoms())
def test_key_does_not_know_the_order_of_entries(body, repeat, random):
    items = list(body.items())
    random.shuffle(items)
    assert ask(dict(items), repeat).get_key("s") == ask(body, repeat).get_key("s")


@given(bodies, st.text(), values)
def test_any_change_of_the_question_changes_the_key(body, name, value):
    """A judgment of another prompt, model or temperature must never be taken for this one."""
    changed = {**body, name: value}
    spelled = json.dumps(body, sort_keys=True) == json.dumps(changed, sort_keys=True)
    assert (ask(body).get_key("s") == ask(changed).get_key("s")) == spelled
    assert ask(body).get_key("s") != ask(body).get_key("t")
    assert ask(body).get_key("s") != ask(body, 1).get_key("s")


def test_key_refuses_what_json_cannot_write():
    with pytest.raises(ValueError, match="JSON compliant"):
        ask({"model": "judge", "temperature": float("nan")}).get_key("s")


def test_repeats_are_seeded_and_leave_the_question_alone():
    first = ask({"model": "judge", "seed": 0})
    second = repeat_request(first, 3)
    assert second.body == {"model": "judge", "seed": 3}
    assert second.repeat == 3
    assert first.body == {"model": "judge", "seed": 0}


def test_reads_a_completion():
    assert read_reply(complete()) == Reply("[[7]]", "stop", None, 12, 4)


def test_reads_log_probabilities_of_the_first_token():
    """Of the first token only; −∞, which JSON cannot store, becomes the −9999 of other servers."""
    top = [
        {"token": "m", "logprob": -0.2},
        {"token": "M", "logprob": -1.8},
        {"token": "x", "logprob": float("-inf")},
    ]
    completion = complete()
    completion["choices"][0]["logprobs"] = {"content": [{"top_logprobs": top}, {"top_logprobs": []}]}
    assert read_reply(completion).top_logprobs == (("m", -0.2), ("M", -1.8), ("x", -9999.0))


@pytest.mark.parametrize("logprobs", [{}, {"content": None}, {"content": []}, {"content": [{"token": "m"}]}])
def test_absent_log_probabilities_are_none(logprobs):
    completion = complete()
    completion["choices"][0]["logprobs"] = logprobs
    assert read_reply(completion).top_logprobs is None


def test_empty_message_and_no_usage():
    """A reply cut off before its first visible token is an answer; the parse decides what it is worth."""
    completion = {"choices": [{"message": {"content": None}, "finish_reason": "length"}]}
    assert read_reply(completion) == Reply("", "length", None, 0, 0)


@pytest.mark.parametrize(
    ("completion", "message"),
    [
        ([], "no JSON object but list"),
        ({}, "no choices"),
        ({"choices": []}, "no choices"),
        ({"choices": None, "error": {"message": "overloaded"}}, "overloaded"),
        ({"choices": [{}]}, "without a message"),
        ({"choices": [{"message": {"content": 7}}]}, "no text but int"),
    ],
)
def test_refuses_what_is_no_completion(completion, message):
    with pytest.raises(ValueError, match=message):
        read_reply(completion)


def parse_strictly(reply):
    if reply.text != "[[7]]":
        raise UnreadableReply(f"no rating in {reply.text!r}")
    return 7


def test_a_reply_is_judged_by_its_request():
    request = ask({"model": "judge"}, parse=parse_strictly)
    assert judge_reply(Reply("[[7]]", "stop", None, 1, 1), request) == ("ok", 7, None)
    state = judge_reply(Reply("seven", "stop", None, 1, 1), request)
    assert state == ("parse_error", None, "no rating in 'seven'")


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), ({1, 2}, TypeError)])
def test_a_value_that_json_does_not_know_is_a_mistake_of_the_parse(value, error):
    """Written to the ledger it would make the line unreadable, and the paid reply lost."""
    with pytest.raises(error):
        judge_reply(Reply("", None, None, 1, 1), ask({"model": "judge"}, parse=lambda reply: value))
