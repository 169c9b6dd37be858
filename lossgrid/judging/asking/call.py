"""One call of a judge, and what came of it."""

import asyncio
import json
from urllib.parse import urlsplit

import httpx2
import openai

from lossgrid.judging.asking.back_off import read_retry_after
from lossgrid.judging.asking.endpoint import Endpoint, hide_key
from lossgrid.judging.asking.outcome import Failure
from lossgrid.judging.asking.request import Reply, read_reply

QUOTED_CHARACTERS = 300
# What a gateway says when it gave up waiting: the server behind it may have done the work, and charged for it.
LOST_ON_THE_WAY = (502, 504, 524)
# A shorter key is no secret but a word, which replies must not lose.
SHORTEST_SECRET = 8


class Caller:
    """A connection pool to one endpoint; use as an asynchronous context manager.

    Args:
        endpoint: Whom to call.
        key: Of the server, None for a server without keys.
    """

    def __init__(self, endpoint: Endpoint, key: str | None):
        self._key = key
        self._timeout = endpoint.timeout
        limits = httpx2.Limits(
            max_connections=endpoint.concurrency, max_keepalive_connections=endpoint.concurrency
        )
        # A proxy that the environment names cannot reach this machine's own loopback.
        loopback = urlsplit(endpoint.base_url).hostname in ("127.0.0.1", "localhost", "::1")
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=key or "none",
            max_retries=0,
            # The deadline of the whole call is ours, because the SDK's starts anew with every byte.
            timeout=None,
            http_client=openai.DefaultAsyncHttpxClient(limits=limits, timeout=None, trust_env=not loopback),
        )
        if endpoint.key_variable is None:
            # The SDK takes them from the environment; who gets no key shall not learn whose they are.
            self._client.organization = self._client.project = None

    async def __aenter__(self) -> "Caller":
        return self

    async def __aexit__(self, *error) -> None:
        await self._client.close()

    async def call(self, body: dict) -> Reply | Failure:
        """Ask once."""
        try:
            async with asyncio.timeout(self._timeout):
                # The body goes out as it is: `chat.completions.create` refuses arguments of other servers, and
                # spends more time on checking requests and replies than on the call.
                response = await self._client.post("/chat/completions", cast_to=httpx2.Response, body=body)
        except UnicodeEncodeError as error:
            return Failure(self._quote(_describe_no_text(error)), retry=False, permanent=True)
        except TimeoutError:
            return Failure(f"no whole answer within {self._timeout:g} s", billed=True)
        except openai.APIStatusError as error:
            return self._describe_status(error.response)
        except openai.APIConnectionError as error:
            return self._describe_broken_connection(error.__cause__ or error)
        try:
            return self._hide(read_reply(json.loads(response.content)))
        except (ValueError, RecursionError) as error:
            reason = f"HTTP {response.status_code} without a chat completion: {error}; body: {response.text}"
            return Failure(self._quote(reason), response.status_code, billed=True)

    def _describe_status(self, response: httpx2.Response) -> Failure:
        status = response.status_code
        return Failure(
            self._quote(f"HTTP {status}: {response.text or response.reason_phrase}"),
            status,
            # A router that restarts knows nothing for a moment.
            retry=status >= 500 or status in (404, 408, 409, 425, 429),
            billed=status in LOST_ON_THE_WAY,
            retry_after=read_retry_after(response.headers),
            exhausted=status == 402 or (status == 429 and "insufficient_quota" in response.text),
        )

    def _describe_broken_connection(self, cause: BaseException) -> Failure:
        reason = f"broken connection: {type(cause).__name__}: {cause}"
        return Failure(self._quote(reason), billed=not isinstance(cause, httpx2.ConnectError))

    def _hide(self, reply: Reply) -> Reply:
        if self._key is None or len(self._key) < SHORTEST_SECRET or self._key not in reply.text:
            return reply
        return Reply(**{**vars(reply), "text": hide_key(reply.text, self._key)})

    def _quote(self, text: str) -> str:
        """One line of the text, without the key, which is hidden before a cut could leave half of it."""
        line = " ".join(hide_key(text, self._key).split())
        return line if len(line) <= QUOTED_CHARACTERS else f"{line[: QUOTED_CHARACTERS - 1]}…"


def _describe_no_text(error: UnicodeEncodeError) -> str:
    """Where a request is no text: half of a surrogate pair, as cutting JSON's escapes in two leaves one."""
    near = ascii(error.object[max(0, error.start - 60) : error.end + 20])
    return (
        f"the request holds {error.object[error.start]!a}, which is no character, near {near}; mend the text"
    )
