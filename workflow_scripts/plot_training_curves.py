"""Draw the training curves of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, results: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file.
        cells: Table written by collect_results.
        results: Results folder of the study.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.training_curves import plot_training_curves
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.logs import describe_training_curves
    from lossgrid.studies import get_trained_cells, load_study
    from lossgrid.training.training_log import read_records

    loaded = load_study(study)
    logs = {
        cell.path: read_records(results / "cells" / cell.path / "training.jsonl")
        for cell in get_trained_cells(loaded)
    }
    table = pd.read_csv(cells)
    plot_training_curves(table, logs, loaded.title, figures)
    write_caption(describe_training_curves(table), "training_curves", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
