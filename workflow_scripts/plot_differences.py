"""Draw the paired differences of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, table: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title and its metrics.
        cells: Table written by collect_results.
        table: Table of paired differences by metric and setting.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.forest import plot_forest
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.judged import describe_differences
    from lossgrid.statistics.judged_metrics import METRICS, get_metric
    from lossgrid.studies import load_study

    loaded, tables = load_study(study), [pd.read_csv(file) for file in (table, cells)]
    metrics = {metric: get_metric(loaded, metric) for metric in METRICS}
    plot_forest(*tables, loaded.title, figures, metrics)
    write_caption(describe_differences(*tables), "differences", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
