"""Describe the judge: failures, agreement with itself, and what asking it took."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, table: Path, costs: Path) -> None:
    """Write a row an evaluation into both tables.

    Args:
        study: Study file.
        results: Results folder of the study.
        table: Table of the judge to write.
        costs: Table of calls and money to write.
    """
    from lossgrid.judging.judge_costs import collect_judge_costs
    from lossgrid.judging.reliability import collect_judge
    from lossgrid.studies import load_study

    loaded = load_study(study)
    for written, file in (
        (collect_judge(loaded, results), table),
        (collect_judge_costs(loaded, results), costs),
    ):
        written.to_csv(file, index=False, float_format="%.6g")
        print(written.T.to_string(max_colwidth=40))


if __name__ == "__main__":
    tyro.cli(main)
