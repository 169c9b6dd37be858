"""Draw the plane figure of a study."""

from pathlib import Path

import pandas as pd
import tyro

from lossgrid.figures.plane import plot_plane
from lossgrid.studies import load_study


def main(study: Path, cells: Path, figures: list[Path]) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title.
        cells: Table written by collect_results.
        figures: Files to write, the format by the ending.
    """
    plot_plane(pd.read_csv(cells), load_study(study).title, figures)


if __name__ == "__main__":
    tyro.cli(main)
