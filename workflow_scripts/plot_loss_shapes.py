"""Draw the shapes of a study's losses."""

from pathlib import Path

import tyro


def main(study: Path, shapes: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title.
        shapes: Table of samples of every loss over the margin.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.loss_shapes import plot_loss_shapes
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.logs import describe_loss_shapes
    from lossgrid.studies import load_study

    table = pd.read_csv(shapes, dtype={"label": str, "evaluation": str}).fillna({"evaluation": ""})
    loaded = load_study(study)
    plot_loss_shapes(table, loaded.title, figures)
    write_caption(describe_loss_shapes(table), "loss_shapes", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
