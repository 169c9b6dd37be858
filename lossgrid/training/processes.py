"""What several training processes agree on; with one process, nothing to agree on."""

import ctypes
import os
import signal
import sys

import torch
import torch.distributed as dist


def is_main() -> bool:
    """Whether this is the process that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def count_launched() -> int:
    """Training processes that the launcher started, this one included."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def die_with_parent() -> None:
    """End this process when its launcher is killed, which could not end it any more (Linux only).

    It would train on, and write into the same folder as the job that is started in its place.
    """
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def wait_for_all() -> None:
    """Wait until every process has come to this point."""
    if dist.is_initialized():
        dist.barrier()


def all_agree(flag: bool, device: torch.device) -> bool:
    """Whether the flag is true in every process."""
    if not dist.is_initialized():
        return flag
    least = torch.tensor(int(flag), device=device)
    dist.all_reduce(least, op=dist.ReduceOp.MIN)
    return bool(least.item())


def check_launch(processes: int, deepspeed: str | None, cell: str) -> None:
    """Refuse a launch that is not the one the study asks for.

    Args:
        processes: `training.processes` of the study.
        deepspeed: `training.deepspeed` of the study.
        cell: What is to be trained, for the message.

    Raises:
        RuntimeError: Another number of processes would be another split of the batch, and a checkpoint in
            shards cannot be read by another number; the message gives the command.
    """
    launched = count_launched()
    sharded = os.environ.get("ACCELERATE_USE_DEEPSPEED", "false") == "true"
    if launched == processes and sharded == bool(deepspeed):
        return
    command = (
        f"accelerate launch --config_file deepspeed/launch.yaml --num_processes {processes} "
        f"--deepspeed_config_file deepspeed/{deepspeed}.json workflow_scripts/train_cell.py …"
        if deepspeed
        else "python workflow_scripts/train_cell.py …"
    )
    raise RuntimeError(
        f"{cell}: the study asks for training.processes: {processes} with training.deepspeed: "
        f"{deepspeed or 'null'}, and this job was launched with {launched} process(es) "
        f"{'under' if sharded else 'without'} DeepSpeed; change the study or launch it as "
        f"{command}"
    )
