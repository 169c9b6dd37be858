"""Whether a judge's replies can be read at all: one whose first replies cannot is not paid to the end."""

from pathlib import Path

from lossgrid.judging.asking.endpoint import NothingReadable
from lossgrid.judging.asking.ledger import FINAL, Record

FIRST_REPLIES = 50


class FirstReplies:
    """Counts replies until one of them is readable, those that the ledger held before included.

    Args:
        judge: Model and server, for people.
        ledger: Folder of the replies.
    """

    def __init__(self, judge: str, ledger: Path):
        self.judge, self.ledger = judge, ledger
        self.readable = self.unreadable = 0
        self._missed = ""

    def count(self, record: Record) -> None:
        """Count a record; one without a reply says nothing."""
        if record.state == "ok":
            self.readable += 1
        elif record.state in FINAL:
            self.unreadable += 1
            self._missed = self._missed or record.error

    def find_error(self) -> NothingReadable | None:
        """What ends the asking: so many replies, and none of them readable."""
        if self.readable or self.unreadable < FIRST_REPLIES:
            return None
        return NothingReadable(
            f"{self.judge}: none of the first {self.unreadable} replies could be read; of one the parser says: "
            f"{self._missed}; let the server or another model answer what the evaluation asks for. These replies "
            f"lie in {self.ledger}, and what lies there is not asked again: delete that folder to ask anew"
        )
