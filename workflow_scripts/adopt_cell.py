"""Give an alias the results of the trained cell that is the same function."""

import os
from pathlib import Path

import tyro


def main(canonical: Path, alias: Path, files: list[str]) -> None:
    """Link an alias's files to those of its trained cell.

    Args:
        canonical: Folder of the trained cell.
        alias: Folder of the alias.
        files: Paths below both folders.
    """
    for file in files:
        link = alias / file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(canonical / file, link.parent))


if __name__ == "__main__":
    tyro.cli(main)
