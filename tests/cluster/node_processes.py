"""The processes of the jobs on a virtual node: all nodes share one machine, and a dying node takes only its own."""

import re
from pathlib import Path


def find_node_processes(cluster: Path, node: str) -> list[int]:
    """Pids of all job steps on a node and of what they started, children before their parents.

    Args:
        cluster: The cluster's folder.
        node: Name of the node.
    """
    # slurmd keeps a socket for each step.
    steps = {file.name.rpartition("_")[2] for file in (cluster / "spool" / node).glob(f"{node}_*.*")}
    jobs = {step.partition(".")[0] for step in steps}
    roots = [pid for pid, job in _find_step_daemons(cluster) if job in jobs]
    return [pid for root in roots for pid in reversed(find_descendants(root))]


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
