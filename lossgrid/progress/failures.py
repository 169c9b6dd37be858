"""Why a job failed, and what its rerun will do."""

import re
from dataclasses import dataclass
from enum import StrEnum

from lossgrid.progress.error_lines import LoggedError, find_error, find_last_line
from lossgrid.progress.executor_words import drop_reports, find_refusal


class Kind(StrEnum):
    """What ended a job: its value is what screens and logs call it."""

    REFUSED = "refused by Slurm"
    OUT_OF_MEMORY = "out of memory"
    OUT_OF_GPU_MEMORY = "out of GPU memory"
    KILLED = "killed"
    TIMEOUT = "out of time"
    NODE_FAILURE = "node failure"
    PREEMPTED = "preempted"
    CANCELLED = "cancelled"
    MISSING_MODEL = "missing model"
    FULL_DISK = "full disk"
    JUDGE = "judge"
    SERVER = "server"
    ERROR = "error"

    @property
    def remedy(self) -> str:
        """One sentence: what a rerun will do, or what must be done before it."""
        return REMEDIES[self]


@dataclass(frozen=True)
class Failure:
    """Why a job failed.

    Attributes:
        kind: What ended it.
        line: The one line of its logs that says so best.
    """

    kind: Kind
    line: str


REMEDIES = {
    Kind.REFUSED: (
        "Correct slurm/site.yaml, or what the study asks for, as sbatch says; where it merely could not reach Slurm, "
        "the same command submits it again."
    ),
    Kind.OUT_OF_MEMORY: "The next attempt asks for more memory.",
    Kind.OUT_OF_GPU_MEMORY: (
        "A rerun ends alike on the same GPU: lower training.micro_batch_size or shard with training.deepspeed, or "
        "free the GPU where another program holds its memory."
    ),
    Kind.KILLED: "Mostly the machine's own doing, for want of memory: the next attempt asks for more.",
    Kind.TIMEOUT: "The next attempt asks for more time; training goes on from its last checkpoint.",
    Kind.NODE_FAILURE: "The job was not to blame: the same command runs it again, training from its last checkpoint.",
    Kind.PREEMPTED: "Another job took its place: the same command runs it again, training from its last checkpoint.",
    Kind.CANCELLED: "It was ended from outside: the same command runs it again, training from its last checkpoint.",
    Kind.MISSING_MODEL: (
        "Jobs are offline: fetch it once on a machine with a network, with the same HF_HOME, by `hf download NAME`; "
        "then the same command."
    ),
    Kind.FULL_DISK: "Free space or raise the quota first; then the same command, training from its last checkpoint.",
    Kind.JUDGE: "What was answered is kept: do as the line says, and the same command asks for the rest.",
    Kind.SERVER: "The server that the job started did not come up; its last lines stand in the log.",
    Kind.ERROR: "Read the log: a rerun ends alike until the cause is mended.",
}

SLURM_STATES = {
    "OUT_OF_MEMORY": Kind.OUT_OF_MEMORY,
    "OUT_OF_ME+": Kind.OUT_OF_MEMORY,
    "TIMEOUT": Kind.TIMEOUT,
    "DEADLINE": Kind.TIMEOUT,
    "NODE_FAIL": Kind.NODE_FAILURE,
    "BOOT_FAIL": Kind.NODE_FAILURE,
    "PREEMPTED": Kind.PREEMPTED,
}

# What Slurm's own daemon writes into a job's log; anchored, because that log may quote others.
SLURM_REASONS = {
    Kind.TIMEOUT: r"CANCELLED AT \S+ DUE TO (TIME LIMIT|DEADLINE)",
    Kind.NODE_FAILURE: r"CANCELLED AT \S+ DUE TO NODE FAILURE",
    Kind.PREEMPTED: r"CANCELLED AT \S+ DUE TO PREEMPTION",
    Kind.OUT_OF_MEMORY: r"slurmstepd\S*: error: .*(oom[-_ ]kill|[Ee]xceeded (job |step )?memory limit|OOM Killed)",
}
CANCELLED = r"CANCELLED AT \S+ \*\*\*|CANCELLED by \w+"

# Of the text of an error. torch tells of a full disk only by where its writer stood.
ERRORS = {
    Kind.OUT_OF_GPU_MEMORY: (
        r"OutOfMemoryError|CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|"
        r"Free memory on device .* is less than desired GPU memory|No available memory for the cache blocks"
    ),
    Kind.FULL_DISK: (
        r"No space left on device|Disk quota exceeded|PytorchStreamWriter failed writing|"
        r"inline_container\.cc.*unexpected pos|basic_ios::clear: iostream error"
    ),
    Kind.MISSING_MODEL: (
        r"LocalEntryNotFoundError|OfflineModeIsEnabled|is not a local folder and is not a valid model identifier|"
        r"We couldn't connect to '[^']+' to load|gated repo|GatedRepoError|RepositoryNotFoundError|"
        r"Repo id must be in the form|Unrecognized model in|does not appear to have a file named|"
        r"no file named .*(safetensors|pytorch_model)"
    ),
    Kind.OUT_OF_MEMORY: (
        r"^MemoryError|_ArrayMemoryError|DefaultCPUAllocator: can't allocate memory|Cannot allocate memory|"
        r"DataLoader worker .* is killed by signal: Killed"
    ),
}
JUDGE_ERRORS = (
    "JudgingError",
    "JudgingStopped",
    "MissingKeyError",
    "SpendLimitReached",
    "AuthenticationFailed",
    "WrongAddress",
    "NothingReadable",
    "ServerGone",
)
# Killed by nobody who says so.
KILLED = (
    r"exit (code|status):? 137\b|Signals\.SIGKILL|[Ss]ignal 9\b|"
    r"srun: error: .*: Killed|^Killed$|line \d+: +\d+ Killed\b"
)
NO_ERROR = "no error in its log, as of a process that was killed"
KILLED_LINE = "killed by signal 9, and nothing says by whom"


def explain_failure(state: str | None, slurm_log: str, rule_log: str) -> Failure:
    """Find out why a job failed.

    What Slurm says of the job as a whole comes first: a job out of time or memory may have written any error while
    it was being killed. What Snakemake and its executor say of every failure is passed over.

    Args:
        state: Slurm's state of the job, such as `TIMEOUT`; None without Slurm.
        slurm_log: The end of the log that Slurm kept, and what the executor said; empty where there is none.
        rule_log: The end of the log of the rule's own command.

    Returns:
        The kind of the failure and the line that says so.
    """
    # Of a job that never ran, the log of its rule is that of an earlier attempt.
    if refusal := find_refusal(slurm_log):
        return Failure(Kind.REFUSED, refusal)
    word = (state or "").split()[0] if state else ""
    for kind, pattern in SLURM_REASONS.items():
        if line := _find_line(pattern, slurm_log):
            return Failure(kind, line)
    if word in SLURM_STATES:
        return Failure(SLURM_STATES[word], f"Slurm ended the job: {word}")
    if word == "CANCELLED" or _find_line(CANCELLED, slurm_log):
        return Failure(Kind.CANCELLED, _find_line(CANCELLED, slurm_log) or "Slurm ended the job: CANCELLED")
    # The rule's log may be empty: what went wrong before its command began stands in the other one.
    error = find_error(rule_log) or find_error(drop_reports(slurm_log))
    if error and (kind := _classify(error)):
        return Failure(kind, error.line)
    # A program that ends by an error of its own is not killed, whatever its log says of others.
    if _find_line(KILLED, slurm_log) or _find_line(KILLED, error.line if error else rule_log):
        return Failure(Kind.KILLED, KILLED_LINE)
    if error:
        return Failure(Kind.ERROR, error.line)
    last = find_last_line(rule_log)
    return Failure(Kind.ERROR, NO_ERROR + (f"; its last line: {last}" if last else ""))


def _classify(error: LoggedError) -> Kind | None:
    if error.name in JUDGE_ERRORS:
        # Whatever it quotes: the trouble is the judge's.
        return Kind.JUDGE
    for kind, pattern in ERRORS.items():
        if re.search(pattern, error.cause, re.M):
            return kind
    if error.is_interruption:
        return Kind.CANCELLED
    return Kind.SERVER if error.name == "ServerError" else None


def _find_line(pattern: str, text: str) -> str:
    """The last line that a pattern is found in."""
    matches = [line for line in text.splitlines() if re.search(pattern, line)]
    return matches[-1].strip() if matches else ""
