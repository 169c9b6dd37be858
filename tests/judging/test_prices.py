"""Costs: known before, bounded meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.judging.asking.prices import Budget, Prices, bound_tokens, estimate_cost, get_worst_case
from lossgrid.judging.asking.request import JudgeRequest

PRICES = Prices(input=2.5, output=10.0)


def ask(content="hello", **changes):
    body = {
        "model": "judge",
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 100,
        **changes,
    }
    return JudgeRequest({name: value for name, value in body.items() if value is not None}, parse=None)


def test_cost_is_per_million_tokens():
    """2 million at $2.5 and 0.5 million at $10 are $5 + $5."""
    assert PRICES.get_cost(2_000_000, 500_000) == 10.0


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_a_price_is_a_price(price):
    with pytest.raises(ValueError, match=r"prices\.output"):
        Prices(1.0, price)


@given(st.lists(st.text(), min_size=1))
def test_prompt_bound_covers_a_token_a_byte_and_the_template(texts):
    """No tokenizer makes more tokens than bytes; the rest is room for the roles around every message."""
    body = {"model": "judge", "messages": [{"role": "user", "content": text} for text in texts]}
    prompt, _ = bound_tokens(body)
    assert prompt >= sum(len(text.encode()) for text in texts) + 20 * len(texts)


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({}, 100),
        ({"n": 3}, 300),
        ({"n": None}, 100),
        ({"max_tokens": None, "max_completion_tokens": 50}, 50),
        ({"max_tokens": None}, None),
    ],
)
def test_reply_bound(changes, tokens):
    assert bound_tokens(ask(**changes).body)[1] == tokens


def test_estimate_is_the_sum_of_the_worst_cases():
    """Body of `hello` as JSON: 89 bytes; 89 × $2.5 and 100 × $10 a million are $0.0012225 a call."""
    request = ask()
    assert bound_tokens(request.body) == (89, 100)
    assert get_worst_case(request.body, PRICES) == pytest.approx(0.0012225, rel=1e-12)
    estimate = estimate_cost([request] * 1000, PRICES, answered=500)
    assert (estimate.requests, estimate.answered) == (1500, 500)
    assert (estimate.prompt_tokens, estimate.completion_tokens) == (89_000, 100_000)
    assert estimate.cost == pytest.approx(1.2225, rel=1e-12)
    assert estimate.describe() == (
        "1,000 calls for 1,500 requests (500 in the ledger), at most 89,000 + 100,000 tokens, $1.22 at most"
    )


def test_estimate_without_prices_or_without_a_limit():
    """An unknown amount must be called unknown, not $0."""
    assert estimate_cost([ask()], None).describe().endswith("no price")
    unlimited = estimate_cost([ask(), ask(max_tokens=None)], PRICES)
    assert unlimited.cost is None
    assert "unlimited tokens" in unlimited.describe()
    assert get_worst_case(ask().body, None) == 0.0


@given(
    st.floats(0, 10),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), max_size=60),
)
def test_reservations_keep_the_limit(limit, calls):
    """Calls of any worst case and cost below it, settled at once or left in flight: never more than the limit."""
    budget, spent, open_calls = Budget(limit), 0.0, []
    for worst, share, settle in calls:
        if not budget.fits(spent, worst):
            assert spent + sum(amount for amount, _ in open_calls) + worst > limit
            continue
        budget.reserve(worst)
        open_calls.append((worst, share * worst))
        if settle:
            worst, cost = open_calls.pop(0)
            spent += cost
            budget.release(worst)
    assert spent + sum(cost for _, cost in open_calls) <= limit + 1e-6


def test_what_is_in_flight_is_not_there_to_be_spent():
    """$1, of which $0.3 are spent and $0.5 in flight: $0.2 fit and $0.21 do not, until the call is settled."""
    budget = Budget(1.0)
    budget.reserve(0.5)
    assert budget.fits(0.3, 0.2)
    assert not budget.fits(0.3, 0.21)
    budget.release(0.5)
    assert budget.fits(0.4, 0.6)
