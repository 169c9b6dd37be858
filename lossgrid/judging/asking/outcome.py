"""What came of a request, and the record of it."""

from dataclasses import dataclass

from lossgrid.judging.asking.endpoint import Endpoint
from lossgrid.judging.asking.ledger import Record, get_time, store_reply
from lossgrid.judging.asking.prices import Prices, get_worst_case
from lossgrid.judging.asking.request import JudgeRequest, Reply, judge_reply

# Refusals of the request itself: another call would get the same answer. Not 404, with which a router answers while
# the server behind it restarts.
PERMANENT = (400, 413, 422)


@dataclass(frozen=True)
class Failure:
    """A call without an answer.

    Attributes:
        reason: What happened, for people; without the key.
        status: HTTP status, None where no whole answer came.
        retry: Whether calling again may help.
        billed: Whether the server may have done the work, and charged for it.
        retry_after: Seconds that the server asks everybody to wait, None where it does not say.
        exhausted: Whether the server says that the account is used up.
        permanent: Whether another call would fail alike, because of the request itself.
    """

    reason: str
    status: int | None = None
    retry: bool = True
    billed: bool = False
    retry_after: float | None = None
    exhausted: bool = False
    permanent: bool = False


def make_record(
    key: str, request: JudgeRequest, endpoint: Endpoint, outcome: Reply | Failure, cost: float, calls: int
) -> tuple[Record, Exception | None]:
    """Record an outcome.

    Args:
        key: Of the request.
        request: With the parse that judges a reply.
        endpoint: That was asked.
        outcome: What came of it in the end.
        cost: USD, see `Record`.
        calls: That were made for it.

    Returns:
        The record, and the mistake of the parse if it made one: of a parse that raises what it must not, the
        record is a `parse_error` that holds the reply, which was paid for.
    """
    state, value, reply, mistake = "api_error", None, None, None
    if isinstance(outcome, Failure):
        error = f"{outcome.reason} (calls: {calls})"
    else:
        reply = store_reply(outcome)
        try:
            state, value, error = judge_reply(outcome, request)
        except Exception as raised:
            state, error = "parse_error", f"the parse raised {type(raised).__name__}: {raised}"
            raised.add_note(f"raised by the parse of request {key}, whose reply is in the ledger")
            mistake = raised
    record = Record(
        key=key,
        state=state,
        value=value,
        reply=reply,
        error=error,
        permanent=isinstance(outcome, Failure) and (outcome.permanent or outcome.status in PERMANENT),
        cost=cost,
        attempts=calls,
        model=endpoint.model,
        server=endpoint.name,
        repeat=request.repeat,
        time=get_time(),
    )
    return record, mistake


def get_cost(reply: Reply, request: JudgeRequest, prices: Prices | None) -> float:
    """USD of a reply by the server's own counts; the worst case where it sent none."""
    if prices is None:
        return 0.0
    if reply.prompt_tokens or reply.completion_tokens:
        return prices.get_cost(reply.prompt_tokens, reply.completion_tokens)
    return get_worst_case(request.body, prices)
