"""Write the chats, prompts and tokenizer of a study's world."""

import shutil
from pathlib import Path

import tyro


def main(study: Path, corpus: Path) -> None:
    """Write a study's corpus.

    Args:
        study: Study file.
        corpus: Folder to write.
    """
    from lossgrid.studies import load_study
    from lossgrid.worlds.reviews.files import write_corpus

    beside = corpus.with_name(corpus.name + ".beside")
    shutil.rmtree(beside, ignore_errors=True)
    write_corpus(load_study(study).world, beside)
    beside.rename(corpus)


if __name__ == "__main__":
    tyro.cli(main)
