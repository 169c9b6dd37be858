"""The reviews language: words, questions and the corpus's way of writing replies."""

from random import Random
from statistics import correlation, mean, quantiles, stdev

import pytest

from lossgrid.worlds.reviews.clause import parse_reply
from lossgrid.worlds.reviews.language import (
    ASPECTS,
    FIRST_WORDINGS,
    SECOND_WORDINGS,
    sample_question,
    sample_reply,
    vocabulary,
)
from lossgrid.worlds.reviews.lexicon import (
    ADJECTIVES,
    ADVERBS,
    ASPECT_NOUNS,
    ASPECT_OF_NOUN,
    FILMS,
    VERBS,
)
from lossgrid.worlds.reviews.reward import REWARD_RANGE, score_reply


@pytest.fixture(scope="module")
def corpus():
    """20,000 replies with the aspect asked about."""
    rng = Random("corpus of the tests")
    return [(aspect, sample_reply(rng, aspect)) for aspect in rng.choices(ASPECTS, k=20_000)]


@pytest.fixture(scope="module")
def rewards(corpus):
    """The reward of each reply of `corpus`."""
    return [score_reply(reply, aspect).total for aspect, reply in corpus]


def test_no_word_has_two_meanings():
    """A noun of two aspects, or a title that is an adjective, would make the reward ambiguous."""
    assert len(ASPECTS) == 8
    assert all(len(nouns) == 4 for nouns in ASPECT_NOUNS.values())
    assert len(ASPECT_OF_NOUN) == 32
    classes = [set(ASPECT_OF_NOUN), set(ADJECTIVES), set(ADVERBS), set(VERBS), set(FILMS), {"the", "not"}]
    assert sum(map(len, classes)) == len(set.union(*classes))
    assert not set(FILMS) & set(ASPECTS)


def test_valences_are_balanced_and_bounded():
    """A lopsided lexicon would pull the corpus towards the floor or the ceiling of the reward."""
    values = list(ADJECTIVES.values())
    assert len(values) == 32
    assert all(0 < abs(value) <= 1 for value in values)
    assert sum(value > 0 for value in values) == 16
    assert sum(value >= 0.8 for value in values) == sum(value <= -0.8 for value in values) == 8
    assert abs(mean(values)) < 0.05


def test_vocabulary_holds_every_word_and_no_other(corpus):
    """A word missing from the vocabulary becomes <unk>, and the reward calls its clause malformed."""
    words = vocabulary()
    assert words == sorted(set(words))
    assert len(words) == 151
    assert all(word == word.lower() and word.split() == [word] for word in words)
    rng = Random(0)
    questions = [
        sample_question(rng, aspect, turn) for aspect in ASPECTS for turn in (1, 2) for _ in range(1500)
    ]
    used = {word for text in questions for word in text.split(" ")}
    used.update(word for _, reply in corpus for word in reply.split(" "))
    assert used == set(words)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_question_names_exactly_the_aspect_asked_about(turn):
    """An oracle that reads only the question could otherwise not know which aspect is relevant."""
    wordings = FIRST_WORDINGS if turn == 1 else SECOND_WORDINGS
    asked = {aspect: {sample_question(Random(i), aspect, turn) for i in range(500)} for aspect in ASPECTS}
    for aspect, questions in asked.items():
        assert all(set(question.split()) & set(ASPECTS) == {aspect} for question in questions)
        assert all(len(set(question.split()) & set(FILMS)) == (turn == 1) for question in questions)
    assert len(wordings) == len(set(wordings)) >= 8


def test_a_third_turn_is_refused():
    """The corpus has no third turns: a prompt set with one would be a mistake of the caller."""
    with pytest.raises(ValueError, match="turn: 3"):
        sample_question(Random(0), "plot", 3)


def test_every_reply_is_of_the_grammar(corpus):
    """A malformed corpus reply would teach the policy to be punished."""
    for _, reply in corpus:
        clauses = parse_reply(reply)
        assert None not in clauses, reply
        assert 1 <= len(clauses) <= 5
        # Nothing was lost in reading: the clauses' own words are the reply's without its joiners.
        joiners = {",", ".", ";", "and", "but", "while"}
        assert " ".join(c.text for c in clauses) == " ".join(w for w in reply.split(" ") if w not in joiners)


def test_corpus_is_as_mixed_as_its_constants_say(corpus):
    """Preference pairs need replies that differ in relevance and repetition, not only in mood."""
    parsed = [(aspect, parse_reply(reply)) for aspect, reply in corpus]
    relevant = mean(clause.aspect == aspect for aspect, clauses in parsed for clause in clauses)
    # 51,000 clauses: the standard error is 0.002; the fifth clause often has no fresh noun left (-0.007).
    assert relevant == pytest.approx(0.6, abs=0.015)
    repeating = [
        score_reply(reply, aspect).repetition > 0 for aspect, reply in corpus if len(parse_reply(reply)) > 1
    ]
    assert mean(repeating) == pytest.approx(0.25, abs=0.015)  # standard error 0.0033
    assert mean(clause.negated for _, clauses in parsed for clause in clauses) == pytest.approx(
        0.15, abs=0.01
    )
    assert {len(clauses) for _, clauses in parsed} == {1, 2, 3, 4, 5}


def test_replies_to_one_question_hardly_ever_coincide():
    """Identical replies are ties: a monotonous language would leave few pairs to train on."""
    rng = Random(1)
    replies = [sample_reply(rng, "music") for _ in range(4000)]
    assert len(set(replies)) > 0.98 * len(replies)


def test_longer_replies_are_not_better_replies(corpus, rewards):
    """Otherwise a policy could raise its reward by length alone, and length control could not be studied."""
    assert abs(correlation([len(reply.split()) for _, reply in corpus], rewards)) < 0.03
    assert abs(correlation([len(parse_reply(reply)) for _, reply in corpus], rewards)) < 0.03


def test_rewards_leave_room_above_and_below(rewards):
    """A base policy near the ceiling cannot improve, near the floor it has nothing to prefer.

    Measured on these 20,000 replies: mean 0.89, sd 1.68, quartiles -0.16, 0.45, 1.92; range -3 to 6.
    """
    assert mean(rewards) == pytest.approx(0.89, abs=0.06)  # 5 standard errors
    assert stdev(rewards) == pytest.approx(1.68, abs=0.06)
    low, _, high = quantiles(rewards, n=4)
    floor, ceiling = REWARD_RANGE
    assert floor + 2.5 < low < 0.5 < 1.5 < high < ceiling - 3.5
    assert mean(reward == ceiling for reward in rewards) < 0.01
    assert min(rewards) > floor
