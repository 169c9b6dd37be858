"""The launch of a training job of several processes: on one node, or on all nodes of a job of Slurm.

`python -m execution.launch --processes 16 --deepspeed zero3 workflow_scripts/train_cell.py …` becomes `accelerate
launch`; where Slurm gave several nodes to the job, one on each of them, by srun.
"""

import argparse
import os
import re
import sys
from dataclasses import dataclass

from execution.queue import QueueError, call

# Between the ports that servers are given by custom and those that the system gives to clients.
FIRST_PORT, PORTS = 20000, 10000


@dataclass(frozen=True)
class Allocation:
    """The nodes that Slurm gave to a job.

    Attributes:
        job: Its id.
        nodes: How many.
        head: Address of the first.
    """

    job: int
    nodes: int
    head: str


def compose_launch(
    processes: int, deepspeed: str, script: list[str], allocation: Allocation | None
) -> list[str]:
    """The command that starts all processes.

    Args:
        processes: In all.
        deepspeed: Name of a file in deepspeed/, without .json.
        script: The training script and its arguments.
        allocation: The nodes of a job of Slurm; None outside of one.

    Raises:
        ValueError: The processes cannot be divided among the nodes.
    """
    launch = [
        "accelerate", "launch", "--config_file", "deepspeed/launch.yaml", "--num_processes", str(processes),
        "--deepspeed_config_file", f"deepspeed/{deepspeed}.json",
    ]  # fmt: skip
    if allocation is None or allocation.nodes == 1:
        return [*launch, *script]
    nodes = allocation.nodes
    if processes % nodes:
        raise ValueError(
            f"training.processes: {processes} cannot be divided among the {nodes} nodes of job {allocation.job}; "
            f"choose a multiple of {nodes}"
        )
    launch += [
        "--deepspeed_multinode_launcher",
        "standard",
        "--num_machines", str(nodes), "--main_process_ip", allocation.head,
        "--main_process_port", str(FIRST_PORT + allocation.job % PORTS),
    ]  # fmt: skip
    # Each node knows its own rank alone.
    on_node = f'exec {" ".join(launch)} --machine_rank "$SLURM_NODEID" "$@"'
    step = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", "--cpu-bind=none"]
    return [*step, "--kill-on-bad-exit=1", "bash", "-c", on_node, "launch", *script]


def find_allocation() -> Allocation | None:
    """The nodes of the job of Slurm that this process runs in; None outside of one.

    Raises:
        QueueError: Slurm does not say.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return None
    # Of the variables of a job, Snakemake's plugin leaves few more than its id. That of an array's last task is the
    # array's as well, by which Slurm shows all tasks.
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    asked = f"{array}_{task}" if array and task else job
    lines = call("scontrol", "show", "job", asked, "--oneliner")
    nodes = int(re.search(r"NumNodes=(\d+)", lines).group(1))
    if nodes == 1:
        return Allocation(int(job), 1, "127.0.0.1")
    first = call("scontrol", "show", "hostnames", re.search(r" NodeList=(\S+)", lines).group(1)).split()[0]
    address = re.search(r"NodeAddr=(\S+)", call("scontrol", "show", "node", first, "--oneliner")).group(1)
    return Allocation(int(job), nodes, address)


def main() -> None:
    """Become the command."""
    parser = argparse.ArgumentParser(prog="python -m execution.launch", description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, required=True, help="in all")
    parser.add_argument("--deepspeed", required=True, help="name of a file in deepspeed/, without .json")
    parser.add_argument("script", nargs=argparse.REMAINDER, help="the training script and its arguments")
    arguments = parser.parse_args()
    try:
        command = compose_launch(
            arguments.processes, arguments.deepspeed, arguments.script, find_allocation()
        )
    except (QueueError, ValueError) as error:
        sys.exit(f"{error}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
