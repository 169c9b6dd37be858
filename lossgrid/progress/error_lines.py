"""The line of a log that says what went wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TRACEBACK = "Traceback (most recent call last):"
LINKS = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
# What Python prints of errors that end nothing.
HARMLESS = ("Exception ignored in", "Exception in thread")
# What a launcher says of an error that it only passes on.
LAUNCHERS = ("ChildFailedError", "CalledProcessError", "ProcessRaisedException", "ProcessExitedException")
INTERRUPTIONS = ("KeyboardInterrupt", "CancelledError", "SignalException")

NOISE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
RANK = re.compile(r"^\[rank(\d+)\]: ?")
EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(:|$)")
# Errors that a script ends with instead of a traceback, by their names.
NAMED = re.compile(r"^([a-z_]\w*\.)*[A-Z]\w*(Error|Exception|Stopped|Reached|Failed|Address|Readable|Gone): ")
ROOT_CAUSE = re.compile(r"Root Cause.*?rank +: (\d+).*?traceback : ([^\n]*)", re.S)
OTHER = re.compile(
    r"\berror\b|\bfatal\b|command not found|segmentation fault|\baborted\b|permission denied|no such file",
    re.I,
)


@dataclass(frozen=True)
class LoggedError:
    """An error in a log.

    Attributes:
        line: The line that says what went wrong.
        cause: That line, what it quotes below itself, and the errors that it arose from.
        is_certain: Whether it ended the program, and is not merely the last line that speaks of one.
    """

    line: str
    cause: str
    is_certain: bool = True

    @property
    def name(self) -> str:
        """Its class, without the module."""
        return self.line.partition(":")[0].rpartition(".")[2]

    @property
    def is_interruption(self) -> bool:
        """Whether the program was asked to end, which is no error of its own."""
        return self.name in INTERRUPTIONS


@dataclass(frozen=True)
class _Raised:
    position: int
    rank: str | None
    line: str
    quoted: str
    is_linked: bool
    is_harmless: bool

    @property
    def is_launcher(self) -> bool:
        return LoggedError(self.line, "").name in LAUNCHERS


def find_error(log: str) -> LoggedError | None:
    """The error that ended a program, as its log tells it.

    The last traceback counts, whatever was printed after it, but for those of a launcher or of the interpreter's own
    cleaning up. Of several training processes, the one counts that failed first.

    Args:
        log: A log, or its end.

    Returns:
        None where nothing in the log looks like an error.
    """
    lines = [NOISE.sub("", line).rstrip() for line in log.splitlines()]
    raised = sorted(_find_raised(lines), key=lambda each: each.position)
    root = ROOT_CAUSE.search("\n".join(lines))
    fatal = [each for each in raised if not each.is_harmless and not each.is_launcher]
    if root:
        fatal = [each for each in fatal if each.rank == root[1]] or fatal
    if fatal:
        return _link(fatal)
    if root and root[2].startswith("Signal"):
        line = f"training process {root[1]}: {root[2]}"
        return LoggedError(line, line)
    rest = [each.line for each in raised] or [line.strip() for line in lines if OTHER.search(line)]
    return LoggedError(rest[-1], rest[-1], is_certain=False) if rest else None


def is_ended_by_error(log: str) -> bool:
    """Whether a program ended by an error of its own, and not because it was killed or asked to end."""
    error = find_error(log)
    return error is not None and error.is_certain and not error.is_interruption


def find_last_line(log: str) -> str:
    """The last line that holds words; empty for an empty log."""
    lines = [NOISE.sub("", line).strip(" │") for line in log.splitlines()]
    return next((line for line in reversed(lines) if re.search(r"\w", line)), "")


def _link(fatal: list[_Raised]) -> LoggedError:
    """The last error with those of its own process that it arose from."""
    last = fatal[-1]
    own = [each for each in fatal if each.rank == last.rank]
    chain = [last]
    while chain[0].is_linked and len(own) > len(chain):
        chain.insert(0, own[-1 - len(chain)])
    return LoggedError(last.line, "\n".join(f"{each.line}\n{each.quoted}" for each in chain))


def _find_raised(lines: list[str]) -> Iterator[_Raised]:
    """Every error of a log, each process's lines read apart: several write into one log."""
    streams: dict[str | None, list[tuple[int, str]]] = {}
    for position, line in enumerate(lines):
        rank = RANK.match(line)
        streams.setdefault(rank and rank[1], []).append((position, line[rank.end() :] if rank else line))
    for rank, stream in streams.items():
        yield from _read_stream(rank, stream)


def _read_stream(rank: str | None, stream: list[tuple[int, str]]) -> Iterator[_Raised]:
    texts = [line for _, line in stream]
    index = 0
    while index < len(texts):
        line, start = texts[index], index
        index += 1
        if line.endswith(TRACEBACK):
            while index < len(texts) and texts[index].startswith(" "):
                index += 1
            if index == len(texts) or not EXCEPTION.match(texts[index]):
                continue
        elif NAMED.match(line):
            index = start
        else:
            continue
        end = index + 1
        while end < len(texts) and texts[end].startswith("    "):
            end += 1
        before = next((text for text in reversed(texts[:start]) if text), "")
        yield _Raised(
            position=stream[index][0],
            rank=rank,
            line=texts[index],
            quoted="\n".join(texts[index + 1 : end]),
            is_linked=before in LINKS,
            is_harmless=before.startswith(HARMLESS),
        )
        index = end
