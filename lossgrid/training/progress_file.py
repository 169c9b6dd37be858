"""How far a training run has come: a small file beside its checkpoints, for those who watch it.

No result depends on it, and it goes with the checkpoints when the run has come to its end.
"""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

PROGRESS = "progress.json"


@dataclass(frozen=True)
class TrainingProgress:
    """The state of a training run.

    Attributes:
        step: Optimiser steps done.
        planned_steps: Optimiser steps of the recipe.
        first_step: Steps that were done when this process began: those of the checkpoint that it resumed from.
        began: When it began to train, in seconds since 1970.
        at: When this was written, in seconds since 1970.
    """

    step: int
    planned_steps: int
    first_step: int
    began: float
    at: float

    def estimate_left(self, now: float) -> float | None:
        """Seconds until the last step at the pace so far; None before the first pace is known."""
        done = self.step - self.first_step
        if done < 1 or self.at <= self.began:
            return None
        left = (self.planned_steps - self.step) * (self.at - self.began) / done
        return max(0.0, left - (now - self.at))


class ProgressFile:
    """Writes the progress of one process's run.

    Args:
        run_folder: Folder of the run's checkpoints.
        planned_steps: Optimiser steps of the recipe.
        first_step: Steps that are done already.
    """

    def __init__(self, run_folder: Path, planned_steps: int, first_step: int):
        self.file = run_folder / PROGRESS
        self.planned_steps, self.first_step, self.began = planned_steps, first_step, time.time()

    def write(self, step: int) -> None:
        """Replace what the file says; a reader finds the old or the new, never a part."""
        progress = TrainingProgress(step, self.planned_steps, self.first_step, self.began, time.time())
        beside = self.file.with_suffix(".beside")
        beside.write_text(json.dumps(asdict(progress)))
        os.replace(beside, self.file)


def read_progress(run_folder: Path) -> TrainingProgress | None:
    """What a run's progress file says; None where there is none."""
    try:
        return TrainingProgress(**json.loads((run_folder / PROGRESS).read_text()))
    except (OSError, ValueError, TypeError):
        return None
