"""Checkpoints that survive a kill, kept by the identity of the run that wrote them.

`{folder}/{identity}/` holds the checkpoint folders of one run and its training log so far. A run of another
identity never looks into it, so that changed settings, inputs or code start afresh.
"""

import os
import shutil
from pathlib import Path

from transformers import TrainerCallback

from lossgrid.training.training_log import TRAINING_LOG, cut_training_log

COMPLETE = "complete"


class CheckpointKeeper(TrainerCallback):
    """Marks each checkpoint complete once all of it is on disk, then removes the older ones.

    The trainer writes a checkpoint file by file, and its own rotation removes the predecessor before anybody
    knows that the new one can be read; a kill in between would lose both.
    """

    def on_save(self, args, state, control, **kwargs):
        if not state.is_world_process_zero:
            return
        newest = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        _sync(newest)
        (newest / COMPLETE).touch()
        for folder in Path(args.output_dir).glob("checkpoint-*"):
            if folder != newest:
                shutil.rmtree(folder)


def find_checkpoint(run_folder: Path) -> Path | None:
    """The newest complete checkpoint below `run_folder`, None where there is none."""
    complete = [folder for folder in run_folder.glob("checkpoint-*") if (folder / COMPLETE).exists()]
    return max(complete, key=get_step, default=None)


def get_step(checkpoint: Path) -> int:
    """Optimiser steps done at a checkpoint, read off its folder's name."""
    return int(checkpoint.name.split("-")[-1])


def open_run_folder(checkpoints: Path, identity: str) -> tuple[Path, Path | None]:
    """Prepare the folder of one identity.

    Args:
        checkpoints: Folder for the checkpoints of all identities of one cell.
        identity: Hash of the run's settings, inputs and code.

    Returns:
        The run's folder and the checkpoint to resume from, None for a fresh start. The training log is cut
        back to the checkpoint's step; incomplete checkpoints are removed.
    """
    run_folder = checkpoints / identity
    run_folder.mkdir(parents=True, exist_ok=True)
    checkpoint = find_checkpoint(run_folder)
    for folder in run_folder.glob("checkpoint-*"):
        if folder != checkpoint:
            shutil.rmtree(folder)
    cut_training_log(run_folder / TRAINING_LOG, get_step(checkpoint) if checkpoint else 0)
    return run_folder, checkpoint


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
