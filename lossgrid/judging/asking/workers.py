"""The asking itself: workers, retries, money and records."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from lossgrid.judging.asking.back_off import BackOff, get_delay
from lossgrid.judging.asking.call import Caller
from lossgrid.judging.asking.endpoint import Endpoint, SpendLimitReached
from lossgrid.judging.asking.giving_up import GivingUp
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.outcome import Failure, get_cost, make_record
from lossgrid.judging.asking.prices import Budget, get_worst_case
from lossgrid.judging.asking.progress import Progress
from lossgrid.judging.asking.readability import FirstReplies
from lossgrid.judging.asking.request import JudgeRequest, Reply

REPORT_SECONDS = 5.0
REFRESH_SECONDS = 1.0
BLOCK = 16


class Asking:
    """One pass over the missing requests: a fixed number of workers that take keys from one iterator.

    Args:
        by_key: All requests, by key.
        endpoint: Whom to ask.
        ledger: Where the answers go.
        progress: Counts what comes of it.
        replies: Tells whether any reply was readable; has counted what the ledger holds.
        report: Gets the lines for people.
    """

    def __init__(
        self,
        by_key: dict[str, JudgeRequest],
        endpoint: Endpoint,
        ledger: Ledger,
        progress: Progress,
        replies: FirstReplies,
        report: Callable[[str], None],
    ):
        self.by_key, self.endpoint, self.ledger = by_key, endpoint, ledger
        self.progress, self.report = progress, report
        self.giving_up = GivingUp(endpoint, progress, replies)
        self.budget = None if endpoint.spend_limit is None else Budget(endpoint.spend_limit)
        self.back_off = BackOff()
        self.in_flight = 0
        self.error: BaseException | None = None
        self.stopping = asyncio.Event()

    async def ask(self, missing: list[str], key: str | None) -> None:
        """Ask for the missing keys, with the server's key.

        Raises:
            JudgingStopped: See `judge_requests`; any other error of ours comes likewise after what was in flight.
        """
        try:
            async with Caller(self.endpoint, key) as self.caller:
                keys = _shuffle_blocks(missing)
                watch = asyncio.create_task(self._watch())
                try:
                    # When it is interrupted, it waits until every worker has recorded what was in flight.
                    async with asyncio.TaskGroup() as workers:
                        for _ in range(min(self.endpoint.concurrency, len(missing))):
                            workers.create_task(self._work(keys))
                finally:
                    watch.cancel()
        finally:
            self.ledger.sync()
            self._report_progress()
        if self.error is not None:
            raise self.error

    async def _work(self, keys: Iterator[str]) -> None:
        for key in keys:
            if self.ledger.is_settled(key):
                self.progress.known += 1
                continue
            try:
                await self._judge(key)
            except Exception as error:
                # The other workers record what they have in flight before this is raised.
                self._stop(error)
            if self.stopping.is_set():
                return

    async def _judge(self, key: str) -> None:
        """Call until there is an answer or no point in calling, and record how it ended."""
        body = self.by_key[key].body
        worst = get_worst_case(body, self.endpoint.prices)
        lost, open_cost, calls, failed, answered = 0.0, 0.0, 0, 0, self.progress.answered
        outcome: Reply | Failure | None = None
        try:
            while await self._may_call(worst):
                calls, open_cost = calls + 1, worst
                outcome = await self._call(body)
                open_cost = 0.0
                if isinstance(outcome, Reply):
                    break
                if error := self.giving_up.find_hopeless(outcome):
                    self._stop(error)
                if outcome.billed:
                    lost += worst
                else:
                    self._release(worst)
                # A server that answers others meanwhile is busy, not broken: no reason to give up.
                failed += not (outcome.status == 429 and self.progress.answered > answered)
                answered = self.progress.answered
                if not outcome.retry or failed >= self.endpoint.attempts:
                    break
                self.progress.repeated += 1
                await self._wait(outcome, max(failed, 1))
        except asyncio.CancelledError:
            # The server does the work, and charges for it, whether or not somebody waits for the answer.
            if calls:
                self._record(key, Failure("interrupted before an answer came"), lost + open_cost, calls)
            raise
        if isinstance(outcome, Reply):
            cost = get_cost(outcome, self.by_key[key], self.endpoint.prices)
            self._record(key, outcome, lost + cost, calls)
            self._release(lost + worst)
        elif outcome is not None:
            self._record(key, outcome, lost, calls)
            self._release(lost)

    async def _may_call(self, worst: float) -> bool:
        """Wait for the pauses of the server and for money; False once the run is to stop."""
        while not self.stopping.is_set():
            if pause := self.back_off.get_pause():
                # Not all in the same moment.
                await self._sleep(pause * random.uniform(1.0, 1.1))
            elif self.budget is None or self.budget.fits(self.ledger.spent, worst):
                self._reserve(worst)
                return True
            elif self.in_flight:
                # What is in flight mostly costs less than it reserved.
                await self._sleep(0.05)
            else:
                self._stop(
                    SpendLimitReached(
                        f"{self.progress.judge}: the next call can cost ${worst:,.4f}, and of the spend limit of "
                        f"${self.budget.limit:,.2f} ${self.ledger.spent:,.4f} are spent; raise spend_limit to go on "
                        f"({self.progress.known + self.progress.answered:,} of {self.progress.requests:,} answered)"
                    )
                )
        return False

    async def _call(self, body: dict) -> Reply | Failure:
        self.in_flight += 1
        try:
            return await self.caller.call(body)
        finally:
            self.in_flight -= 1

    async def _wait(self, failure: Failure, failed: int) -> None:
        delay = get_delay(failed)
        if failure.status == 429 or failure.retry_after is not None:
            pause = delay if failure.retry_after is None else failure.retry_after
            if pause > REPORT_SECONDS > self.back_off.get_pause():
                self.report(f"{self.progress.judge}: the server is busy, no calls for {pause:.0f} s")
            self.back_off.pause(pause)
        await self._sleep(delay)

    def _record(self, key: str, outcome: Reply | Failure, cost: float, calls: int) -> None:
        if isinstance(outcome, Failure) and outcome.status == 403:
            # Among answers it is about the request, as moderation has it; else it may be about the key.
            outcome = replace(outcome, permanent=self.progress.answered > 0 and self.error is None)
        record, mistake = make_record(key, self.by_key[key], self.endpoint, outcome, cost, calls)
        self.ledger.append(record)
        self.progress.states[record.state] += 1
        if isinstance(outcome, Failure):
            self.progress.last_error = record.error
        hopeless = self.giving_up.count(record, outcome)
        if error := mistake or hopeless:
            self._stop(error)
        for taken_back in self.giving_up.take_back():
            self.ledger.append(taken_back)

    async def _watch(self) -> None:
        """Report, see to it that records reach the disk, and look at what other processes have answered."""
        reported = time.monotonic()
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await asyncio.to_thread(self.ledger.sync)
                self.ledger.refresh()
            except OSError as error:
                self._stop(error)
            if time.monotonic() - reported >= REPORT_SECONDS:
                reported = time.monotonic()
                self._report_progress()

    def _report_progress(self) -> None:
        self.report(self.progress.describe(None if self.endpoint.prices is None else self.ledger.spent))

    def _stop(self, error: BaseException) -> None:
        self.error = self.error or error
        self.stopping.set()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def _reserve(self, amount: float) -> None:
        if self.budget is not None:
            self.budget.reserve(amount)

    def _release(self, amount: float) -> None:
        if self.budget is not None:
            self.budget.release(amount)


def _shuffle_blocks(keys: list[str]) -> Iterator[str]:
    """The keys in blocks of neighbours, which share prompts that a server may cache, and the blocks in any order:
    two processes with the same requests would otherwise ask the same ones at the same time.
    """
    starts = list(range(0, len(keys), BLOCK))
    random.shuffle(starts)
    return (key for start in starts for key in keys[start : start + BLOCK])
