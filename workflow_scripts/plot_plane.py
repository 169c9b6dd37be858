"""Draw the plane figure of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, figures: list[Path]) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title.
        cells: Table written by collect_results.
        figures: Files to write, the format by the ending.
    """
    import pandas as pd

    from lossgrid.figures.plane import plot_plane
    from lossgrid.studies import load_study

    plot_plane(pd.read_csv(cells), load_study(study).title, figures)


if __name__ == "__main__":
    tyro.cli(main)
