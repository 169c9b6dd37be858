"""Chats and prompts: enough of them, different, disjoint between sets, the same on every machine."""

import random

import pytest

from lossgrid.worlds.reviews.clause import parse_reply
from lossgrid.worlds.reviews.corpus import make_chats, make_heldout_chats, make_preference_prompts
from lossgrid.worlds.reviews.lexicon import ASPECTS


@pytest.fixture(scope="module")
def sets():
    """The sizes of a full study."""
    return make_chats(0, 10_000), make_preference_prompts(0, 8_000), make_heldout_chats(0, 1_000)


def questions_of(item):
    """The user's turns of a chat, prompt or held-out chat. They spell out film, aspects and wordings."""
    if "turns" in item:
        return tuple(item["turns"])
    return tuple(m["content"] for m in item.get("messages", item.get("prompt")) if m["role"] == "user")


def test_no_two_items_of_a_study_ask_the_same_questions(sets):
    """A repeated prompt would count twice in training, or leak evaluation questions into it."""
    asked = [questions_of(item) for items in sets for item in items]
    assert len(asked) == len(set(asked)) == 19_000
    ids = [item["id"] for items in sets for item in items]
    assert len(ids) == len(set(ids))


def test_sets_share_no_first_question_even_between_seeds(sets):
    """Held-out means that not even the first turn was trained on, also with one seed a set."""
    chats, prompts, heldout = ({questions_of(item)[0] for item in items} for items in sets)
    assert not chats & prompts
    assert not (chats | prompts) & heldout
    others = {questions_of(item)[0] for item in make_heldout_chats(1, 1_000)}
    assert not (chats | prompts) & others


def test_chats_alternate_and_answer_what_was_asked(sets):
    """A wrong aspect beside a chat would score good replies as irrelevant."""
    for chat in sets[0]:
        assert [message["role"] for message in chat["messages"]] == ["user", "assistant"] * 2
        assert chat["aspects"][0] != chat["aspects"][1]
        for question, aspect in zip(questions_of(chat), chat["aspects"], strict=True):
            assert set(question.split()) & set(ASPECTS) == {aspect}
        assert all(None not in parse_reply(message["content"]) for message in chat["messages"][1::2])


def test_half_of_the_preference_prompts_have_an_answered_first_turn(sets):
    """Second-turn scores would otherwise measure a policy that never saw a second turn in training."""
    roles = [[message["role"] for message in prompt["prompt"]] for prompt in sets[1]]
    assert roles == [["user"], ["user", "assistant", "user"]] * 4_000
    for prompt in sets[1]:
        assert set(prompt["prompt"][-1]["content"].split()) & set(ASPECTS) == {prompt["aspect"]}
        assert all(
            None not in parse_reply(m["content"]) for m in prompt["prompt"] if m["role"] == "assistant"
        )


def test_heldout_chats_ask_about_two_aspects(sets):
    """A wrong aspect beside a question would score good replies as irrelevant."""
    for chat in sets[2]:
        assert chat["aspects"][0] != chat["aspects"][1]
        for question, aspect in zip(chat["turns"], chat["aspects"], strict=True):
            assert set(question.split()) & set(ASPECTS) == {aspect}


def test_no_aspect_is_a_blind_spot(sets):
    """Each has an eighth of the questions, give or take a fifth: the split of first ones is a draw too."""
    for turn in (0, 1):
        for aspect in ASPECTS:
            asked = sum(chat["aspects"][turn] == aspect for chat in sets[0])
            assert 1_000 < asked < 1_500


@pytest.mark.parametrize("make", [make_chats, make_preference_prompts, make_heldout_chats])
def test_enlarging_a_set_keeps_what_was_there(make):
    """A larger study must contain the smaller one, or results of the two cannot be compared."""
    small, large = make(7, 41), make(7, 90)
    assert large[:41] == small
    assert make(8, 41) != small


def test_sets_do_not_depend_on_each_other_or_on_global_randomness():
    """Otherwise the order of two rules in the workflow would decide the data."""
    first = make_preference_prompts(3, 20), make_heldout_chats(3, 20)
    random.seed(5)
    make_chats(3, 500)
    assert (make_preference_prompts(3, 20), make_heldout_chats(3, 20)) == first


@pytest.mark.parametrize(
    ("make", "most"), [(make_chats, 107_520), (make_preference_prompts, 9_600), (make_heldout_chats, 53_760)]
)
def test_asking_for_more_than_there_is_names_the_limit(make, most):
    """Without the check the search for a new combination would never end."""
    with pytest.raises(ValueError, match=str(most)):
        make(0, most + 1)
    with pytest.raises(ValueError, match="-1"):
        make(0, -1)
    assert make(0, 0) == []


def test_every_different_preference_prompt_can_be_had():
    """The limit in the docstring is the real one: all 9,600 exist and differ."""
    assert len({questions_of(prompt) for prompt in make_preference_prompts(0, 9_600)}) == 9_600
