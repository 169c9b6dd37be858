"""Where a judge answers, on what terms, and what ends the asking."""

import os
from dataclasses import dataclass
from urllib.parse import quote

from lossgrid.judging.asking.prices import Prices
from lossgrid.studies.judging import Judge

# Said once, where studies say it.
_DEFAULTS = {name: field.default for name, field in Judge.model_fields.items()}


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks OpenAI's chat completions, and a model on it.

    Attributes:
        base_url: Up to and including `/v1`.
        server: Name that stands for the server in the keys of judgments, for a server whose URL changes from
            job to job; empty for the URL itself.
        model: Judge, as the server calls it.
        key_variable: Environment variable with the server's key; None for a server without keys.
        concurrency: Calls in flight at most.
        timeout: Seconds that one call may take, from its start to the last byte of its answer.
        attempts: Calls for one request before it ends as `api_error`.
        prices: Of the model; None for a server that costs nothing.
        spend_limit: USD that all records of the ledger together may cost, by the prices; None for no limit. Two
            processes that share a ledger may together exceed it by what one has in flight.
    """

    base_url: str
    server: str
    model: str
    key_variable: str | None = None
    concurrency: int = _DEFAULTS["concurrency"]
    timeout: float = _DEFAULTS["timeout"]
    attempts: int = _DEFAULTS["attempts"]
    prices: Prices | None = None
    spend_limit: float | None = None

    @property
    def name(self) -> str:
        """What stands for the server in keys, records and messages."""
        return self.server or self.base_url.rstrip("/")


class JudgingStopped(RuntimeError):  # noqa: N818
    """The asking ended before every request was answered; what was answered is in the ledger."""


class MissingKeyError(JudgingStopped):
    """The environment holds no usable key; nothing was asked."""


class SpendLimitReached(JudgingStopped):
    """The next call could exceed the spend limit, or the server says that the account is used up."""


class AuthenticationFailed(JudgingStopped):
    """The server refused the key."""


class WrongAddress(JudgingStopped):
    """The server knows no such model or path, and has not answered a single call."""


class NothingReadable(JudgingStopped):
    """The judge's first replies were all unreadable: so would be the others, and each is paid."""


class ServerGone(JudgingStopped):
    """As many judgments in a row as calls are in flight have used up their attempts without any answer between."""


def read_key(endpoint: Endpoint) -> str | None:
    """The key of an endpoint, from the environment.

    Raises:
        MissingKeyError: The variable is not set, is empty, or holds what cannot be sent in a header.
    """
    if endpoint.key_variable is None:
        return None
    key = os.environ.get(endpoint.key_variable, "").strip()
    if key and key.isascii() and key.isprintable() and " " not in key:
        return key
    what = "holds characters that no key has" if key else "is not set"
    raise MissingKeyError(
        f"judge {endpoint.model} on {endpoint.name}: the environment variable {endpoint.key_variable} {what}; "
        "set it to the server's key (nothing was asked)"
    )


def hide_key(text: str, key: str | None) -> str:
    """The text without the key, as it is or as JSON and URLs may spell it."""
    for spelling in {key, key.replace("/", "\\/"), quote(key, safe="")} if key else ():
        text = text.replace(spelling, "[key]")
    return text
