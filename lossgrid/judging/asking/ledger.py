"""What judges answered, kept for good: a folder of files to which lines are only ever added."""

import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lossgrid.judging.asking.request import JudgeRequest, Reply, judge_reply

FINAL = ("ok", "parse_error")
STATES = (*FINAL, "api_error")


@dataclass(frozen=True)
class Record:
    """One judgment.

    Attributes:
        key: Of the request, see `JudgeRequest.get_key`.
        state: `ok`, `parse_error` (the judge answered, but not what was asked for) or `api_error` (no answer).
        value: What the request's parse made of the reply; None unless ok.
        reply: Fields of `Reply`; None where there was no answer.
        error: What went wrong; None if ok.
        permanent: Whether asking again is pointless, because the server refused the request as such.
        cost: USD at most: of the answer by its own token counts, and the worst case of every call before it
            whose answer was lost on the way. 0 for servers without prices.
        attempts: Calls that were made.
        model: Of the request.
        server: Base URL, or the name that stands for it.
        repeat: Of the request.
        time: When the record was written, ISO 8601 in UTC.
    """

    key: str
    state: str
    value: Any
    reply: dict[str, Any] | None
    error: str | None
    permanent: bool
    cost: float
    attempts: int
    model: str
    server: str
    repeat: int
    time: str


class Ledger:
    """Records of one folder, shared by any number of processes.

    Every writer has a file of its own, created exclusively, and adds whole lines to it, so that neither two
    processes nor a network file system can interleave them. A line that a kill tore, or that cannot be read for
    another reason, counts in `unreadable` and is otherwise skipped. Of several records of one key an answer beats
    an `api_error`; of two answers the earlier, of two errors the later counts; the file's name decides ties.

    Args:
        folder: Of the files; created with the first record.

    Attributes:
        spent: USD of all records, superseded ones included.
        calls: Calls behind all records, superseded ones included.
        unreadable: Lines that could not be read.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._descriptor: int | None = None
        self._own = ""
        self._unsynced = False
        self.read()

    def read(self) -> dict[str, Record]:
        """Read all files anew.

        Returns:
            The record that counts for every key; independent of the order in which files were written or read.
        """
        self.spent, self.calls = 0.0, 0
        self._records: dict[str, tuple[tuple[str, str, int], Record]] = {}
        self._offsets: dict[str, int] = {}
        self._garbled, self._torn = 0, set()
        for name in self._list_files():
            for _ in self._read_on(name):
                pass
        return {key: record for key, (_, record) in self._records.items()}

    def refresh(self) -> dict[str, Record]:
        """Read what other processes added since.

        Returns:
            The records that count now for the keys of the new lines.
        """
        keys = [key for name in self._list_files() if name != self._own for key in self._read_on(name)]
        return {key: self._records[key][1] for key in keys}

    def get(self, key: str) -> Record | None:
        """The record that counts for a key, as far as it has been read."""
        entry = self._records.get(key)
        return entry and entry[1]

    def is_settled(self, key: str) -> bool:
        """Whether there is no point in asking: the key was answered, or refused as such."""
        record = self.get(key)
        return record is not None and (record.state in FINAL or record.permanent)

    def append(self, record: Record) -> None:
        """Add a record: one whole line, which outlives this process from here on, and the machine after `sync`.

        Raises:
            ValueError: The record holds something that JSON does not know.
            OSError: It cannot be written, because the disk is full for example; what was written before is safe.
        """
        line = json.dumps(vars(record), allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
        if self._descriptor is None:
            self._create_file()
        try:
            written = os.write(self._descriptor, line)
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            # The line may have been torn: what comes next belongs into another file.
            self.close()
            raise
        self._unsynced = True
        offset = self._offsets[self._own]
        self._offsets[self._own] = offset + len(line)
        self._count(record, self._own, offset)

    def sync(self) -> None:
        """Wait until all records lie on the disk."""
        if self._descriptor is not None and self._unsynced:
            self._unsynced = False
            os.fsync(self._descriptor)

    def close(self) -> None:
        """End this writer's file; a later record begins another one."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor, self._own = None, ""

    @property
    def unreadable(self) -> int:
        return self._garbled + len(self._torn)

    def _create_file(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40]
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        name = f"{now}_{host}_{os.getpid()}_{secrets.token_hex(4)}.jsonl"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.folder / name, flags, 0o644)
        self._own, self._offsets[name] = name, 0

    def _list_files(self) -> list[str]:
        """Names of the files that hold more than was read of them."""
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.name.endswith(".jsonl") and entry.stat().st_size > self._offsets.get(entry.name, 0)
            )

    def _read_on(self, name: str) -> Iterator[str]:
        """Read a file from where it was left, and yield the keys of its new lines."""
        offset = self._offsets.get(name, 0)
        self._torn.discard(name)
        with (self.folder / name).open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    # Its writer may be in the middle of it, so it is read again.
                    self._torn.add(name)
                    break
                record = _read_record(line)
                if record is None:
                    self._garbled += 1
                else:
                    self._count(record, name, offset)
                    yield record.key
                offset += len(line)
                self._offsets[name] = offset

    def _count(self, record: Record, name: str, offset: int) -> None:
        self.spent += record.cost
        self.calls += record.attempts
        rank = (record.time, name, offset)
        present = self._records.get(record.key)
        if present is None or _supersedes(rank, record, *present):
            self._records[record.key] = rank, record


def _supersedes(rank: tuple, record: Record, other_rank: tuple, other: Record) -> bool:
    if (record.state in FINAL) != (other.state in FINAL):
        return record.state in FINAL
    return rank < other_rank if record.state in FINAL else rank > other_rank


def _read_record(line: bytes) -> Record | None:
    """The record of a line, None where it holds none."""
    try:
        read = json.loads(line)
        record = Record(**{field.name: read[field.name] for field in fields(Record)})
        valid = record.state in STATES and isinstance(record.key, str) and isinstance(record.time, str)
        return replace(record, cost=float(record.cost), attempts=int(record.attempts)) if valid else None
    except (ValueError, TypeError, KeyError):
        return None


def get_time() -> str:
    """Now, as records have it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def store_reply(reply: Reply) -> dict[str, Any]:
    """A reply as records hold it, the same before and after it was written."""
    logprobs = reply.top_logprobs
    return {**asdict(reply), "top_logprobs": logprobs and [[token, logprob] for token, logprob in logprobs]}


def parse_again(record: Record, request: JudgeRequest) -> Record:
    """The record with state, value and error as the request's parse of today has them.

    What the ledger holds is the judge's whole reply, so that a better parser needs no call. A record without a
    reply comes back as it is.
    """
    if record.reply is None:
        return record
    logprobs = record.reply["top_logprobs"]
    reply = Reply(
        **{
            **record.reply,
            "top_logprobs": logprobs and tuple((token, logprob) for token, logprob in logprobs),
        }
    )
    state, value, error = judge_reply(reply, request)
    return replace(record, state=state, value=value, error=error)
