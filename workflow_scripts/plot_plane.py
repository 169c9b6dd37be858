"""Draw the plane figure of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title and its primary metric.
        cells: Table written by collect_results.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.plane import plot_plane
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.cells import describe_plane
    from lossgrid.statistics.quality import get_quality
    from lossgrid.studies import load_study

    loaded, table = load_study(study), pd.read_csv(cells)
    quality = get_quality(loaded)
    plot_plane(table, loaded.title, figures, quality)
    write_caption(describe_plane(table, quality), "plane", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
