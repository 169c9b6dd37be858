"""Records of a ledger for requests that a stated judge answered, through the library's own reading of replies."""

from collections.abc import Callable, Iterable

from lossgrid.judging.asking.ledger import Record
from lossgrid.judging.asking.request import JudgeRequest, judge_reply, read_reply


def answer(
    requests: Iterable[JudgeRequest], judge: Callable[[dict], dict[str, float] | None], server: str = "judge"
) -> dict[str, Record]:
    """Answer every request.

    Args:
        requests: What is asked.
        judge: From the body to the log-probabilities of the likeliest first tokens, None for an answer without.
        server: Name of the server.
    """
    records = {}
    for request in requests:
        tokens = judge(request.body)
        listed = None if tokens is None else [{"token": each, "logprob": tokens[each]} for each in tokens]
        completion = {
            "choices": [
                {
                    "message": {"role": "assistant", "content": "m"},
                    "finish_reason": "length",
                    "logprobs": listed and {"content": [{"top_logprobs": listed}]},
                }
            ]
        }
        reply = read_reply(completion)
        state, value, error = judge_reply(reply, request)
        key = request.get_key(server)
        records[key] = Record(
            key=key,
            state=state,
            value=value,
            reply=vars(reply),
            error=error,
            permanent=False,
            cost=0.0,
            attempts=1,
            model=request.body["model"],
            server=server,
            repeat=request.repeat,
            time="2026-01-01T00:00:00+00:00",
        )
    return records
