"""The trainer's side of the live view: it starts a process that reads the training log, and ends it.

A process of its own, because a training must neither change nor stop for being watched: what a tracker draws from
random numbers, waits for on a network or brings down with it is not this process's.
"""

import os
import subprocess
import sys
import weakref
from pathlib import Path

import torch
from transformers import TrainerCallback

from lossgrid.training.launch import is_main
from lossgrid.training.live.follow import PATIENCE, say
from lossgrid.training.live.machine import note_machine
from lossgrid.training.live.places import LivePlace, find_place

ROOT = Path(__file__).resolve().parents[3]


def watch_training(trainer) -> None:
    """Show a training as it goes, where it is one of the workflow's cells.

    Args:
        trainer: A trainer whose `args.output_dir` gets the training log. Only the process that writes files starts a
            view.
    """
    place = find_place(Path(trainer.args.output_dir))
    if place and is_main():
        trainer.add_callback(LiveView(place))


class LiveView(TrainerCallback):
    """Starts the reader when training begins and lets it come to its end with training; raises nothing."""

    def __init__(self, place: LivePlace):
        self.place = place
        self.reader: subprocess.Popen | None = None

    def on_train_begin(self, args, state, control, **kwargs):
        try:
            note_machine(self.place.events, name_gpu(args.device))
            self.reader = start_reader(Path(args.output_dir), self.place, state.global_step)
        except OSError as error:
            say(f"{self.place.events}: {error}")
            return
        # A training that ends by an error says no farewell.
        weakref.finalize(self, self.reader.stdin.close)

    def on_train_end(self, args, state, control, **kwargs):
        if self.reader is None:
            return
        try:
            # The end of its input is the sign to read the last lines.
            self.reader.stdin.close()
            if code := self.reader.wait(PATIENCE):
                say(f"its process ended with status {code}")
        except subprocess.TimeoutExpired:
            self.reader.kill()
            self.reader.wait()
            say(f"{self.place.events}: not written to the end within {PATIENCE} s")
        except OSError as error:
            say(f"{self.place.events}: {error}")


def name_gpu(device: torch.device) -> str:
    """The GPU's name; empty for the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""


def start_reader(run_folder: Path, place: LivePlace, first_step: int) -> subprocess.Popen:
    """Start the process that reads the training log until its input ends, also by the death of this process.

    Args:
        run_folder: Folder of the training log.
        place: Where the view lies.
        first_step: Steps done already: those of the checkpoint that training goes on from.

    Raises:
        OSError: The process cannot be started.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "lossgrid.training.live.follow", str(run_folder), str(first_step)],
        stdin=subprocess.PIPE,
        # A library that looks for GPUs would take memory from the training.
        env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""},
    )
