"""Processes of this machine: those of a virtual node's jobs, and those that work in a folder."""

import re
from pathlib import Path


def find_node_processes(cluster: Path, node: str) -> list[int]:
    """Pids of all job steps on a node and of what they started, children before their parents.

    All virtual nodes share one machine, and a dying one takes only its own.

    Args:
        cluster: The cluster's folder.
        node: Name of the node.
    """
    # slurmd keeps a socket for each step.
    steps = {file.name.rpartition("_")[2] for file in (cluster / "spool" / node).glob(f"{node}_*.*")}
    jobs = {step.partition(".")[0] for step in steps}
    roots = [pid for pid, job in _find_step_daemons(cluster) if job in jobs]
    return [pid for root in roots for pid in reversed(find_descendants(root))]


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


def find_descendants(pid: int) -> list[int]:
    """A process, its children, their children and so on."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
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
