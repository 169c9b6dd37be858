"""The judge of the reviews world: it knows the true reward, and has the weaknesses of real judges.

It sees what any judge sees, the prompt's text, and scores the replies that it finds there with `score_reply`. Then
it errs: noise, a liking for long replies and for the one shown first, and now and then a reply that nobody can
read. All of it is a function of the request, so that the same request is answered alike in any order, while the
same question with another `seed` is judged anew.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isfinite, log, log1p
from random import Random
from typing import Any

from lossgrid.worlds.reviews.judge_case import Case, read_case
from lossgrid.worlds.reviews.oracle_wording import (
    OTHER_TOKENS,
    word_malformed_choice,
    word_malformed_rating,
    word_malformed_verdict,
    word_rating,
    word_verdict,
)
from lossgrid.worlds.reviews.reward import REWARD_RANGE, Reward, score_reply

RATING_RANGE = (1, 10)
# Mean length of the corpus's replies (20,000 of them; standard deviation 44): a reply as long as people's is
# neither favoured nor punished.
CENTRAL_LENGTH = 95
# Closer calls than this are ties, in log-odds.
TIE_BAND = 0.3
# Of all other tokens together; GPT-4 left them a median of 1e-6 and a mean of 3e-4 in 5,617 judgments.
OTHER_PROBABILITY = 1e-4


@dataclass(frozen=True)
class OracleSettings:
    """How this judge errs.

    The defaults resemble what GPT-4 was seen to do as a judge:

    - Asked twice, it repeated 73 % of 81 ratings; the standard deviation of the difference was 0.64. Here it is
      68 % and 0.57 for replies of the corpus, of which rounding alone makes 0.41.
    - Shown pairs in both orders, it leaned to the first place in 24 of 73 and to the second in 3. Here it leans
      to the first place in a quarter of pairs of the corpus.
    - In AlpacaEval's published models of its preferences, a standard deviation of the difference in length weighs
      1.1 to 2.0 log-odds. Here it is 62 characters between two replies of the corpus, and weighs 0.9.

    Attributes:
        seed: Another seed is another judge with the same weaknesses.
        noise: Standard deviation of the judge's mood, in rating points and in log-odds.
        length_bias: Points, or log-odds, for 100 characters more.
        position_bias: Log-odds for the reply shown first; below 0 for the one shown second.
        malformed: Share of replies without a judgment that can be read.
        temperature: Reward points that one log-odds is worth, above 0.
    """

    seed: int = 0
    noise: float = 0.3
    length_bias: float = 1.5
    position_bias: float = 0.5
    malformed: float = 0.015
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name in ("noise", "length_bias", "position_bias", "malformed", "temperature"):
            if not isfinite(getattr(self, name)):
                raise ValueError(f"{name}: {getattr(self, name)!r} is no finite number")
        if self.noise < 0:
            raise ValueError(f"noise: {self.noise!r} must be at least 0")
        if not 0 <= self.malformed <= 1:
            raise ValueError(f"malformed: {self.malformed!r} must be a share from 0 to 1")
        if self.temperature <= 0:
            raise ValueError(f"temperature: {self.temperature!r} must be above 0")


@dataclass(frozen=True)
class Answer:
    """What the judge says.

    Attributes:
        text: The reply; empty where it says nothing.
        first_tokens: The likeliest first tokens with their log-probabilities (nats), likeliest first; None where
            the judge is sure of its words, which is so unless it chooses between two tokens.
    """

    text: str
    first_tokens: tuple[tuple[str, float], ...] | None = None


def answer_request(body: Mapping[str, Any], settings: OracleSettings) -> Answer:
    """Judge what a chat-completions request asks.

    Args:
        body: `model` and `messages`, and `temperature` and `seed` where they are given; nothing else of a request
            changes the answer.
        settings: How the judge errs.

    Raises:
        UnreadablePromptError: If the last message is not understood.
    """
    case = read_case(body["messages"][-1]["content"])
    rng = Random(_hash_request(body, settings.seed))
    rewards = [score_reply(reply, case.aspect) for reply in case.replies]
    malformed = rng.random() < settings.malformed
    # Drawn whatever becomes of it: the share of malformed replies must not change what the others say.
    mood, draw = rng.gauss(), rng.random()
    if case.form == "rating":
        rating = rate(rewards[0].total, len(case.replies[0]), mood, settings)
        word = word_malformed_rating if malformed else word_rating
        return Answer(word(rng, case.aspect, rewards[0], rating))
    log_odds = get_log_odds(case, rewards, mood, settings)
    if case.form == "verdict":
        verdict = "C" if abs(log_odds) < TIE_BAND else "A" if log_odds > 0 else "B"
        word = word_malformed_verdict if malformed else word_verdict
        return Answer(word(rng, case.aspect, rewards, verdict))
    if malformed:
        text = word_malformed_choice(rng)
        # What is said is the likeliest.
        tokens = dict.fromkeys([*text.split()[:1], *OTHER_TOKENS])
        return Answer(text, _spread_over(tuple(tokens), 1.0))
    first = _choose_first(log_odds, draw, body.get("temperature"))
    return Answer("m" if first else "M", get_first_tokens(log_odds))


def rate(reward: float, length: int, mood: float, settings: OracleSettings) -> int:
    r"""The rating of one reply.

    .. math:: \mathrm{clip}_{1..10}\ \mathrm{round}\Big(R + 4 + \sigma\,\varepsilon + b\,\frac{n - 95}{100}\Big)

    The reward's range, -3 to 6, becomes 1 to 10.

    Args:
        reward: R, in points.
        length: n, in characters.
        mood: ε, standard normal.
        settings: σ is `noise`, b is `length_bias`.
    """
    low, high = RATING_RANGE
    exact = reward - REWARD_RANGE[0] + low
    exact += settings.noise * mood + settings.length_bias * (length - CENTRAL_LENGTH) / 100
    return min(high, max(low, round(exact)))


def get_log_odds(case: Case, rewards: list[Reward], mood: float, settings: OracleSettings) -> float:
    r"""Log-odds that the reply shown first is called the better one.

    .. math:: \frac{R_1 - R_2}{T} + b\,\frac{n_1 - n_2}{100} + p + \sigma\,\varepsilon

    Args:
        case: The two replies, of n₁ and n₂ characters.
        rewards: Their rewards, in points.
        mood: ε, standard normal.
        settings: T is `temperature`, b `length_bias`, p `position_bias`, σ `noise`.
    """
    first, second = case.replies
    return (
        (rewards[0].total - rewards[1].total) / settings.temperature
        + settings.length_bias * (len(first) - len(second)) / 100
        + settings.position_bias
        + settings.noise * mood
    )


def get_first_tokens(log_odds: float) -> tuple[tuple[str, float], ...]:
    """Log-probabilities of the first token, `m` for the reply shown first, `M` for the other, and the rest."""
    identifiers = log1p(-OTHER_PROBABILITY)
    named = [
        ("m", identifiers + _log_sigmoid(log_odds)),
        ("M", identifiers + _log_sigmoid(-log_odds)),
    ]
    return tuple(sorted([*named, *_spread_over(OTHER_TOKENS, OTHER_PROBABILITY)], key=lambda pair: -pair[1]))


def _choose_first(log_odds: float, draw: float, temperature: float | None) -> bool:
    # A request without a temperature is answered at 1, as OpenAI's servers do.
    temperature = 1.0 if temperature is None else temperature
    if temperature == 0:
        return log_odds > 0
    return log(draw) < _log_sigmoid(log_odds / temperature) if draw > 0 else True


def _spread_over(tokens: tuple[str, ...], probability: float) -> tuple[tuple[str, float], ...]:
    """Each token half as likely as the one before."""
    total = 2 - 2.0 ** (1 - len(tokens))
    return tuple((token, log(probability / total) - log(2) * rank) for rank, token in enumerate(tokens))


def _log_sigmoid(x: float) -> float:
    return -log1p(exp(-x)) if x >= 0 else x - log1p(exp(x))


def _hash_request(body: Mapping[str, Any], seed: int) -> int:
    what = [seed, body["model"], body["messages"], body.get("temperature"), body.get("seed")]
    text = json.dumps(what, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])
