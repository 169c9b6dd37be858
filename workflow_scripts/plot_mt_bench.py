"""Draw the MT-Bench scores of a study."""

from pathlib import Path

import tyro


def main(study: Path, cells: Path, table: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title and its judge.
        cells: Table written by collect_results.
        table: Table of MT-Bench scores by run, category and turn.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.judged_settings import name_judge
    from lossgrid.figures.mt_bench import plot_mt_bench
    from lossgrid.figures.published import get_published
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.judged import describe_mt_bench
    from lossgrid.studies import load_study

    loaded = load_study(study)
    tables = [pd.read_csv(file) for file in (table, cells)]
    judge, published = name_judge(loaded.judge), get_published(loaded, "mt_bench")
    plot_mt_bench(*tables, loaded.title, figures, judge, published)
    write_caption(describe_mt_bench(*tables, judge, published), "mt_bench", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
