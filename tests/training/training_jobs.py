"""Runs training jobs one after the other, alone or as one of several processes: `training_jobs.py JOBS.json`.

A launch under DeepSpeed takes half a minute, nearly all of it imports; so one launch does many jobs.
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("DS_ACCELERATOR", "cpu")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch
from torch import Tensor

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.specification import Objective
from lossgrid.studies.recipe import TrainingRecipe
from lossgrid.training import preference
from lossgrid.training.launch import die_with_launcher
from lossgrid.training.preference import CellOutputs, train_cell
from lossgrid.training.recipe import get_trainer_arguments


def run_job(job: dict) -> dict:
    """Train the cell of a job; returns its health.

    Args:
        job: `objective`, `setting`, `recipe`, the folders `model`, `reference` and `folder`, and optionally
            `fault`: the `step` whose first pair, in the process `rank` alone, gets a loss that is `nan` or
            `inf`, or ends the process (`kill`); `arguments` are set over those of the trainer.
    """
    changed = job.get("arguments", {})
    preference.get_trainer_arguments = lambda *given: {**get_trainer_arguments(*given), **changed}
    folder = Path(job["folder"])
    objective = CATALOGUE[job["objective"]]
    recipe = TrainingRecipe(**job["recipe"])
    setting = {**objective.defaults(), **job.get("setting", {})}
    if fault := job.get("fault"):
        micro_batches = recipe.batch_size // recipe.processes // recipe.get_micro_batch_size()
        objective = break_at(objective, micro_batches, **fault)
    return train_cell(
        objective,
        setting,
        job.get("seed", 1),
        recipe,
        model=Path(job["model"]),
        reference=Path(job["reference"]),
        outputs=CellOutputs(folder / "policy", folder / "training.jsonl", folder / "health.json"),
        checkpoints=folder / "checkpoints",
        identity="identity",
        threads=1,
    )


def break_at(
    objective: Objective, micro_batches: int, step: int, kind: str, rank: int = 0
) -> SimpleNamespace:
    """The objective with one pair gone wrong."""
    loss, calls = objective.load(), []

    def broken(*tensors: Tensor, **keywords) -> Tensor:
        losses = loss(*tensors, **keywords)
        calls.append(None)
        if len(calls) == (step - 1) * micro_batches + 1 and int(os.environ.get("RANK", "0")) == rank:
            if kind == "kill":
                os.kill(os.getpid(), 9)
            is_first = torch.arange(len(losses)) == 0
            losses = (
                losses * torch.where(is_first, torch.nan, 1.0)
                if kind == "nan"
                else losses + torch.where(is_first, torch.inf, 0.0)
            )
        return losses

    return SimpleNamespace(
        load=lambda: broken,
        get_keywords=objective.get_keywords,
        arguments=objective.arguments,
        length_normalised=objective.length_normalised,
        learned=objective.learned,
    )


if __name__ == "__main__":
    die_with_launcher()
    for each in json.loads(Path(sys.argv[1]).read_text()):
        run_job(each)
