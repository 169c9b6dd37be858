"""Train one cell of a study: one objective, one setting, one seed."""

import json
import os
from pathlib import Path

import tyro

THREADS = 1


def main(
    study: Path,
    cell: str,
    model: Path,
    reference: Path,
    policy: Path,
    training_log: Path,
    health: Path,
    checkpoints: Path,
) -> None:
    """Train one cell, resuming where a killed run of the same identity left off.

    Args:
        study: Study file.
        cell: The cell's path, such as dpo/beta~0.05/seed~1.
        model: Folder of the model to start from.
        reference: Folder written by compute_reference_logps.
        policy: Model folder to write.
        training_log: JSON lines to write, one a step.
        health: JSON file to write.
        checkpoints: Folder for checkpoints.
    """
    from lossgrid.training.device import choose_device
    from lossgrid.training.launch import (
        check_launch,
        die_with_launcher,
        find_deepspeed_file,
        hash_deepspeed_file,
        is_main,
    )

    die_with_launcher()

    from lossgrid.objectives.catalogue import CATALOGUE
    from lossgrid.studies import get_cell, get_training_settings, hash_canonical, load_study
    from lossgrid.studies.code_identity import get_code_identity

    settings = load_study(study)
    check_launch(settings.training.processes, settings.training.deepspeed, f"{settings.name}: {cell}")
    choose_device(settings.device, settings.name)

    import torch

    # DeepSpeed looks for a GPU when it is first imported.
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")

    from lossgrid.training.preference import CellOutputs, train_cell
    from lossgrid.training.reference import SUMMARY

    this = get_cell(settings, cell)
    objective = CATALOGUE[this.objective]
    deepspeed = find_deepspeed_file()
    identity = hash_canonical(
        {
            "settings": get_training_settings(settings, this),
            "reference": json.loads((reference / SUMMARY).read_text())["digest"],
            "deepspeed": deepspeed and hash_deepspeed_file(deepspeed),
            "code": get_code_identity(
                "workflow_scripts/train_cell.py", f"lossgrid.objectives.{objective.function}"
            ),
        }
    )
    result = train_cell(
        objective,
        dict(this.setting),
        this.seed,
        settings.training,
        model=model,
        reference=reference,
        outputs=CellOutputs(policy, training_log, health),
        checkpoints=checkpoints,
        identity=identity,
        threads=THREADS,
    )
    if is_main():
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    tyro.cli(main)
