"""Draw the shapes of a study's losses."""

from pathlib import Path

import tyro


def main(study: Path, shapes: Path, figures: list[Path]) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title.
        shapes: Table of samples of every loss over the margin.
        figures: Files to write, the format by the ending.
    """
    import pandas as pd

    from lossgrid.figures.loss_shapes import plot_loss_shapes
    from lossgrid.studies import load_study

    table = pd.read_csv(shapes, dtype={"label": str, "evaluation": str}).fillna({"evaluation": ""})
    plot_loss_shapes(table, load_study(study).title, figures)


if __name__ == "__main__":
    tyro.cli(main)
