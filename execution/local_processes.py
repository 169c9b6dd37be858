"""Processes of this machine that the jobs of an earlier main process left behind (Linux only)."""

import contextlib
import os
import signal
import time
from pathlib import Path

# Every job inherits it: whose working directory it works for.
MARKER = "LOSSGRID_WORKING_DIRECTORY"


def mark_jobs(folder: Path) -> None:
    """Mark the processes that this one will start as jobs of a working directory."""
    os.environ[MARKER] = os.path.realpath(folder)


def find_left(folder: Path) -> list[int]:
    """Marked processes that work for a directory, this one, its ancestors and those inside Slurm's jobs left out.

    To be called by the only main process of the directory: the jobs of another would be found too.
    """
    marker = f"{MARKER}={os.path.realpath(folder)}".encode()
    spared, own_job = {*_list_ancestors()}, f"SLURM_JOB_ID={os.environ.get('SLURM_JOB_ID', '')}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        job = [variable for variable in variables if variable.startswith(b"SLURM_JOB_ID=")]
        if marker in variables and job in ([], [own_job]) and int(entry.name) not in spared:
            found.append(int(entry.name))
    return sorted(found)


def end_processes(pids: list[int], grace: float = 10) -> None:
    """End processes: first by SIGTERM, those that are left after `grace` seconds by SIGKILL."""
    for how, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        for pid in pids:
            _send(pid, how)
        deadline = time.monotonic() + patience
        while pids and time.monotonic() < deadline:
            pids = [pid for pid in pids if _is_alive(pid)]
            time.sleep(0.05)


def _list_ancestors() -> list[int]:
    pids, pid = [], os.getpid()
    while pid > 1:
        pids.append(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return pids


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _send(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, how)
