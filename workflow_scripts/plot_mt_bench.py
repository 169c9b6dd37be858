"""Draw the MT-Bench scores of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, table: Path, figures: list[Path]) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title and its judge.
        cells: Table written by collect_results.
        table: Table of MT-Bench scores by run, category and turn.
        figures: Files to write, the format by the ending.
    """
    import pandas as pd

    from lossgrid.figures.judged_settings import name_judge
    from lossgrid.figures.mt_bench import plot_mt_bench
    from lossgrid.studies import load_study

    loaded = load_study(study)
    tables = (pd.read_csv(file) for file in (table, cells))
    plot_mt_bench(*tables, loaded.title, figures, name_judge(loaded.judge))


if __name__ == "__main__":
    tyro.cli(main)
