"""Write the preference pairs that the cells are trained on."""

import shutil
import sys
from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, corpus: Path, policy: Path, pairs: Path, prompts: Path | None = None) -> None:
    """Write a study's preference pairs.

    Args:
        study: Study file.
        corpus: Folder written by make_corpus.
        policy: Folder of the SFT model.
        pairs: Folder to write.
        prompts: Folder written by make_prompts, for studies with a judge.
    """
    from lossgrid.studies import load_study
    from lossgrid.training.device import choose_device

    settings = load_study(study)
    choose_device(settings.device, settings.name)

    from lossgrid.worlds.catalogue import WorldError, load_function

    write_pairs = load_function(settings.world.kind, "write_pairs")
    beside = pairs.with_name(pairs.name + ".beside")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        print(write_pairs(settings, corpus, policy, prompts, beside, THREADS))
    except WorldError as error:
        sys.exit(f"{type(error).__name__}: {study}: {error}")
    beside.rename(pairs)


if __name__ == "__main__":
    tyro.cli(main)
