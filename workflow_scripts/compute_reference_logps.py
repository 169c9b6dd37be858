"""Tokenise the preference pairs and weigh them by the reference model, once for all cells."""

import shutil
from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, pairs: Path, policy: Path, reference: Path) -> None:
    """Write a study's pairs as tokens with reference log-probabilities.

    Args:
        study: Study file.
        pairs: Folder written by make_pairs.
        policy: Folder of the reference model.
        reference: Folder to write.
    """
    from lossgrid.studies import get_reference_settings, load_study
    from lossgrid.training.device import choose_device

    loaded = load_study(study)
    choose_device(loaded.device, loaded.name)

    from lossgrid.training.reference import compute_reference_logps

    beside = reference.with_name(reference.name + ".beside")
    shutil.rmtree(beside, ignore_errors=True)
    settings = get_reference_settings(loaded)
    print(compute_reference_logps(pairs, policy, beside, **settings, threads=THREADS))
    beside.rename(reference)


if __name__ == "__main__":
    tyro.cli(main)
