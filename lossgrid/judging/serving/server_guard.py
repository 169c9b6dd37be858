"""A small process between a program and a server that it started: the server never outlives the program.

Run as a file by `serve`, with the standard library alone, so that it starts in milliseconds::

    python -I server_guard.py PARENT GRACE COMMAND...

It starts the command in a process group of its own and then waits for one of three things: its standard input
ends (the program closed it, or is gone, SIGKILL included), the program's pid is no longer its parent, or a
SIGTERM or SIGINT of its own. It then asks the server and everything below it to end, and kills what is left
after the grace period. A server that ends by itself takes its workers with it; its exit code is the guard's.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

POLL_SECONDS = 0.2
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36


def main(parent: int, grace: float, command: list[str]) -> int:
    """Run a server until it ends or its program does.

    Args:
        parent: pid of the program.
        grace: seconds between asking and killing.
        command: words of the command.

    Returns:
        The server's exit code, 128 + signal where a signal ended it, 127 where it could not be started.
    """
    asked = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.append(True))
    # A worker whose own parent died becomes a child of this process, not of init, and is found again.
    _prctl(_SET_CHILD_SUBREAPER, 1)
    try:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            # The last resort, if somebody kills the guard itself.
            preexec_fn=lambda: _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM),
        )
    except OSError as error:
        print(f"{command[0]}: cannot be started: {error}", file=sys.stderr)
        return 127
    code = None
    while code is None and not asked and os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 1024):
            break
        code = _reap().get(server.pid)
    stopped = _stop(server.pid, grace)
    return code if code is not None else stopped.get(server.pid, 0)


def _stop(server: int, grace: float) -> dict[int, int]:
    """End all processes below this one; exit codes of those that were its children."""
    codes = {}
    # Asked once: to some servers a second SIGTERM means "at once, without cleaning up".
    _signal(server, signal.SIGTERM)
    end = time.monotonic() + grace
    while _find_descendants() and time.monotonic() < end:
        time.sleep(0.02)
        codes |= _reap()
    # More than once, because a process may have been born while the list was made.
    while _find_descendants():
        _signal(server, signal.SIGKILL)
        time.sleep(0.02)
        codes |= _reap()
    return codes


def _signal(server: int, number: int) -> None:
    for send, target in [(os.killpg, server), *((os.kill, pid) for pid in _find_descendants(outside=server))]:
        try:
            send(target, number)
        except (ProcessLookupError, PermissionError):
            continue


def _find_descendants(outside: int | None = None) -> set[int]:
    """Pids below this process, zombies left out; those of one process group left out on request."""
    parents, groups = {}, {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name stands in parentheses and may hold anything, parentheses too.
            state, parent, group = entry.read_text(errors="replace").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if state != "Z":
            parents[int(entry.parent.name)] = int(parent)
            groups[int(entry.parent.name)] = int(group)
    found, new = set(), {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return {pid for pid in found if groups[pid] != outside}


def _reap() -> dict[int, int]:
    codes = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return codes
        if pid == 0:
            return codes
        code = os.waitstatus_to_exitcode(status)
        codes[pid] = code if code >= 0 else 128 - code


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
