"""OpenAI's chat completions as a server sees them: requests checked, answers written."""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from math import inf
from typing import Any

from lossgrid.worlds.reviews.oracle import Answer

# The words that count as tokens here, each with the space behind it.
_TOKEN = re.compile(r"\S+\s*")
_NUMBER = (int, float)
_KINDS = {
    "model": (str, "a string"),
    "messages": (list, "a list of messages"),
    "temperature": (_NUMBER, "a number"),
    "max_tokens": (int, "an integer"),
    "max_completion_tokens": (int, "an integer"),
    "logprobs": (bool, "true or false"),
    "top_logprobs": (int, "an integer"),
    "seed": (int, "an integer"),
    "n": (int, "an integer"),
    "stream": (bool, "true or false"),
    # Taken, because clients send them, and without effect.
    "top_p": (_NUMBER, "a number"),
    "user": (str, "a string"),
}
_REQUIRED = ("model", "messages")
_RANGES = {
    "temperature": (0, 2),
    "max_tokens": (1, inf),
    "max_completion_tokens": (1, inf),
    "top_logprobs": (0, 20),
    "n": (1, 1),
    "stream": (False, False),
    "top_p": (0, 1),
}
_ROLES = ("system", "developer", "user", "assistant")


class RequestError(ValueError):
    """A request that this server does not take.

    Attributes:
        parameter: The field that is wrong, None for the whole.
        status: HTTP status.
    """

    def __init__(self, message: str, parameter: str | None = None, status: int = 400):
        super().__init__(message)
        self.parameter = parameter
        self.status = status


def read_body(raw: bytes, model: str) -> dict[str, Any]:
    """Read and check the body of a chat-completions request.

    Args:
        raw: JSON.
        model: The model that is served.

    Raises:
        RequestError: If the body is no JSON object, a field is unknown, missing, of another type or out of range,
            or names another model (status 404).
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise RequestError("the body is no JSON object")
    for name in _REQUIRED:
        if body.get(name) is None:
            raise RequestError(f"{name}: missing", name)
    for name, value in body.items():
        if name not in _KINDS:
            raise RequestError(f"{name}: unknown; this server takes {', '.join(_KINDS)}", name)
        if value is not None:
            _check_value(name, value)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise RequestError("top_logprobs: needs logprobs: true", "top_logprobs")
    _check_messages(body["messages"])
    if body["model"] != model:
        raise RequestError(f"model: {body['model']!r} is not served here; ask for {model!r}", "model", 404)
    return body


def build_completion(body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """The chat completion that says an answer.

    Tokens are words: the usage counts them, and `max_tokens` cuts after so many.

    Args:
        body: The request, as `read_body` returns it.
        answer: What is said.
    """
    tokens = _TOKEN.findall(answer.text)
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    # As at OpenAI, also where nothing is missing: the end would have been one token more.
    cut = most is not None and len(tokens) >= most
    tokens = tokens[:most]
    prompt_tokens = sum(len(message["content"].split()) for message in body["messages"])
    return {
        "id": "chatcmpl-" + hashlib.sha256(repr((body, answer.text)).encode()).hexdigest()[:24],
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(tokens), "refusal": None},
                "logprobs": _list_logprobs(tokens, answer, body) if body.get("logprobs") else None,
                "finish_reason": "length" if cut else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": len(tokens),
            "total_tokens": prompt_tokens + len(tokens),
        },
    }


def _check_value(name: str, value: Any) -> None:
    kind, words = _KINDS[name]
    # For Python true is an integer.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise RequestError(f"{name}: {value!r} is not {words}", name)
    low, high = _RANGES.get(name, (None, None))
    if low is not None and not low <= value <= high:
        allowed = json.dumps(low) if low == high else f"at least {low}" if high == inf else f"{low} to {high}"
        raise RequestError(f"{name}: {json.dumps(value)} is not supported; the value must be {allowed}", name)


def _check_messages(messages: list) -> None:
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not all(
            isinstance(message.get(key), str) for key in ("role", "content")
        ):
            raise RequestError(f"messages[{place}]: needs role and content, both strings", "messages")
        if message["role"] not in _ROLES:
            raise RequestError(f"messages[{place}].role: {message['role']!r} is unknown", "messages")
    if not messages or messages[-1]["role"] != "user":
        raise RequestError("messages: the last one must be the user's", "messages")


def _list_logprobs(tokens: list[str], answer: Answer, body: Mapping[str, Any]) -> dict[str, Any]:
    most = body.get("top_logprobs") or 0
    content = []
    for place, token in enumerate(tokens):
        likeliest: tuple[tuple[str, float], ...] = ((token, 0.0),)
        if place == 0 and answer.first_tokens is not None:
            likeliest = answer.first_tokens
            token = token.rstrip()
        entry = _describe_token(token, dict(likeliest)[token])
        content.append({**entry, "top_logprobs": [_describe_token(*each) for each in likeliest[:most]]})
    return {"content": content, "refusal": None}


def _describe_token(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
