"""What a run of judging has done so far, in a line."""

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Counts of one run.

    Attributes:
        judge: Model and server, for people.
        requests: Distinct requests, those that the ledger held before included.
        known: Requests that needed no call, because this or another process had asked them.
        states: Judgments of this run by state.
        repeated: Calls that failed and were made again.
        last_error: Of the requests that ended without an answer, the last one's explanation.
    """

    judge: str
    requests: int
    known: int
    states: Counter = field(default_factory=Counter)
    repeated: int = 0
    last_error: str | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def answered(self) -> int:
        """Calls of this run that were answered."""
        return self.states["ok"] + self.states["parse_error"]

    def describe(self, spent: float | None) -> str:
        """One line.

        Args:
            spent: USD, None for a server without prices.
        """
        seconds = max(time.monotonic() - self.started, 1e-9)
        made = self.states.total()
        parts = [f"{self.judge}: {self.known + made:,} of {self.requests:,}"]
        if made:
            left = (self.requests - self.known - made) * seconds / made
            parts.append(f"{made / seconds:.1f}/s" + (f", {_spell_time(left)} left" if left else ""))
        parts.append(f"{self.states['parse_error']:,} unreadable, {self.states['api_error']:,} failed")
        parts.append(f"{self.repeated:,} calls repeated")
        if spent is not None:
            parts.append(f"${spent:,.2f} spent")
        if self.last_error:
            parts.append(f"last failure: {self.last_error}")
        return "; ".join(parts)


def _spell_time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
