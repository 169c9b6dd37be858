"""How people in the reviews world talk: questions about a film, and replies of mixed quality."""

from random import Random

from lossgrid.worlds.reviews.clause import Clause
from lossgrid.worlds.reviews.lexicon import (
    ADJECTIVES,
    ADVERBS,
    ASPECT_NOUNS,
    ASPECT_OF_NOUN,
    ASPECTS,
    FILMS,
    FIRST_QUESTIONS,
    JOINERS,
    OPENERS,
    SECOND_QUESTIONS,
    VERBS,
    vocabulary,
)

__all__ = ["ASPECTS", "FIRST_WORDINGS", "SECOND_WORDINGS", "sample_question", "sample_reply", "vocabulary"]

FIRST_WORDINGS = tuple(opener + body for body in FIRST_QUESTIONS for opener in OPENERS)
SECOND_WORDINGS = SECOND_QUESTIONS

RELEVANT_PROBABILITY = 0.6
# Of replies with two clauses or more. One repeat a reply and not one chance a clause: otherwise the repeats,
# and with them the penalty, would grow with the length.
REPEAT_PROBABILITY = 0.25
ADVERB_PROBABILITY = 0.4
NEGATED_PROBABILITY = 0.15
# Drawn before anything about quality, so that length says nothing about it. Index 0 is one clause.
CLAUSE_COUNT_WEIGHTS = (15, 25, 25, 20, 15)


def sample_question(rng: Random, aspect: str, turn: int) -> str:
    """A user's question about one aspect.

    Args:
        rng: source of randomness.
        aspect: one of `ASPECTS`.
        turn: 1 (names a film) or 2 (goes on about the same film).

    Returns:
        The question, words separated by single spaces.

    Raises:
        ValueError: if turn is neither 1 nor 2.
    """
    if turn not in (1, 2):
        raise ValueError(f"turn: {turn!r} is not a turn of a chat; the reviews world has turns 1 and 2")
    wordings = FIRST_WORDINGS if turn == 1 else SECOND_WORDINGS
    return rng.choice(wordings).format(aspect=aspect, film=rng.choice(FILMS))


def sample_reply(rng: Random, aspect: str) -> str:
    """A reply as the corpus writes it: one to five clauses in one mood, not all of them to the point.

    The mood, uniform over [0, 1], is the probability that a clause of this reply is favourable, so that
    glowing, mixed and scathing replies are all common. About 0.6 of the clauses are about the aspect asked
    for. A quarter of the replies with two clauses or more repeat an earlier noun or adjective, once.

    Args:
        rng: source of randomness.
        aspect: the aspect the user asked about, one of `ASPECTS`.

    Returns:
        The reply, words separated by single spaces, ending in ".".
    """
    count = rng.choices(range(1, len(CLAUSE_COUNT_WEIGHTS) + 1), CLAUSE_COUNT_WEIGHTS)[0]
    mood = rng.random()
    clauses: list[Clause] = []
    repeating = rng.randrange(1, count) if count > 1 and rng.random() < REPEAT_PROBABILITY else None
    for index in range(count):
        clauses.append(_sample_clause(rng, aspect, mood, clauses, index == repeating))
    text = clauses[0].text
    for clause in clauses[1:]:
        text += f" {rng.choice(JOINERS)} {clause.text}"
    return text + " ."


def _sample_clause(rng: Random, aspect: str, mood: float, earlier: list[Clause], repeats: bool) -> Clause:
    used_nouns = [clause.noun for clause in earlier]
    used_adjectives = [clause.adjective for clause in earlier]
    repeated = rng.choice(("noun", "adjective")) if repeats else None

    negated = rng.random() < NEGATED_PROBABILITY
    favourable = rng.random() < mood
    if repeated == "adjective":
        adjective = rng.choice(used_adjectives)
    else:
        # A negated clause is favourable when its adjective is not.
        adjective = rng.choice(
            [
                word
                for word, valence in ADJECTIVES.items()
                if (valence > 0) == (favourable != negated) and word not in used_adjectives
            ]
        )
    noun = rng.choice(used_nouns) if repeated == "noun" else _sample_new_noun(rng, aspect, used_nouns)
    adverb = rng.choice(tuple(ADVERBS)) if rng.random() < ADVERB_PROBABILITY else None
    return Clause(noun, rng.choice(VERBS), adverb, negated, adjective)


def _sample_new_noun(rng: Random, aspect: str, used: list[str]) -> str:
    relevant = [noun for noun in ASPECT_NOUNS[aspect] if noun not in used]
    # Four nouns an aspect: a fifth clause without repetition has to wander off.
    if relevant and rng.random() < RELEVANT_PROBABILITY:
        return rng.choice(relevant)
    return rng.choice(
        [noun for noun, other in ASPECT_OF_NOUN.items() if other != aspect and noun not in used]
    )
