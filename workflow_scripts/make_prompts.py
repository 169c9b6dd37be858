"""Write the prompts that a judge will see."""

import sys
from pathlib import Path

import tyro


def main(study: Path, prompts: Path, downloads: Path) -> None:
    """Write the prompt sets of a study's evaluations.

    Args:
        study: Study file.
        prompts: Folder to write.
        downloads: Folder that keeps what is fetched from public repositories.
    """
    from lossgrid.judging.prompt_sets import write_prompt_sets
    from lossgrid.studies import load_study
    from lossgrid.worlds.catalogue import WorldError

    try:
        counts = write_prompt_sets(load_study(study), prompts, downloads)
    except WorldError as error:
        sys.exit(f"{type(error).__name__}: {study}: {error}")
    print(", ".join(f"{count} prompts of {name}" for name, count in counts.items()))


if __name__ == "__main__":
    tyro.cli(main)
