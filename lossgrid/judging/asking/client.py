"""Ask a judge what the ledger does not yet answer."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterable

from lossgrid.judging.asking.endpoint import (
    AuthenticationFailed,
    Endpoint,
    JudgingStopped,
    MissingKeyError,
    NothingReadable,
    ServerGone,
    SpendLimitReached,
    WrongAddress,
    read_key,
)
from lossgrid.judging.asking.ledger import Ledger, Record, parse_again
from lossgrid.judging.asking.prices import estimate_cost
from lossgrid.judging.asking.progress import Progress
from lossgrid.judging.asking.readability import FirstReplies
from lossgrid.judging.asking.request import JudgeRequest
from lossgrid.judging.asking.workers import Asking

__all__ = [
    "AuthenticationFailed",
    "Endpoint",
    "JudgingStopped",
    "MissingKeyError",
    "NothingReadable",
    "ServerGone",
    "SpendLimitReached",
    "WrongAddress",
    "index_requests",
    "judge_requests",
    "list_missing",
]


def judge_requests(
    requests: Iterable[JudgeRequest],
    endpoint: Endpoint,
    ledger: Ledger,
    report: Callable[[str], None] = print,
) -> dict[str, Record]:
    """Have every request judged, and call only for what the ledger lacks.

    A record is in the ledger as soon as its reply is there, so that SIGKILL loses nothing but what is in flight;
    Ctrl-C and SIGTERM record that too, as an `api_error` at its worst-case cost. An `api_error` of an earlier run is
    asked again unless the server refused the request as such.

    Args:
        requests: What to ask; the same question twice is asked once.
        endpoint: Whom to ask.
        ledger: Where the answers are kept.
        report: Gets a line with the estimate before the first call, one every few seconds, and one at the end.

    Returns:
        The record of every request by its key, in the order of the requests, with the judgment that the
        request's parse makes of the reply today.

    Raises:
        MissingKeyError: Before the first call.
        SpendLimitReached: The next call could exceed the limit. This error and the four below come after what
            was in flight has been recorded.
        AuthenticationFailed: HTTP 401; HTTP 403 before any answer, or for many requests in a row.
        WrongAddress: HTTP 404 before any answer of this run.
        ServerGone: As many judgments in a row as calls are in flight got no answer in all their attempts.
        NothingReadable: The first replies were all unreadable; before the first call where the ledger has as many.
        ValueError: Before the first call: a spend limit that cannot be kept, or a request for another model.
        SystemExit: SIGTERM.
    """
    by_key = index_requests(requests, endpoint)
    missing = list_missing(by_key, ledger)
    estimate = estimate_cost((by_key[key] for key in missing), endpoint.prices, len(by_key) - len(missing))
    report(f"judge {endpoint.model} on {endpoint.name}: {estimate.describe()}")
    if missing:
        if endpoint.spend_limit is not None and estimate.completion_tokens is None:
            raise ValueError(
                f"judge {endpoint.model}: a request without max_tokens can cost any amount, so that spend_limit "
                f"{endpoint.spend_limit} cannot be kept; give every body max_tokens"
            )
        judge = f"judge {endpoint.model} on {endpoint.name}"
        replies = _count_replies(by_key, ledger, judge)
        progress = Progress(judge, len(by_key), estimate.answered)
        asking = Asking(by_key, endpoint, ledger, progress, replies, report)
        _run(asking.ask(missing, read_key(endpoint)))
        # What two processes asked at the same moment: both return the earlier answer.
        ledger.refresh()
    return {key: parse_again(ledger.get(key), request) for key, request in by_key.items()}


def _count_replies(by_key: dict[str, JudgeRequest], ledger: Ledger, judge: str) -> FirstReplies:
    replies = FirstReplies(judge, ledger.folder)
    for key, request in by_key.items():
        if (record := ledger.get(key)) is not None:
            replies.count(parse_again(record, request))
    if error := replies.find_error():
        raise error
    return replies


def _run(asking: Coroutine[None, None, None]) -> None:
    """Run the asking. SIGTERM, with which a scheduler ends a job, interrupts it as Ctrl-C does."""
    in_main = threading.current_thread() is threading.main_thread()
    heard = in_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    ended = []

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def end() -> None:
            ended.append(signal.SIGTERM)
            task.cancel()

        if heard:
            loop.add_signal_handler(signal.SIGTERM, end)
        try:
            await asking
        finally:
            if heard:
                loop.remove_signal_handler(signal.SIGTERM)

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        if not ended:
            raise
        # As a shell tells of a process that ended by the signal.
        raise SystemExit(128 + signal.SIGTERM) from None


def list_missing(by_key: dict[str, JudgeRequest], ledger: Ledger) -> list[str]:
    """Keys of the requests that need a call, after a look at what other processes have added."""
    ledger.refresh()
    return [key for key in by_key if not ledger.is_settled(key)]


def index_requests(requests: Iterable[JudgeRequest], endpoint: Endpoint) -> dict[str, JudgeRequest]:
    """The distinct requests by key.

    Raises:
        ValueError: One asks another model than the endpoint's.
    """
    by_key: dict[str, JudgeRequest] = {}
    for request in requests:
        if request.body["model"] != endpoint.model:
            raise ValueError(
                f"a request asks model {request.body['model']!r}, the endpoint is {endpoint.model!r} on "
                f"{endpoint.name}; give requests and endpoint the same model"
            )
        by_key.setdefault(request.get_key(endpoint.name), request)
    return by_key
