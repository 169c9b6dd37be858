"""The place where Slurm's programs look for their configuration when no variable names it.

Snakemake's jobstep plugin drops every variable of Slurm's before its inner `srun`, so that a private cluster must be
found there too. One cluster at a time can be: it holds a lock file, and what was there before is put back.
"""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PLACE = Path("/etc/slurm/slurm.conf")
KEPT = PLACE.with_name("slurm.conf.before-the-tests")
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
    """Put back what was there before this configuration."""
    with _locked():
        if PLACE.is_symlink() and PLACE.readlink() == configuration:
            PLACE.unlink()
            if KEPT.exists() or KEPT.is_symlink():
                KEPT.rename(PLACE)


def _try_claim(configuration: Path, is_alive: Callable[[Path], bool]) -> Path:
    """Link the configuration where no other private cluster is alive; whose configuration is linked afterwards."""
    with _locked():
        holder = PLACE.readlink() if PLACE.is_symlink() else None
        if holder == configuration or (holder and is_alive(holder)):
            return holder
        if PLACE.exists() and not KEPT.exists():
            if _answers():
                raise RuntimeError(
                    f"{PLACE}: this machine belongs to a cluster that is up; run the tests elsewhere"
                )
            PLACE.rename(KEPT)
        PLACE.parent.mkdir(exist_ok=True)
        PLACE.unlink(missing_ok=True)
        PLACE.symlink_to(configuration)
        return configuration


def _answers() -> bool:
    """Whether the cluster that the place leads to answers."""
    environment = {name: value for name, value in os.environ.items() if name != "SLURM_CONF"}
    process = subprocess.run(
        ["scontrol", "ping"], env=environment, capture_output=True, text=True, timeout=60
    )
    return "is UP" in process.stdout


@contextmanager
def _locked() -> Iterator[None]:
    """No other process looks at the place, or changes it, meanwhile."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
