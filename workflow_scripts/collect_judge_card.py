"""Measure a judge against a stored one: agreement and biases."""

import json
from pathlib import Path

import tyro


def main(study: Path, sample: Path, judgments: Path, table: Path) -> None:
    """Write a row a number.

    Args:
        study: Study file, for the name of its judge.
        sample: JSON written by sample_judge_card.
        judgments: JSON lines written by ask_judge_card.
        table: Table to write.
    """
    from lossgrid.figures.judged_settings import name_judge
    from lossgrid.statistics.judge_card import describe_card
    from lossgrid.studies import load_study

    files = json.loads(sample.read_text(encoding="utf-8"))["files"]
    rows = [json.loads(line) for line in judgments.read_text(encoding="utf-8").splitlines()]
    card = describe_card(rows, files, name_judge(load_study(study).judge))
    card.to_csv(table, index=False, float_format="%.6g")
    print(card.to_string())


if __name__ == "__main__":
    tyro.cli(main)
