"""Draw the frontier figure of a study."""

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

    from lossgrid.figures.frontier import plot_frontier
    from lossgrid.studies import load_study

    plot_frontier(pd.read_csv(cells), load_study(study).title, figures)


if __name__ == "__main__":
    tyro.cli(main)
