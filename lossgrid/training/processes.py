"""What several training processes agree on; with one process, nothing to agree on."""

import torch
import torch.distributed as dist
from accelerate import PartialState


def wait_for_all() -> None:
    """Wait until every process has come to this point."""
    if dist.is_initialized():
        dist.barrier()


def all_agree(flag: bool) -> bool:
    """Whether the flag is true in every process."""
    if not dist.is_initialized():
        return flag
    # NCCL talks between GPUs only, wherever what the flag is about may lie.
    least = torch.tensor(int(flag), device=PartialState().device)
    dist.all_reduce(least, op=dist.ReduceOp.MIN)
    return bool(least.item())
