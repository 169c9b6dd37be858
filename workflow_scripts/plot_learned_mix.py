"""Draw how training moves the learned β_mix of a study."""

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

    from lossgrid.figures.learned_mix import OBJECTIVE, plot_learned_mix
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.logs import describe_learned_mix
    from lossgrid.studies import get_trained_cells, load_study
    from lossgrid.training.training_log import read_records

    loaded = load_study(study)
    logs = {
        cell.path: read_records(results / "cells" / cell.path / "training.jsonl")
        for cell in get_trained_cells(loaded)
        if cell.objective == OBJECTIVE
    }
    table = pd.read_csv(cells)
    plot_learned_mix(table, logs, loaded.title, figures)
    write_caption(describe_learned_mix(table), "learned_mix", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
