"""Draw the judge card of a study."""

import json
from pathlib import Path

import tyro


def main(study: Path, sample: Path, judgments: Path, table: Path, figures: list[Path], caption: Path) -> None:
    """Write the figure.

    Args:
        study: Study file, for its title and its judge.
        sample: JSON written by sample_judge_card, for the name of the stored judge.
        judgments: JSON lines written by ask_judge_card.
        table: Table written by collect_judge_card.
        figures: Files to write, the format by the ending.
        caption: File to write the caption to, as LaTeX.
    """
    import pandas as pd

    from lossgrid.figures.judge_card import plot_judge_card
    from lossgrid.figures.judged_settings import name_judge
    from lossgrid.paper.captions import write_caption
    from lossgrid.paper.captions.judge_card import describe_judge_card
    from lossgrid.studies import load_study

    loaded, card = load_study(study), pd.read_csv(table)
    files = json.loads(sample.read_text(encoding="utf-8"))["files"]
    stored = ", ".join(dict.fromkeys(file["judge"] for file in files.values()))
    rows = [json.loads(line) for line in judgments.read_text(encoding="utf-8").splitlines()]
    judge = name_judge(loaded.judge)
    plot_judge_card(rows, card, loaded.title, figures, judge, stored)
    write_caption(describe_judge_card(card, judge, stored), "judge_card", loaded.name, caption)


if __name__ == "__main__":
    tyro.cli(main)
