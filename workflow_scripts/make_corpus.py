"""Write the chats, prompts and tokenizer of a study's world."""

import shutil
import sys
from pathlib import Path

import tyro


def main(study: Path, corpus: Path) -> None:
    """Write a study's corpus.

    Args:
        study: Study file.
        corpus: Folder to write.
    """
    from lossgrid.studies import load_study
    from lossgrid.worlds.catalogue import WorldError, load_function

    loaded = load_study(study)
    beside = corpus.with_name(corpus.name + ".beside")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        load_function(loaded.world.kind, "write_corpus")(loaded, beside)
    except WorldError as error:
        sys.exit(f"{type(error).__name__}: {study}: {error}")
    beside.rename(corpus)


if __name__ == "__main__":
    tyro.cli(main)
