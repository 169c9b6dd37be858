"""Sample preference pairs from the SFT model and label them."""

import shutil
from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, corpus: Path, policy: Path, pairs: Path) -> None:
    """Write a study's preference pairs.

    Args:
        study: Study file.
        corpus: Folder written by make_corpus.
        policy: Folder of the SFT model.
        pairs: Folder to write.
    """
    from lossgrid.studies import load_study
    from lossgrid.training.device import choose_device

    settings = load_study(study)
    choose_device(settings.device, settings.name)

    from lossgrid.worlds.reviews.files import write_pairs

    beside = pairs.with_name(pairs.name + ".beside")
    shutil.rmtree(beside, ignore_errors=True)
    print(write_pairs(settings.world, settings.evaluation, corpus, policy, beside, THREADS))
    beside.rename(pairs)


if __name__ == "__main__":
    tyro.cli(main)
