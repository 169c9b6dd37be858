"""A question to a judge, and what the judge's server answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lossgrid.studies.identity import hash_canonical


@dataclass(frozen=True)
class Reply:
    """What a server answered.

    Attributes:
        text: Content of the first choice's message, empty where the server sent none.
        finish_reason: Why the reply ended (`stop`, `length`, …), as the server says.
        top_logprobs: The likeliest first tokens with their log-probabilities (nats); None where the server
            sent none, which is the case unless the request asks for them.
        prompt_tokens: Tokens of the prompt as the server counted them, 0 where it did not say.
        completion_tokens: Tokens of the reply as the server counted them, 0 where it did not say.
    """

    text: str
    finish_reason: str | None
    top_logprobs: tuple[tuple[str, float], ...] | None
    prompt_tokens: int
    completion_tokens: int


class UnreadableReply(ValueError):  # noqa: N818
    """A reply that holds no judgment; the message says what is wrong with it."""


@dataclass(frozen=True)
class JudgeRequest:
    """One question to a judge.

    Attributes:
        body: The whole body of the chat-completions call: `model`, `messages`, `temperature`, `max_tokens`, ….
        parse: Turns a reply into a judgment, a value that JSON knows, or raises `UnreadableReply`.
        repeat: 0 for the question itself, from 1 for the same question asked again.
    """

    body: dict[str, Any]
    parse: Callable[[Reply], Any] = field(compare=False)
    repeat: int = 0

    def get_key(self, server: str) -> str:
        """Identity of the judgment: what is asked, of which model, on which server, for which time over.

        Args:
            server: Base URL of the server, or a name that stands for it.

        Returns:
            SHA-256 in hexadecimal.

        Raises:
            ValueError: The body holds a number that is not finite.
            TypeError: The body holds something that JSON does not know.
        """
        return hash_canonical(
            {"server": server, "model": self.body["model"], "body": self.body, "repeat": self.repeat}
        )


def repeat_request(request: JudgeRequest, repeat: int) -> JudgeRequest:
    """The same question for another time.

    The body gets the number of the repeat as its `seed`, so that a server whose noise is seeded draws anew.
    """
    return replace(request, body={**request.body, "seed": repeat}, repeat=repeat)


def judge_reply(reply: Reply, request: JudgeRequest) -> tuple[str, Any, str | None]:
    """What a reply says, by the request's own parse.

    Returns:
        State (`ok` or `parse_error`), value (None unless ok) and what is wrong (None if ok).

    Raises:
        TypeError: Parse returned something that JSON does not know.
        ValueError: Parse returned a number that is not finite.
    """
    try:
        value = request.parse(reply)
    except UnreadableReply as error:
        return "parse_error", None, str(error)
    json.dumps(value, allow_nan=False)
    return "ok", value, None


def read_reply(completion: Any) -> Reply:
    """Read a chat completion.

    Args:
        completion: Decoded body of the answer.

    Raises:
        ValueError: It is no chat completion; the message says what is missing and, where the server put an
            error into it, quotes that.
    """
    if not isinstance(completion, dict):
        raise ValueError(f"no JSON object but {type(completion).__name__}")
    choices = completion.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        error = completion.get("error")
        raise ValueError(f"no choices{f', but the error {error}' if error else ''}")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise ValueError("a choice without a message")
    text = message.get("content")
    if not isinstance(text, str | None):
        raise ValueError(f"content that is no text but {type(text).__name__}")
    usage = completion.get("usage") or {}
    return Reply(
        text=text or "",
        finish_reason=reason if isinstance(reason := choices[0].get("finish_reason"), str) else None,
        top_logprobs=_read_top_logprobs(choices[0].get("logprobs")),
        prompt_tokens=_read_count(usage, "prompt_tokens"),
        completion_tokens=_read_count(usage, "completion_tokens"),
    )


def _read_top_logprobs(logprobs: Any) -> tuple[tuple[str, float], ...] | None:
    if not logprobs:
        return None
    try:
        first = logprobs["content"][0]["top_logprobs"]
        return tuple((str(each["token"]), _clamp(float(each["logprob"]))) for each in first)
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _clamp(logprob: float) -> float:
    """Servers write a probability of zero as −∞, which JSON does not know, or as −9999."""
    return min(max(-9999.0, logprob), 0.0)


def _read_count(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count > 0 else 0
