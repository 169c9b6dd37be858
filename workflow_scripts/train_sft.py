"""Write the SFT model that every cell of a study starts from."""

import sys
from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, corpus: Path, policy: Path, checkpoints: Path) -> None:
    """Train a study's SFT model on its corpus, or take the one that its world brings.

    Args:
        study: Study file.
        corpus: Folder written by make_corpus.
        policy: Model folder to write.
        checkpoints: Folder for checkpoints; a killed run is resumed from it.
    """
    from lossgrid.studies import get_sft_settings, hash_canonical, load_study
    from lossgrid.training.device import choose_device
    from lossgrid.worlds.catalogue import WorldError, list_code, load_function

    settings = load_study(study)
    kind = settings.world.kind
    if settings.sft is None:
        try:
            load_function(kind, "place_policy")(settings, corpus, policy)
        except WorldError as error:
            sys.exit(f"{type(error).__name__}: {study}: {error}")
        return
    choose_device(settings.device, settings.name)

    from datasets import load_from_disk

    from lossgrid.studies.code_identity import get_code_identity
    from lossgrid.training.sft import train_sft
    from lossgrid.training.tokens import load_tokenizer

    tokenizer = load_tokenizer(corpus / "tokenizer")
    chats = corpus / "chats"
    train_sft(
        load_function(kind, "start")(settings, corpus),
        tokenizer,
        chats,
        settings.sft,
        output=policy,
        checkpoints=checkpoints,
        identity=hash_canonical(
            {
                "settings": get_sft_settings(settings),
                "chats": hash_canonical(load_from_disk(chats).to_list()),
                "code": get_code_identity("workflow_scripts/train_sft.py", *list_code(kind, "start")),
            }
        ),
        threads=THREADS,
    )


if __name__ == "__main__":
    tyro.cli(main)
