"""What a job computes on, settled before torch looks for GPUs."""

import os

from lossgrid.training.launch import find_deepspeed_file

VISIBLE = "CUDA_VISIBLE_DEVICES"


def choose_device(device: str, study: str) -> None:
    """Let this process see the device that its study names, and no other; to be called before torch is used.

    Args:
        device: `device` of the study: `cpu` hides all GPUs, so that results do not depend on the machine; with
            `gpu` a job of one process keeps the first it was given, because a trainer would split its batch over
            all that it sees and so multiply it by their number.
        study: Name of the study, for the message.

    Raises:
        RuntimeError: The study wants a GPU and there is none.
    """
    if device == "cpu":
        os.environ[VISIBLE] = ""
        return
    if find_deepspeed_file() is None:
        os.environ[VISIBLE] = os.environ.get(VISIBLE, "0").split(",")[0]
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError(
            f"studies/{study}.yaml: device: gpu, and this job sees none "
            f"({VISIBLE}={os.environ.get(VISIBLE)}); run it on a node with GPUs, for example by --profile slurm, "
            "or write device: cpu"
        )
