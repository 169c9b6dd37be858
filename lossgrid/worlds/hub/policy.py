"""The model that a study starts from, as a folder of the study."""

import os
import shutil
from pathlib import Path

from lossgrid.training.checkpoints import replace_folder
from lossgrid.training.tokens import load_tokenizer
from lossgrid.worlds.hub.files import find_model

_WEIGHTS = (".safetensors", ".bin")


def place_policy(study, corpus: Path, folder: Path) -> None:
    """Write a model folder whose weights are links to where the hub's cache keeps them.

    A model of 7 billion parameters is 14 GB, which no study needs twice. The cache (HF_HOME) has to stay.

    Args:
        study: The study, of the world `hub`, with its lock.
        corpus: Folder written by `write_corpus`, with the tokenizer.
        folder: Gets configuration, tokenizer and links.

    Raises:
        HubError: The model is not on this machine.
    """
    beside = folder.with_name(folder.name + ".beside")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    tokenizer = load_tokenizer(corpus / "tokenizer")
    for file in sorted(find_model(study).iterdir()):
        if file.suffix in _WEIGHTS:
            os.symlink(file.absolute(), beside / file.name)
        # The tokenizer's files are written anew: its template and tokens may be other ones.
        elif file.name == "config.json" or file.name.endswith(".index.json"):
            shutil.copyfile(file, beside / file.name)
    tokenizer.save_pretrained(beside)
    replace_folder(beside, folder)
