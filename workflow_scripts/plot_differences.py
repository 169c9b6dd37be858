"""Draw the paired differences of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, table: Path, figures: list[Path]) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title.
        cells: Table written by collect_results.
        table: Table of paired differences by metric and setting.
        figures: Files to write, the format by the ending.
    """
    import pandas as pd

    from lossgrid.figures.forest import plot_forest
    from lossgrid.studies import load_study

    plot_forest(pd.read_csv(table), pd.read_csv(cells), load_study(study).title, figures)


if __name__ == "__main__":
    tyro.cli(main)
