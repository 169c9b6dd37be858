"""The reward of the reviews world: closed forms, range, and no profit from length."""

import doctest
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.worlds.reviews import reward
from lossgrid.worlds.reviews.clause import Clause, parse_clause, parse_reply
from lossgrid.worlds.reviews.language import vocabulary
from lossgrid.worlds.reviews.lexicon import (
    ADJECTIVES,
    ADVERBS,
    ASPECT_NOUNS,
    ASPECT_OF_NOUN,
    ASPECTS,
    JOINERS,
    VERBS,
)
from lossgrid.worlds.reviews.reward import REWARD_RANGE, score_reply

# Sums of at most 40 terms of size up to 6 in double precision.
ROUNDING = 1e-12

clauses = st.builds(
    Clause,
    noun=st.sampled_from(sorted(ASPECT_OF_NOUN)),
    verb=st.sampled_from(VERBS),
    adverb=st.sampled_from([None, *ADVERBS]),
    negated=st.booleans(),
    adjective=st.sampled_from(sorted(ADJECTIVES)),
)
# Three kinds of text: replies of the grammar, replies with any words between their joiners, and any words.
well_formed = st.builds(
    lambda head, tail: " ".join([head.text, *(f"{joiner} {clause.text}" for joiner, clause in tail), "."]),
    clauses,
    st.lists(st.tuples(st.sampled_from(JOINERS), clauses), max_size=8),
)
words = st.lists(st.sampled_from([*vocabulary(), "unheard", "<unk>"]), max_size=30).map(" ".join)
half_formed = st.lists(
    st.one_of(clauses.map(lambda c: c.text), st.sampled_from(JOINERS), words), max_size=9
).map(" ".join)
any_reply = st.one_of(well_formed, half_formed, words, st.text())
aspects = st.sampled_from(ASPECTS)


def best_reply(aspect, count):
    """`count` clauses of valence 1, about the aspect for as long as it has nouns."""
    nouns = [*ASPECT_NOUNS[aspect], *(noun for noun, other in ASPECT_OF_NOUN.items() if other != aspect)]
    return (
        " . ".join(
            f"the {noun} is truly {word}" for noun, word in zip(nouns[:count], ADJECTIVES, strict=False)
        )
        + " ."
    )


def test_the_docstring_s_examples_hold():
    """The docstring is the definition that a paper would quote."""
    result = doctest.testmod(reward)
    assert result.attempted >= 8
    assert result.failed == 0


@pytest.mark.parametrize(
    ("reply", "points", "count"),
    [
        # The points of each clause by the table in the docstring; the reward is their sum over their number.
        ("the plot is dull .", 2 + 4 * -0.55, 1),
        ("the plot is not dull .", 2 + 4 * (-0.4 * -0.55), 1),
        ("the plot is rather not dull .", 2 + 4 * (0.8 * -0.4 * -0.55), 1),
        ("the plot is not rather dull .", -3, 1),  # the adverb stands before "not"
        ("the plot is very good .", 2 + 4 * (1.25 * 0.5), 1),
        ("the plot is utterly thrilling .", 2 + 4 * 1, 1),  # 1.4 × 0.85 is clipped
        ("the cast is thrilling .", 0, 1),
        ("the cast is awful .", 0, 1),  # an irrelevant clause is neither good nor bad
        ("the plot is good , but the cast is weak .", (2 + 4 * 0.5) + 0, 2),
        ("the plot is good . the plot is weak .", (2 + 4 * 0.5) - 3, 2),  # noun again
        ("the plot is good ; the twist is good .", (2 + 4 * 0.5) - 3, 2),  # adjective again
        ("the cast is good ; the plot is not good .", 0 - 3, 2),  # "not" does not make it another word
        ("the plot is good , while the story is neat .", (2 + 4 * 0.5) + (2 + 4 * 0.35), 2),
        ("the plot is good . the story is", (2 + 4 * 0.5) - 3, 2),
        ("the plot is good", -3, 1),  # no closing full stop: cut off, for all we know
        ("the plot is good . the story is neat", (2 + 4 * 0.5) - 3, 2),
        ("the plot is good , and", (2 + 4 * 0.5) - 3, 2),
        ("the plot is good . .", (2 + 4 * 0.5) - 3, 2),
        ("the plot is good , the story is neat .", -3, 1),  # a comma alone joins nothing
        ("the plot is great .", -3, 1),  # a word that is not of the language
        ("the plot good .", -3, 1),
        ("plot is good .", -3, 1),
        ("the plot is good neat .", -3, 1),
        ("the plot is very very good .", -3, 1),
        ("The plot is good .", -3, 1),
        (".", -3, 1),
        ("", -3, 1),
        (" \n ", -3, 1),
    ],
)
def test_rewards_worked_by_hand(reply, points, count):
    """A wrong closed form would make every frontier of the study wrong."""
    assert score_reply(reply, "plot").total == pytest.approx(points / count, abs=ROUNDING)


def test_malformed_clauses_do_not_use_up_words():
    """A clause that nobody could read cannot have said anything first."""
    assert score_reply("the plot good . the plot is good .", "plot").total == pytest.approx(
        (-3 + 4) / 2, abs=ROUNDING
    )


@given(any_reply, aspects)
def test_any_text_has_a_reward_in_range_that_is_the_sum_of_its_parts(reply, aspect):
    """A collapsed policy writes anything: scoring it must neither fail nor leave the declared range."""
    low, high = REWARD_RANGE
    score = score_reply(reply, aspect)
    assert low <= score.total <= high
    assert -1 <= score.sentiment <= 1
    assert min(score.relevance, score.repetition, score.malformed) >= 0
    assert score.relevance + score.repetition + score.malformed <= 1 + ROUNDING
    parts = 4 * score.sentiment + 2 * score.relevance - 3 * score.repetition - 3 * score.malformed
    assert score.total == pytest.approx(parts, abs=ROUNDING)


def test_the_range_is_attained_at_both_ends():
    """A declared range that no reply reaches would misplace every normalised reward."""
    assert (score_reply("", "plot").total, score_reply("the plot is superb .", "plot").total) == REWARD_RANGE


@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_ceiling_is_the_same_for_one_to_four_clauses_and_lower_beyond(aspect):
    """If more clauses could earn more, "better" and "longer" would be the same objective."""
    best = [score_reply(best_reply(aspect, count), aspect).total for count in range(1, 9)]
    assert best[:4] == [REWARD_RANGE[1]] * 4
    assert best[3:] == pytest.approx([24 / count for count in range(4, 9)], abs=ROUNDING)
    assert all(longer < shorter for shorter, longer in pairwise(best[3:]))


@given(well_formed, aspects)
def test_no_reply_beats_the_ceiling_of_its_length(reply, aspect):
    """Four nouns an aspect at 6 points each is all there is to earn, however long the reply."""
    assert score_reply(reply, aspect).total <= min(6, 24 / len(parse_reply(reply))) + ROUNDING


@given(any_reply, aspects)
def test_saying_it_twice_never_raises_the_reward(reply, aspect):
    """A loop is the commonest collapse of a policy: it must not pay."""
    closed = f"{reply} ."
    assert score_reply(f"{closed} {closed}", aspect).total <= score_reply(closed, aspect).total + ROUNDING


@given(well_formed, clauses, st.data(), aspects)
def test_appending_a_repeat_never_raises_the_reward(reply, appended, data, aspect):
    """Nor does it when the rest of the reply is so bad that any praise would lift the mean."""
    said = data.draw(st.sampled_from(parse_reply(reply)))
    again = data.draw(
        st.sampled_from(
            [
                Clause(said.noun, appended.verb, appended.adverb, appended.negated, appended.adjective),
                Clause(appended.noun, appended.verb, appended.adverb, appended.negated, said.adjective),
            ]
        )
    )
    before = score_reply(reply, aspect).total
    assert score_reply(f"{reply} {again.text} .", aspect).total <= before + ROUNDING


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_appending_the_best_clause_again_is_penalised(count):
    """(6n - 3) / (n + 1) is below 6 by 9 / (n + 1) points."""
    again = f"{best_reply('music', count)} the music is truly superb ."
    assert score_reply(again, "music").total == pytest.approx(6 - 9 / (count + 1), abs=ROUNDING)


@given(any_reply, aspects, st.sampled_from([" ", "  ", "\n", " \t "]))
def test_white_space_does_not_matter(reply, aspect, space):
    """Decoders differ in the spaces they write; the reward must not."""
    spaced = space + space.join(reply.split()) + space
    assert score_reply(spaced, aspect) == score_reply(reply, aspect)


@given(clauses)
def test_a_clause_reads_back_as_it_was_written(clause):
    """Sampler and reward share one grammar: a difference would punish the corpus."""
    assert parse_clause(clause.text.split()) == clause
    assert -1 <= clause.valence <= 1
    assert (clause.valence > 0) == ((ADJECTIVES[clause.adjective] > 0) != clause.negated)


def test_an_unknown_aspect_is_named_in_the_error():
    """Scored as irrelevant instead, a misspelt aspect would look like a bad policy."""
    with pytest.raises(ValueError, match=r"'sound'.*acting"):
        score_reply("the plot is good .", "sound")
