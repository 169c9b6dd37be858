"""The main process of a working directory: there is one, and it leaves a record of itself."""

import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from lossgrid.progress.journal import get_start

FOLDER = Path(".snakemake/lossgrid")
# Of the last main process that ran jobs, and of the one that holds the directory: it may still wait for the jobs of
# the other.
RECORD, HOLDER = "main.json", "holder.json"


@dataclass(frozen=True)
class MainProcess:
    """Who runs, or last ran, jobs in a working directory.

    Attributes:
        id: Its own name, in the journals of its jobs.
        host: Where it runs.
        pid: Its process there.
        start: When that process started, in clock ticks since the machine did: pids are used again.
        began: When it began, in seconds since 1970.
        executor: What runs its jobs.
    """

    id: str
    host: str
    pid: int
    start: str
    began: float
    executor: str


class AnotherMainProcessError(RuntimeError):
    """Another main process holds the working directory."""


def describe_this_process(executor: str) -> MainProcess:
    """The record of this process."""
    host, pid, began = socket.gethostname(), os.getpid(), time.time()
    return MainProcess(f"{host}-{pid}-{int(began)}", host, pid, get_start(pid) or "", began, executor)


def hold_folder(folder: Path = FOLDER) -> IO[str]:
    """Hold the working directory for as long as the file that is returned stays open.

    The kernel lets go of it when the process ends, however it ends.

    Args:
        folder: Of the record.

    Raises:
        AnotherMainProcessError: Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "held").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = False
    except BlockingIOError:
        held = True
    except OSError:
        # A file system without locks, such as Lustre without the option flock: only this host's processes are known.
        holder = read_record(folder, HOLDER)
        held = holder is not None and is_alive(holder)
    if held:
        file.close()
        other = read_record(folder, HOLDER)
        who = f" (process {other.pid} on {other.host}, since {time.ctime(other.began)})" if other else ""
        raise AnotherMainProcessError(
            f"{Path.cwd()}: another main process of Snakemake{who} runs jobs here, or waits for those of an earlier "
            "one; wait for it, or end it; nothing was changed"
        )
    write_record(describe_this_process(""), folder, HOLDER)
    return file


def read_record(folder: Path = FOLDER, name: str = RECORD) -> MainProcess | None:
    """The record of the main process that was the last to run jobs, None where there was none."""
    try:
        return MainProcess(**json.loads((folder / name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_record(process: MainProcess, folder: Path = FOLDER, name: str = RECORD) -> None:
    """Leave the record of a main process."""
    beside = folder / f"{name}.beside"
    beside.write_text(json.dumps(asdict(process)))
    os.replace(beside, folder / name)


def is_alive(process: MainProcess) -> bool:
    """Whether a process of this host still runs; not for one of another host, of which only that host can tell."""
    return process.host == socket.gethostname() and get_start(process.pid) == process.start
