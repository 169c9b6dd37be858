"""What a reply is worth: the known reward of the reviews world."""

from dataclasses import dataclass

from lossgrid.worlds.reviews.clause import parse_reply
from lossgrid.worlds.reviews.lexicon import ASPECTS

SENTIMENT_WEIGHT = 4.0
RELEVANCE_WEIGHT = 2.0
REPETITION_WEIGHT = 3.0
MALFORMED_WEIGHT = 3.0

# Lowest: nothing but malformed clauses. Highest: one to four fresh, relevant clauses of valence 1.
REWARD_RANGE = (-3.0, 6.0)


@dataclass(frozen=True)
class Reward:
    """The reward of a reply and the shares it is made of.

    Attributes:
        sentiment: mean over all clauses of the valence, fresh relevant clauses only; in [-1, 1].
        relevance: share of the clauses that are fresh and relevant; in [0, 1].
        repetition: share of the clauses that repeat; in [0, 1).
        malformed: share of the clauses that are malformed; in [0, 1].
        total: the reward, in reward points; in `REWARD_RANGE`.
    """

    sentiment: float
    relevance: float
    repetition: float
    malformed: float
    total: float


def score_reply(reply: str, aspect: str) -> Reward:
    r"""The true reward of a reply to a question about one aspect.

    .. math:: R = 4\,\text{sentiment} + 2\,\text{relevance} - 3\,\text{repetition} - 3\,\text{malformed}

    Each term is a mean over the n clauses, so R is the mean of points per clause:

    ===========================================================  =======================
    the clause is ...                                            points
    ===========================================================  =======================
    malformed (see `parse_reply`)                                -3
    a repeat: its noun or its adjective occurred in an earlier   -3
    well-formed clause
    fresh, about another aspect                                  0
    fresh, about this aspect                                     2 + 4 × valence, -2 to 6
    ===========================================================  =======================

    Repeats and malformed clauses have the fewest points a clause can have, so appending one never raises
    a mean. An aspect has four nouns, so the ceiling is 6 for one to four clauses and lower beyond: a
    longer reply cannot earn more.

    Worked by hand, asked about the acting ("cast" and "delivery" belong to it, "score" does not):

    >>> score_reply("the cast is superb .", "acting").total  # 2 + 4×1
    6.0
    >>> score_reply("the cast is not dreadful .", "acting").total  # 2 + 4×0.4: faint praise
    3.6
    >>> score_reply("the cast is somewhat good .", "acting").total  # 2 + 4×(0.5×0.5)
    3.0
    >>> score_reply("the cast is utterly awful .", "acting").total  # 2 + 4×(-1), clipped from -1.4
    -2.0
    >>> score_reply("the score is superb .", "acting").total  # irrelevant
    0.0
    >>> score_reply("the cast is superb . the cast is superb .", "acting").total  # (6 - 3) / 2
    1.5
    >>> score_reply("the cast is superb , and the delivery", "acting").total  # (6 - 3) / 2: truncated
    1.5
    >>> score_reply("", "acting").total  # one malformed clause
    -3.0

    Args:
        reply: any text; white space does not matter beyond separating words.
        aspect: the aspect asked about, one of `ASPECTS`.

    Returns:
        The reward in points, and its parts.

    Raises:
        ValueError: if the aspect is not one of `ASPECTS`. No reply raises.
    """
    if aspect not in ASPECTS:
        raise ValueError(
            f"aspect: {aspect!r} is not an aspect of the reviews world; use one of {', '.join(ASPECTS)}"
        )
    clauses = parse_reply(reply)
    nouns: set[str] = set()
    adjectives: set[str] = set()
    sentiment = relevant = repeats = malformed = 0
    for clause in clauses:
        if clause is None:
            malformed += 1
            continue
        if clause.noun in nouns or clause.adjective in adjectives:
            repeats += 1
        elif clause.aspect == aspect:
            relevant += 1
            sentiment += clause.valence
        nouns.add(clause.noun)
        adjectives.add(clause.adjective)
    points = (
        SENTIMENT_WEIGHT * sentiment
        + RELEVANCE_WEIGHT * relevant
        - REPETITION_WEIGHT * repeats
        - MALFORMED_WEIGHT * malformed
    )
    count = len(clauses)
    return Reward(sentiment / count, relevant / count, repeats / count, malformed / count, points / count)
