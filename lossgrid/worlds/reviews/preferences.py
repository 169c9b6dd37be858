"""Preference labels of pairs of replies, as noisy as a Bradley–Terry annotator."""

from math import exp
from random import Random

from lossgrid.worlds.reviews.reward import score_reply


def label_pair(
    rng: Random, reply_a: str, reply_b: str, aspect: str, temperature: float
) -> tuple[str, str, float, float] | None:
    r"""Choose between two replies to the same question.

    .. math:: P(a \succ b) = \sigma\big((R_a - R_b) / T\big)

    One number is drawn from `rng` for every call, ties included, so that a pair's label does not depend
    on whether an earlier pair was a tie.

    Args:
        rng: source of randomness.
        reply_a: one reply.
        reply_b: the other reply.
        aspect: the aspect asked about.
        temperature: T, in reward points, above 0; at T = 1 a reply one point better wins 73 % of the time.

    Returns:
        (chosen, rejected, reward of chosen, reward of rejected), rewards in points; None if the replies
        have the same words, a tie that the caller counts and does not train on.

    Raises:
        ValueError: if the temperature is not above 0.

    Reference: Bradley and Terry (1952), Rank analysis of incomplete block designs, Biometrika 39.
    """
    if not temperature > 0:
        raise ValueError(
            f"temperature: {temperature!r} must be above 0; for nearly noiseless labels use 0.01"
        )
    draw = rng.random()
    if reply_a.split() == reply_b.split():
        return None
    reward_a, reward_b = score_reply(reply_a, aspect).total, score_reply(reply_b, aspect).total
    if draw < _sigmoid((reward_a - reward_b) / temperature):
        return reply_a, reply_b, reward_a, reward_b
    return reply_b, reply_a, reward_b, reward_a


def _sigmoid(x: float) -> float:
    # Both branches keep the exponent at or below 0: a small temperature must not overflow.
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
