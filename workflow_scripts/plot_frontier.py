"""Draw the frontier figure of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title, its primary metric and what it repeats.
        cells: Table written by collect_results.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.frontier import plot_frontier
    from lossgrid.figures.published import read_frontier
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.cells import describe_frontier
    from lossgrid.statistics.quality import get_quality
    from lossgrid.studies import load_study

    loaded, table = load_study(study), pd.read_csv(cells)
    published, quality = read_frontier(loaded), get_quality(loaded)
    plot_frontier(table, loaded.title, figures, published, quality)
    write_caption(describe_frontier(table, published, quality), "frontier", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
