"""Checkpoints on disk: which are complete, and which step they hold. Imports neither torch nor transformers."""

from pathlib import Path

COMPLETE = "complete"


def find_checkpoint(run_folder: Path) -> Path | None:
    """The newest complete checkpoint below `run_folder`, None where there is none."""
    complete = [folder for folder in run_folder.glob("checkpoint-*") if (folder / COMPLETE).exists()]
    return max(complete, key=get_step, default=None)


def get_step(checkpoint: Path) -> int:
    """Optimiser steps done at a checkpoint, read off its folder's name."""
    return int(checkpoint.name.split("-")[-1])
