"""Draw how long the chosen and the rejected responses of a study's pairs are."""

from pathlib import Path

import tyro


def main(study: Path, data: Path, lengths: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title.
        data: Table of the data written by describe_data.
        lengths: Table of the lengths of its pairs, written by describe_data.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.length_differences import plot_length_differences
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.data import describe_length_differences
    from lossgrid.studies import load_study

    loaded, table, pairs = load_study(study), pd.read_csv(data), pd.read_csv(lengths)
    plot_length_differences(pairs, table, loaded.title, figures)
    write_caption(describe_length_differences(pairs, table), "length_differences", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
