"""Train the SFT model that every cell of a study starts from."""

from pathlib import Path

import tyro

THREADS = 1


def main(study: Path, corpus: Path, policy: Path, checkpoints: Path) -> None:
    """Train a study's SFT model from scratch on its corpus.

    Args:
        study: Study file.
        corpus: Folder written by make_corpus.
        policy: Model folder to write.
        checkpoints: Folder for checkpoints; a killed run is resumed from it.
    """
    from lossgrid.studies import get_sft_settings, hash_canonical, load_study
    from lossgrid.training.device import choose_device

    settings = load_study(study)
    choose_device(settings.device, settings.name)

    from datasets import load_from_disk

    from lossgrid.studies.code_identity import get_code_identity
    from lossgrid.training.sft import train_sft
    from lossgrid.training.tokens import load_tokenizer
    from lossgrid.worlds.reviews.policy import build_policy

    tokenizer = load_tokenizer(corpus / "tokenizer")
    chats = corpus / "chats"
    train_sft(
        build_policy(
            tokenizer,
            **settings.world.policy.model_dump(),
            seed=settings.sft.seed,
            max_position=settings.sft.max_length,
        ),
        tokenizer,
        chats,
        settings.sft,
        output=policy,
        checkpoints=checkpoints,
        identity=hash_canonical(
            {
                "settings": get_sft_settings(settings),
                "chats": hash_canonical(load_from_disk(chats).to_list()),
                "code": get_code_identity("workflow_scripts/train_sft.py"),
            }
        ),
        threads=THREADS,
    )


if __name__ == "__main__":
    tyro.cli(main)
