"""Draw the win rates of a study against the length of the answers."""

from pathlib import Path

import tyro


def main(
    study: Path, cells: Path, table: Path, figures: list[Path], baseline_length: float | None = None
) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title, its judge and its baseline.
        cells: Table written by collect_results.
        table: Table of win rates by run.
        figures: Files to write, the format by the ending.
        baseline_length: Mean length of the baseline's answers in characters, where it is not the SFT model.
    """
    import pandas as pd

    from lossgrid.figures.judged_settings import name_judge
    from lossgrid.figures.win_rate_length import BASELINES, plot_win_rate_length
    from lossgrid.studies import load_study

    loaded = load_study(study)
    tables = (pd.read_csv(file) for file in (table, cells))
    baseline = BASELINES[loaded.alpaca_eval.baseline]
    plot_win_rate_length(*tables, loaded.title, figures, name_judge(loaded.judge), baseline, baseline_length)


if __name__ == "__main__":
    tyro.cli(main)
