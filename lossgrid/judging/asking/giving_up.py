"""When asking has to end because all further calls would fail alike."""

from dataclasses import replace

from lossgrid.judging.asking.endpoint import (
    AuthenticationFailed,
    Endpoint,
    JudgingStopped,
    ServerGone,
    SpendLimitReached,
    WrongAddress,
)
from lossgrid.judging.asking.ledger import Record, get_time
from lossgrid.judging.asking.outcome import Failure
from lossgrid.judging.asking.progress import Progress
from lossgrid.judging.asking.readability import FirstReplies
from lossgrid.judging.asking.request import Reply

# Prompts that a provider's moderation refuses stand among others; so many refusals in a row are about the key.
REFUSED_IN_A_ROW = 50


class GivingUp:
    """Sees every failed call and every judgment of a run, and says which error ends it.

    Args:
        endpoint: Who is asked.
        progress: Counts what came of the judgments before.
        replies: Tells whether any reply was readable.
    """

    def __init__(self, endpoint: Endpoint, progress: Progress, replies: FirstReplies):
        self.endpoint, self.progress, self.replies = endpoint, progress, replies
        self.unanswered_in_a_row = 0
        self.refused_in_a_row: list[Record] = []

    def find_hopeless(self, failure: Failure) -> JudgingStopped | None:
        """The error of a call after which every other one would fail for the same reason."""
        where = self.progress.judge
        if failure.exhausted:
            return SpendLimitReached(
                f"{where}: the server says that the account is used up: {failure.reason}"
            )
        has_answered = self.replies.readable or self.replies.unreadable
        if failure.status == 401 or (failure.status == 403 and not has_answered):
            return AuthenticationFailed(f"{where}: {failure.reason}; {self._spell_key_fix()}")
        if failure.status == 404 and not self.progress.answered:
            address = f"{self.endpoint.base_url.rstrip('/')}/chat/completions"
            return WrongAddress(f"{where}: {address}: {failure.reason}; check base_url and model")
        return None

    def count(self, record: Record, outcome: Reply | Failure) -> JudgingStopped | None:
        """Count a judgment that ended, and return the error where it was one too many of its kind."""
        self.replies.count(record)
        if isinstance(outcome, Reply):
            self.unanswered_in_a_row, self.refused_in_a_row = 0, []
            return self.replies.find_error()
        # A refusal is an answer, if not a judgment.
        self.unanswered_in_a_row = self.unanswered_in_a_row + 1 if outcome.retry else 0
        if outcome.status == 403:
            self.refused_in_a_row.append(record)
        where = self.progress.judge
        # Thousands of requests that wait out all their attempts on a server that died take hours.
        if self.unanswered_in_a_row >= self.endpoint.concurrency:
            return ServerGone(
                f"{where}: the last {self.unanswered_in_a_row} judgments got no answer in {self.endpoint.attempts} "
                f"attempts each, the last because: {record.error}; see that the server is up and run the same "
                "command again"
            )
        if len(self.refused_in_a_row) >= REFUSED_IN_A_ROW:
            return AuthenticationFailed(
                f"{where}: the last {len(self.refused_in_a_row)} requests were all refused, the last because: "
                f"{record.error}; {self._spell_key_fix()}"
            )
        return self.replies.find_error()

    def take_back(self) -> list[Record]:
        """Records that let the next run ask what was refused by too many refusals in a row: a key that is withdrawn
        while it is used must not leave requests as refused for good. Empty before that, and a second time.
        """
        if len(self.refused_in_a_row) < REFUSED_IN_A_ROW:
            return []
        refused, self.refused_in_a_row = self.refused_in_a_row, []
        return [
            replace(record, permanent=False, cost=0.0, attempts=0, time=get_time())
            for record in refused
            if record.permanent
        ]

    def _spell_key_fix(self) -> str:
        variable = self.endpoint.key_variable
        return f"check the key in {variable}" if variable else "name the variable of its key in key_variable"
