"""A copy of the repository to run Snakemake in, and the environment to run it with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copy_tracked_files(folder: Path) -> None:
    """Copy into a folder what git would commit, times included."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def get_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a main process: this Python's scripts come first, and no hub is asked."""
    path = os.pathsep.join([str(Path(sys.executable).parent), base["PATH"]])
    return {**base, "PATH": path, "HF_HUB_OFFLINE": "1"}


def run_command(command: str, folder: Path, seconds: float, environment: Mapping[str, str]) -> str:
    """Run a command in a shell, as a reader of a page does; what it prints."""
    process = subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    assert process.returncode == 0, process.stdout[-4000:]
    return process.stdout
