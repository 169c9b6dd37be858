"""Slurm's states as the executor plugin 2.8.0 has to hear them: jobs it would wait for without end are told apart.

The plugin waits for a job that it does not see, or that was preempted or lost its node, until Slurm shows it as
ended; and under sacct it does not know `CANCELLED by UID`. A main process would hang for ever in each of these.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from execution.queue import QueueError, ask_squeue, call

# Not the job's own fault, so that the same job may run again; Slurm does so by itself where it is allowed to.
REQUEUED = {"PREEMPTED", "NODE_FAIL", "BOOT_FAIL"}
# The plugin asks again.
PENDING = "PENDING"
ENDED = {"COMPLETED", "CANCELLED", "DEADLINE", "FAILED", "OUT_OF_MEMORY", "TIMEOUT", *REQUEUED}
# Slurm answers, and does not know the job: it forgets ended jobs after MinJobAge, 300 s by default.
FORGOTTEN_AFTER = 60
# A job that loses its node so often would do so again.
MOST_NODE_FAILURES = 5
TASKS = re.compile(r"(?P<first>\d+)(-(?P<last>\d+))?(:(?P<step>[1-9]\d*))?")

States = dict[str, str]
Query = Callable[..., Awaitable[tuple[States | None, float | None]]]


@dataclass
class WatchedJobs:
    """The jobs that this main process has submitted and whose end it has not heard of.

    Attributes:
        finished: Whether the job with an id has removed its marks of being incomplete, as it does at its end.
        say: Gets a line for the user.
        requeue: Lets a job run again under its id; raises QueueError.
        look: The state of a job as Slurm's controller itself knows it, None for one that it does not know; raises
            QueueError. Accounts lag behind it.
        clock: Seconds, for the time that a job has not been seen.
    """

    finished: Callable[[str], bool]
    say: Callable[[str], None]
    requeue: Callable[[str], object] = lambda job: call("scontrol", "requeue", job)
    look: Callable[[str], str | None] = lambda job: find_state(job, read_states())
    clock: Callable[[], float] = time.monotonic
    missing_since: dict[str, float | None] = field(default_factory=dict)
    node_failures: dict[str, int] = field(default_factory=dict)
    last_states: dict[str, str] = field(default_factory=dict)

    def add(self, job: str) -> None:
        """Watch a job from its submission on."""
        self.missing_since[job] = None

    def correct(self, states: States) -> States:
        """The states as the plugin understands them.

        Args:
            states: By id, what squeue or sacct has answered.

        Returns:
            The same, where a job that was preempted or lost its node runs again under its id, or has FAILED where
            Slurm does not allow that; and with the jobs that Slurm has forgotten.
        """
        heard = {job: read_word(state) for job, state in states.items()}
        for job in list(self.missing_since):
            state = find_state(job, states)
            if state is not None:
                self.missing_since[job] = None
            elif (state := self.miss(job)) is None:
                continue
            # Also under its own id, by which alone the plugin finds a task of an array.
            heard[job] = self.settle(job, read_word(state))
            if heard[job] in ENDED:
                self.last_states[job] = state
                del self.missing_since[job]
        return heard

    def settle(self, job: str, word: str) -> str:
        """One state as the plugin has to hear it; what was not the job's own fault is run again."""
        if word not in REQUEUED:
            return word
        if word != "PREEMPTED":
            self.node_failures[job] = self.node_failures.get(job, 0) + 1
        if self.node_failures.get(job, 0) <= MOST_NODE_FAILURES:
            try:
                self.requeue(job)
            except QueueError as error:
                self.say(f"Slurm does not run job {job} again ({word}: {error}); it counts as failed")
            else:
                self.say(f"job {job} has ended as {word}; Slurm will run it again")
                return PENDING
        return "FAILED"

    def miss(self, job: str) -> str | None:
        """Note that a job is not seen; after a while, tell from its files how it has ended."""
        since = self.missing_since[job]
        if since is None:
            self.missing_since[job] = self.clock()
        if since is None or self.clock() - since <= FORGOTTEN_AFTER:
            return None
        try:
            state = self.look(job)
        except QueueError:
            return None
        if state is None:
            state = "COMPLETED" if self.finished(job) else "FAILED"
            self.say(
                f"Slurm has forgotten job {job}; by its files it has "
                + ("finished" if state == "COMPLETED" else "not finished and counts as failed")
            )
        return state


def read_word(state: str) -> str:
    """A state as the plugin spells it."""
    # Such as `CANCELLED by 0`.
    word = state.split()[0] if state else PENDING
    # The plugin takes UNKNOWN for a success.
    return PENDING if word == "UNKNOWN" else word


def read_states() -> States:
    """The states of this user's jobs, by id.

    Raises:
        QueueError: squeue failed.
    """
    return dict(line.split("\t", 1) for line in ask_squeue("%i\t%T") if "\t" in line)


def find_state(job: str, states: States) -> str | None:
    """The state of a job; of a task of an array also that of the tasks which it waits among, such as `7_[1-4]`."""
    if job in states:
        return states[job]
    array, _, task = job.partition("_")
    if not task.isdigit():
        return None
    among = (state for name, state in states.items() if name == array or holds(name, array, int(task)))
    return next(among, None)


def holds(name: str, array: str, task: int) -> bool:
    """Whether the name of some tasks of an array, such as `7_[1-4,8,20-30:2%3]`, is that of one of them as well."""
    if not name.startswith(f"{array}_["):
        return False
    for part in name.partition("[")[2].rstrip("]").partition("%")[0].split(","):
        tasks = TASKS.fullmatch(part)
        # A long name is cut off by squeue, with dots.
        if tasks is None or task in range(
            int(tasks["first"]), int(tasks["last"] or tasks["first"]) + 1, int(tasks["step"] or 1)
        ):
            return True
    return False


def correct_answers(
    query: Query, jobs: WatchedJobs, interrupted: Callable[[], bool] = lambda: False
) -> Query:
    """A query of the plugin whose answers are corrected; a missing answer stays one.

    Args:
        query: The plugin's.
        jobs: Those that are watched.
        interrupted: Whether the main process ends: it would first wait for all attempts of an answer, which are those
            of forty minutes.
    """

    async def ask(*arguments, **options):
        if interrupted():
            return dict.fromkeys(jobs.missing_since, PENDING), 0.0
        states, seconds = await query(*arguments, **options)
        if states is None:
            return states, seconds
        try:
            return jobs.correct(states), seconds
        except Exception as error:
            # It would end the plugin's thread without a word, and the main process would wait for ever.
            jobs.say(f"states of jobs cannot be corrected, they are asked for again: {error!r}")
            return dict.fromkeys(states, PENDING), seconds

    return ask
