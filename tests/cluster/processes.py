"""Processes of this machine: those of the jobs on a virtual node, and those that work in a folder."""

import contextlib
import os
import re
import signal
from pathlib import Path


def find_node_processes(cluster: Path, name: str, node: str) -> list[int]:
    """Pids of all job steps on a node and of all that they started, which dies with the node and not the machine.

    Args:
        cluster: The cluster's folder.
        name: The cluster's name.
        node: Name of the node.
    """
    # slurmd keeps a socket for each step.
    steps = {file.name.rpartition("_")[2] for file in (cluster / "spool" / node).glob(f"{node}_*.*")}
    jobs = {step.partition(".")[0] for step in steps}
    daemons = [pid for pid, job in _find_step_daemons(cluster) if job in jobs]
    return [*find_job_processes(name, f"SLURMD_NODENAME={node}"), *daemons]


def find_job_processes(name: str, variable: str = "") -> list[int]:
    """Pids of the processes inside a cluster's jobs, this one left out: it may be what Slurm runs at their ends.

    Args:
        name: The cluster's name, which no other cluster on this machine has.
        variable: `NAME=value` that their environments must hold as well.
    """
    wanted = {f"SLURM_CLUSTER_NAME={name}".encode(), variable.encode()} - {b""}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        # The commands with which a main process submits jobs have no job.
        if wanted <= set(variables) and any(each.startswith(b"SLURM_JOB_ID=") for each in variables):
            found.append(int(process.name))
    return found


def kill(pids: list[int]) -> None:
    """Kill processes, of which some may have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def find_python(folder: Path, script: str, *arguments: str) -> list[int]:
    """Pids of the Python processes that run a script in a working directory, with arguments that stand in a row."""
    found = []
    wanted = " ".join(["", *arguments, ""])
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            runs_script = command[1:2] == [script] and re.search(r"(^|/)python[\d.]*$", command[0])
            if runs_script and wanted in " ".join(command) and (process / "cwd").resolve() == folder:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def _find_step_daemons(cluster: Path) -> list[tuple[int, str]]:
    """Pid and job of each slurmstepd of a cluster; init adopts them, so that slurmd's children do not show them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            match = re.match(r"slurmstepd: \[(\d+)\.", command)
            if match and f"SLURM_CONF={cluster}/".encode() in (process / "environ").read_bytes():
                found.append((int(process.name), match[1]))
        except OSError:
            continue
    return found
