"""Fetch a public file of AlpacaEval's from the Hugging Face Hub."""

import shutil
import sys
from pathlib import Path

import tyro


def main(file: Path) -> None:
    """Copy a file out of AlpacaEval's repository, and print the commit that it is of.

    Args:
        file: File to write; its name is that in the repository.
    """
    from lossgrid.worlds.hub.repositories import HubError, fetch_file

    try:
        fetched = fetch_file("tatsu-lab/alpaca_eval", file.name)
    except HubError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    beside = file.with_name(file.name + ".beside")
    shutil.copyfile(fetched, beside)
    beside.rename(file)
    print(f"{file.name} of tatsu-lab/alpaca_eval at {fetched.parent.name}")


if __name__ == "__main__":
    tyro.cli(main)
