"""When to call again: after a failure the one request waits, after a refusal for too many calls all of them do."""

import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
# A server that asks for more than this is asked again all the same, so that a job does not sleep a day away.
LONGEST_PAUSE = 3600.0


class BackOff:
    """The pause that all callers of one server share."""

    def __init__(self):
        self._until = 0.0

    def pause(self, seconds: float) -> None:
        """Let nobody call for so long; a longer pause that is under way stays."""
        self._until = max(self._until, time.monotonic() + min(seconds, LONGEST_PAUSE))

    def get_pause(self) -> float:
        """Seconds until calls may go out again."""
        return max(0.0, self._until - time.monotonic())


def get_delay(failures: int) -> float:
    """Seconds that a request waits after so many failures in a row: doubling, with jitter so that they spread."""
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 100))
    return random.uniform(0.5, 1.0) * longest


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, None where it does not say.

    `Retry-After` holds seconds or a date (RFC 9110, 10.2.3); OpenAI adds `retry-after-ms`.
    """
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(value)
    # A year or a zone with twenty digits overflows.
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
