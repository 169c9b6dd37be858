"""Checkpoints that survive a kill, kept by the identity of the run that wrote them.

`{folder}/{identity}/` holds the checkpoint folders of one run and its training log so far. A run of another
identity never looks into it, so that changed settings, inputs or code start afresh.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from transformers import TrainerCallback

from lossgrid.training.checkpoint_folders import COMPLETE, find_checkpoint, get_step
from lossgrid.training.launch import is_main
from lossgrid.training.processes import wait_for_all
from lossgrid.training.training_log import TRAINING_LOG, cut_training_log


class CheckpointKeeper(TrainerCallback):
    """Marks each checkpoint complete once all of it is on disk, then removes the older ones.

    The trainer writes a checkpoint file by file, and its own rotation removes the predecessor before anybody
    knows that the new one can be read; a kill in between would lose both.

    Args:
        save_more: Writes into the checkpoint's folder what the trainer does not know of.
    """

    def __init__(self, save_more: Callable[[Path], None] | None = None):
        self.save_more = save_more

    def on_step_end(self, args, state, control, **kwargs):
        # A run resumed from its last step trains another one where the epochs are fractional, and a run
        # resumed from the step that stopped it goes on: the end of a run is not a place to resume from.
        if control.should_training_stop:
            control.should_save = False

    def on_save(self, args, state, control, **kwargs):
        # Each process writes its own shards and random state.
        wait_for_all()
        if is_main():
            self.complete(args, state)
        wait_for_all()

    def complete(self, args, state):
        run_folder = Path(args.output_dir)
        newest = run_folder / f"checkpoint-{state.global_step}"
        if self.save_more:
            self.save_more(newest)
        # With the log's lines up to this step, which nothing could write again.
        _sync([*newest.rglob("*"), newest, *run_folder.glob(TRAINING_LOG)])
        (newest / COMPLETE).touch()
        _sync([newest, run_folder])
        for folder in run_folder.glob("checkpoint-*"):
            if folder != newest:
                shutil.rmtree(folder)


def open_run_folder(checkpoints: Path, identity: str) -> tuple[Path, Path | None]:
    """Prepare the folder of one identity.

    Args:
        checkpoints: Folder for the checkpoints of all identities of one cell.
        identity: Hash of the run's settings, inputs and code.

    Returns:
        The run's folder and the checkpoint to resume from, None for a fresh start. The training log is cut
        back to the checkpoint's step; incomplete checkpoints are removed. All processes get the same answer.
    """
    run_folder = checkpoints / identity
    if is_main():
        run_folder.mkdir(parents=True, exist_ok=True)
        checkpoint = find_checkpoint(run_folder)
        for folder in run_folder.glob("checkpoint-*"):
            if folder != checkpoint:
                shutil.rmtree(folder)
        cut_training_log(run_folder / TRAINING_LOG, get_step(checkpoint) if checkpoint else 0)
    wait_for_all()
    return run_folder, find_checkpoint(run_folder)


def remove_checkpoints(checkpoints: Path) -> None:
    """Remove the folder of all identities; one that a kill leaves half removed is never resumed."""
    for marker in checkpoints.glob(f"*/checkpoint-*/{COMPLETE}"):
        marker.unlink()
    shutil.rmtree(checkpoints)


def replace_folder(source: Path, target: Path) -> None:
    """Rename a folder to a place where a folder, or a link to one, may be."""
    if target.is_symlink():
        target.unlink()
    elif target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _sync(paths: list[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
