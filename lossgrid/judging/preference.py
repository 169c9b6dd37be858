"""Which of two texts a judge prefers, read from the log-probabilities of the one token that names it."""

import math
import random

from lossgrid.judging.asking.request import Reply, UnreadableReply

FIRST_TOKEN = "m"
SECOND_TOKEN = "M"
# Of two texts that are the same.
DRAW = 1.5


def read_logprobs(reply: Reply) -> dict[str, float | None]:
    """Log-probabilities (nats) of the two tokens at the start of a reply.

    The order in which the texts were shown is not undone here, so that one record serves whoever asked.

    Returns:
        `logprob_m` and `logprob_M`; None for a token that is not listed or impossible.

    Raises:
        UnreadableReply: There are no log-probabilities, neither token is among them, or a value is no
            log-probability.
    """
    if reply.top_logprobs is None:
        raise UnreadableReply(f"no log-probabilities beside the reply {reply.text!r}")
    listed = dict(reply.top_logprobs)
    found: dict[str, float | None] = {}
    for name, token in (("logprob_m", FIRST_TOKEN), ("logprob_M", SECOND_TOKEN)):
        value = listed.get(token, -math.inf)
        if math.isnan(value) or value == math.inf:
            raise UnreadableReply(f"log-probability {value} of token {token!r}")
        found[name] = None if value == -math.inf else value
    if found["logprob_m"] is None and found["logprob_M"] is None:
        tokens = [token for token, _ in reply.top_logprobs]
        raise UnreadableReply(
            f"neither {FIRST_TOKEN!r} nor {SECOND_TOKEN!r} among the likeliest tokens {tokens}"
        )
    return found


def get_preference(logprob_m: float | None, logprob_M: float | None, swapped: bool) -> float:
    r"""The preference for the run, from 1 (the opponent's text is better) to 2 (the run's is).

    .. math:: 2 - \frac{P(m)}{P(m) + P(M)}

    where m names the text shown first, the opponent's unless swapped. A token that is not listed has probability 0.

    Args:
        logprob_m: Nats, None for a token that is not listed.
        logprob_M: The same; at least one of the two is listed.
        swapped: Whether the run's text was shown first.

    Reference: `logprob_parser` and `SinglePairwiseAnnotator` of alpaca_eval 0.6.6.
    """
    if logprob_m is None or logprob_M is None:
        first = 0.0 if logprob_m is None else 1.0
    else:
        # Of the smaller probability to the larger, so that no difference of log-probabilities overflows.
        ratio = math.exp(-abs(logprob_m - logprob_M))
        first = (1.0 if logprob_m >= logprob_M else ratio) / (1 + ratio)
    return 1 + first if swapped else 2 - first


def is_swapped(question: str) -> bool:
    """Whether the run's text is shown first: decided by the question alone, alike for all runs.

    Args:
        question: The instruction.

    Reference: `RandomSwitchTwoColumnsProcessor` of alpaca_eval 0.6.6 with its default seed 0.
    """
    return random.Random(f"is_switched_outputs{question}0").choices([False, True], k=1)[0]
