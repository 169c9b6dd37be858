"""The place where Slurm's programs look for their configuration when no variable names it.

Snakemake's jobstep plugin drops every variable of Slurm's before its inner `srun`, so that a private cluster must be
found there too. One cluster at a time can be: it holds a lock file, which names the last one. A configuration that is
no private cluster's is never touched: the machine belongs to a real cluster.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PLACE = Path("/etc/slurm/slurm.conf")
LOCK = Path("/run/lock/lossgrid-slurm.lock")


def claim_default_place(configuration: Path, is_alive: Callable[[Path], bool], seconds: float) -> None:
    """Let the default place lead to a configuration, once no other private cluster has it.

    Args:
        configuration: What is linked.
        is_alive: Whether the cluster of a configuration, which may be another test's, still runs.
        seconds: How long to wait for another private cluster to end.

    Raises:
        RuntimeError: This machine belongs to a real cluster, or another private one has the place.
    """
    deadline = time.monotonic() + seconds
    while (holder := _try_claim(configuration, is_alive)) != configuration:
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{PLACE}: held by the private cluster of {holder.parent} for more than {seconds:.0f} s, and there "
                "can be one at a time; end it, or wait"
            )
        time.sleep(1)


def release_default_place(configuration: Path) -> None:
    """Leave the place empty where this configuration has it."""
    with _locked():
        if PLACE.is_symlink() and PLACE.readlink() == configuration:
            PLACE.unlink()


def _try_claim(configuration: Path, is_alive: Callable[[Path], bool]) -> Path:
    """Link the configuration where no other private cluster is alive; whose configuration is linked afterwards."""
    with _locked() as lock:
        holder = PLACE.readlink() if PLACE.is_symlink() else None
        if holder == configuration:
            return holder
        if PLACE.exists() or holder:
            if str(holder) != lock.read():
                raise RuntimeError(
                    f"{PLACE}: this machine has a configuration of Slurm, which stays as it is; run the tests "
                    "elsewhere, or remove it"
                )
            if is_alive(holder):
                return holder
        PLACE.parent.mkdir(exist_ok=True)
        PLACE.unlink(missing_ok=True)
        lock.seek(0)
        lock.truncate()
        lock.write(str(configuration))
        PLACE.symlink_to(configuration)
        return configuration


@contextmanager
def _locked() -> Iterator[TextIO]:
    """No other process looks at the place, or changes it, meanwhile; the file names the last private cluster."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
