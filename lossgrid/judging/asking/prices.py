"""What judging costs: known before it begins, and bounded while it runs."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lossgrid.judging.asking.request import JudgeRequest


@dataclass(frozen=True)
class Prices:
    """Prices of a model.

    Attributes:
        input: USD per million tokens of the prompt.
        output: USD per million tokens of the reply.
    """

    input: float
    output: float

    def __post_init__(self):
        for name, price in vars(self).items():
            if not (math.isfinite(price) and price >= 0):
                raise ValueError(f"prices.{name}: {price} is no price; give USD per million tokens")

    def get_cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """USD for so many tokens."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


@dataclass(frozen=True)
class Estimate:
    """What a set of requests can cost.

    Attributes:
        requests: Distinct requests, those already answered included.
        answered: Of these, how many need no call.
        prompt_tokens: Most tokens that the prompts of the calls can have.
        completion_tokens: Most tokens that the replies can have; None where a request does not limit them.
        cost: USD at most, if no call has to be repeated; None without prices or without a limit of the replies.
    """

    requests: int
    answered: int
    prompt_tokens: int
    completion_tokens: int | None
    cost: float | None

    def describe(self) -> str:
        """One line for a report."""
        calls = f"{self.requests - self.answered:,} calls for {self.requests:,} requests"
        known = f"{self.answered:,} in the ledger"
        replies = "unlimited" if self.completion_tokens is None else f"{self.completion_tokens:,}"
        cost = "no price" if self.cost is None else f"${self.cost:,.2f} at most"
        return f"{calls} ({known}), at most {self.prompt_tokens:,} + {replies} tokens, {cost}"


class Budget:
    """What may still be spent.

    Every call reserves its worst case before it goes out, so that the limit holds however many are in flight.

    Args:
        limit: USD.
    """

    def __init__(self, limit: float):
        self.limit = limit
        self.reserved = 0.0

    def fits(self, spent: float, amount: float) -> bool:
        """Whether an amount (USD) can be reserved beside what was spent."""
        return spent + self.reserved + amount <= self.limit + 1e-9

    def reserve(self, amount: float) -> None:
        self.reserved += amount

    def release(self, amount: float) -> None:
        self.reserved -= amount


def estimate_cost(requests: Iterable[JudgeRequest], prices: Prices | None, answered: int = 0) -> Estimate:
    """Bound what a set of distinct requests can cost.

    Args:
        requests: Those that need a call.
        prices: Of the model; None for a server that costs nothing.
        answered: How many more were answered before.
    """
    calls, prompt_tokens, completion_tokens = 0, 0, 0
    for request in requests:
        prompt, completion = bound_tokens(request.body)
        calls += 1
        prompt_tokens += prompt
        completion_tokens = (
            None if completion is None or completion_tokens is None else completion_tokens + completion
        )
    priced = prices is not None and completion_tokens is not None
    cost = prices.get_cost(prompt_tokens, completion_tokens) if priced else None
    return Estimate(calls + answered, answered, prompt_tokens, completion_tokens, cost)


def bound_tokens(body: dict[str, Any]) -> tuple[int, int | None]:
    """The most tokens that a call can be billed for.

    A token stands for at least one byte of text, so the prompt has at most as many tokens as the body has bytes;
    JSON's own punctuation pays for what the server's chat template adds. English has some four bytes a token.

    Returns:
        Of the prompt, and of the reply (None where the body does not limit it).
    """
    prompt = len(json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return prompt, None if limit is None else limit * (body.get("n") or 1)


def get_worst_case(body: dict[str, Any], prices: Prices | None) -> float:
    """USD that a call can cost at most; of a reply without a limit, nothing is counted."""
    if prices is None:
        return 0.0
    prompt, completion = bound_tokens(body)
    return prices.get_cost(prompt, completion or 0)
