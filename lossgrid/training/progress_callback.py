"""The trainer's side of the progress file."""

from pathlib import Path

from transformers import TrainerCallback

from lossgrid.training.launch import is_main
from lossgrid.training.progress_file import ProgressFile


class ProgressCallback(TrainerCallback):
    """Says at the start and with every line of the log how far training has come."""

    def __init__(self):
        self.file: ProgressFile | None = None

    def on_train_begin(self, args, state, control, **kwargs):
        if is_main():
            self.file = ProgressFile(Path(args.output_dir), state.max_steps, state.global_step)
            self.file.write(state.global_step)

    def on_log(self, args, state, control, **kwargs):
        if self.file:
            self.file.write(state.global_step)
