"""Daemons that outlive the program that started them, found again by their pid and the time they started at."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

# Seconds that a daemon gets to start, and to end before it is killed.
START_TIMEOUT = 60
END_TIMEOUT = 10


class Daemons:
    """The daemons of one folder: `pid/{name}` says who they are, `log/{name}.out` what they said.

    Args:
        folder: Made with the first start.
        environment: Of the daemons.
    """

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder, self.environment = folder, environment

    def start(self, name: str, *command: str) -> None:
        """Start a daemon that does not run."""
        if self.is_running(name):
            return
        for kind in ("pid", "log"):
            (self.folder / kind).mkdir(parents=True, exist_ok=True)
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.folder / "pid" / name).write_text(f"{process.pid} {get_start_time(process.pid)}")

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a daemon that was started here, and wait until it is gone."""
        pid = self.get_pid(name)
        if pid is not None:
            os.kill(pid, how)
            deadline = time.monotonic() + END_TIMEOUT
            while self.is_running(name):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.05)
        (self.folder / "pid" / name).unlink(missing_ok=True)

    def is_running(self, name: str) -> bool:
        """Whether a daemon runs that was started here."""
        return self.get_pid(name) is not None

    def get_pid(self, name: str) -> int | None:
        """The pid of a daemon that runs, None where it does not."""
        file = self.folder / "pid" / name
        if not file.exists():
            return None
        pid, _, started = file.read_text().partition(" ")
        return int(pid) if get_start_time(int(pid)) == started else None

    def list_running(self) -> list[str]:
        """Names of the daemons that run."""
        return [file.name for file in sorted((self.folder / "pid").glob("*")) if self.is_running(file.name)]

    def wait_until(self, condition: Callable[[], object], name: str) -> None:
        """Wait until a condition holds that a daemon brings about.

        Raises:
            TimeoutError: It does not come, or the daemon has ended.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while not condition():
            if time.monotonic() > deadline or not self.is_running(name):
                log = self.folder / "log" / f"{name}.out"
                raise TimeoutError(f"{name}: does not come up; {log} ends with:\n{log.read_text()[-1000:]}")
            time.sleep(0.1)


def get_start_time(pid: int) -> str | None:
    """When a process started, in ticks, because pids are used again; None where it has ended."""
    with contextlib.suppress(ChildProcessError):
        # A child of this process stays, as a zombie, until somebody asks for it.
        os.waitpid(pid, os.WNOHANG)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
