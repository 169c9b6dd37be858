"""The main process that holds the working directory: it may run other studies, or wait for jobs of an earlier one."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path

from lossgrid.progress.journal import get_start

# What `execution/main_process.py` leaves below the working directory: who holds it, and who was the last to run jobs.
HOLDER, RUNNER = Path(".snakemake/lossgrid/holder.json"), Path(".snakemake/lossgrid/main.json")


@dataclass(frozen=True)
class Holder:
    """A main process that holds a working directory.

    Attributes:
        host: Where it runs.
        pid: Its process there.
        began: When it began, in seconds since 1970.
        is_waiting: Whether it has not begun to run jobs: those of an earlier main process come first.
    """

    host: str
    pid: int
    began: float
    is_waiting: bool


def read_holder(root: Path) -> Holder | None:
    """Who holds a working directory; None where nobody does, or a process of another host, which only that host sees.

    Args:
        root: The working directory.
    """
    told = _read(root / HOLDER)
    try:
        process = told["host"], told["pid"], told["start"]
        if told["host"] != socket.gethostname() or get_start(told["pid"]) != told["start"]:
            return None
        runner = _read(root / RUNNER)
        is_waiting = process != tuple(runner.get(key) for key in ("host", "pid", "start"))
        return Holder(told["host"], told["pid"], float(told["began"]), is_waiting)
    except (KeyError, TypeError, ValueError):
        return None


def find_last_beginning(root: Path) -> float:
    """When the last main process began to run jobs, in seconds since 1970; 0 where there was none.

    The jobs of those before it had ended by then.
    """
    try:
        return float(_read(root / RUNNER).get("began", 0.0))
    except (TypeError, ValueError):
        return 0.0


def _read(file: Path) -> dict:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
