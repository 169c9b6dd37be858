"""Draw the win rates of a study against the length of the answers."""

from pathlib import Path

import tyro


def main(
    study: Path,
    cells: Path,
    table: Path,
    figures: list[Path],
    caption: Path,
    baseline_length: float | None = None,
) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title, its judge and its baseline.
        cells: Table written by collect_results.
        table: Table of win rates by run.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
        baseline_length: Mean length of the baseline's answers in characters, where it is not the SFT model.
    """
    import pandas as pd

    from lossgrid.figures.judged_settings import name_judge
    from lossgrid.figures.published import get_published
    from lossgrid.figures.win_rate_length import BASELINES, plot_win_rate_length
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.judged import describe_win_rates
    from lossgrid.studies import load_study

    loaded = load_study(study)
    tables = [pd.read_csv(file) for file in (table, cells)]
    judge, published = name_judge(loaded.judge), get_published(loaded, "alpaca_eval")
    baseline = BASELINES[loaded.alpaca_eval.baseline]
    plot_win_rate_length(*tables, loaded.title, figures, judge, baseline, baseline_length, published)
    text = describe_win_rates(*tables, judge, baseline, published)
    write_caption(text, "win_rates", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
