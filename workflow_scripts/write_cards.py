"""Write the model cards of a study's cells."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, cards: Path) -> None:
    """Write a card for every trained cell, and a copy into its policy's folder where that is there.

    Args:
        study: Study file.
        results: Results folder of the study.
        cards: Folder to write.
    """
    from lossgrid.cards.writing import write_cards
    from lossgrid.studies import load_study

    print(f"{write_cards(load_study(study), results, cards)} policies have their card")


if __name__ == "__main__":
    tyro.cli(main)
