"""Submission to Slurm that outlasts an outage of its controller.

The executor plugin 2.8.0 takes an sbatch that fails for a failure of the job: while a controller is started anew,
every job that is ready would use up all its attempts within a second.
"""

import shlex
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from execution.outage import is_outage
from execution.queue import QueueError, ask_squeue

# Seconds between two questions to a controller that does not answer.
PAUSE = 5


@dataclass
class Submission:
    """The calls of sbatch of one main process.

    Attributes:
        say: Gets a line when an outage begins and one when it has ended.
        ended: Set when the main process is interrupted: what is held is given up.
        known: Ids of the jobs that were submitted.
        held: Whether an outage was told and has not ended.
    """

    say: Callable[[str], None]
    ended: threading.Event = field(default_factory=threading.Event)
    known: set[str] = field(default_factory=set)
    held: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, call: str, text: str | None = None) -> tuple[int, str, str]:
        """Call sbatch; while Slurm does not answer, wait and call it again.

        Args:
            call: The command line, with `--job-name` and `--comment`.
            text: The standard input.

        Returns:
            Exit status, output and errors; a failure is a refusal, or an interruption of the main process.

        Raises:
            OSError: No process can be started, such as for a command line that is too long.
        """
        while True:
            process = subprocess.run(
                call, shell=True, text=True, errors="replace", input=text or "", capture_output=True
            )
            if process.returncode == 0:
                self.note(process.stdout)
            if process.returncode == 0 or not is_outage(process.stderr):
                return process.returncode, process.stdout, process.stderr
            self.tell(process.stderr.strip())
            taken = self.wait(call)
            if self.ended.is_set():
                return 1, "", "interrupted while Slurm did not answer; nothing was submitted"
            if taken:
                # The answer was lost, not the job: submitted again, two would write the same files.
                self.note(taken)
                return 0, taken, ""

    def wait(self, call: str) -> str | None:
        """Wait until Slurm answers or the main process is interrupted.

        Returns:
            The id of the job that sbatch has submitted nevertheless, None where there is none.
        """
        name, comment = read_option(call, "--job-name"), read_option(call, "--comment")
        while not self.ended.wait(PAUSE):
            try:
                lines = ask_squeue("%j\t%i\t%k")
            except QueueError as error:
                if is_outage(str(error)):
                    continue
                lines = []
            jobs = [line.split("\t", 2) for line in lines]
            # Of an array the number that all its tasks share.
            ids = [job[1].partition("_")[0] for job in jobs if (job[0], job[-1]) == (name, comment)]
            return next((number for number in ids if number not in self.known), None)
        return None

    def note(self, output: str) -> None:
        """A job was submitted: an outage that was told has ended."""
        with self.lock:
            self.known.add(output.strip().partition(";")[0])
            if self.held:
                self.say("Slurm answers again; jobs are submitted")
            self.held = False

    def tell(self, error: str) -> None:
        """Say that an outage has begun, once."""
        with self.lock:
            if not self.held:
                self.say(f"Slurm does not answer ({error}); jobs wait to be submitted until it does")
            self.held = True


def read_option(call: str, name: str) -> str | None:
    """The value of an option of a command line; what stands behind it need not be a command line of Python's."""
    words = shlex.shlex(call, posix=True)
    words.whitespace_split, words.commenters = True, ""
    return next((next(words) for word in words if word == name), None)


class PatientSubprocess:
    """The module `subprocess` as the plugin uses it: by Popen it calls sbatch and nothing else."""

    def __init__(self, submission: Submission):
        self.submission = submission

    def __getattr__(self, name):
        return getattr(subprocess, name)

    def Popen(self, call, **options):  # noqa: N802
        """A process that has not begun."""
        return PatientCall(self.submission, call)


class PatientCall:
    """A call of sbatch, made when its answer is asked for."""

    def __init__(self, submission: Submission, call: str):
        self.submission, self.call, self.returncode = submission, call, None

    def communicate(self, input: str | None = None) -> tuple[str, str]:
        """Output and errors."""
        self.returncode, output, error = self.submission.submit(self.call, input)
        return output, error


def correct_submission(plugin, submission: Submission) -> None:
    """Let the executor plugin submit by these calls.

    Args:
        plugin: Its module; changed.
        submission: The calls.
    """
    plugin.subprocess = PatientSubprocess(submission)
    # It asks for the accounts before every job, and fails the job where the database is away. They were looked up at
    # the start, and sbatch refuses a wrong one itself.
    plugin.validate_account = lambda account, logger: account
    cancel = plugin.Executor.cancel

    def give_up(self):
        submission.ended.set()
        # Those that wait for their turn would be submitted after the others were cancelled.
        self._job_submission_executor.shutdown(wait=True, cancel_futures=True)
        cancel(self)

    plugin.Executor.cancel = give_up
