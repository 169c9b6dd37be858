"""How a training job was launched, read from the environment: no torch is imported here."""

import ctypes
import hashlib
import json
import os
import signal
import sys
from pathlib import Path


def is_main() -> bool:
    """Whether this is the process that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def count_launched() -> int:
    """Training processes that the launcher started, this one included."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def find_deepspeed_file() -> Path | None:
    """The DeepSpeed file that accelerate was given, None for a launch without DeepSpeed."""
    if os.environ.get("ACCELERATE_USE_DEEPSPEED", "false") != "true":
        return None
    return Path(os.environ["ACCELERATE_DEEPSPEED_CONFIG_FILE"])


def hash_deepspeed_file(file: Path) -> str:
    """SHA-256 of a DeepSpeed file's content, whatever its layout."""
    content = json.dumps(json.loads(file.read_text()), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


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
    launched, file = count_launched(), find_deepspeed_file()
    if launched == processes and (file and file.stem) == deepspeed:
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
        f"{f'under {file}' if file else 'without DeepSpeed'}; change the study or launch it as {command}"
    )


def die_with_launcher() -> None:
    """End this process when its launcher is killed, which could not end it any more (Linux only).

    It would train on, and write into the same folder as the job that is started in its place.
    """
    if sys.platform == "linux" and find_deepspeed_file():
        parent = os.getppid()
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        # The launcher may have died before.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
