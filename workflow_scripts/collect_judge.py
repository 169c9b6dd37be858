"""Describe the judge: failures, agreement with itself, cost."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, table: Path) -> None:
    """Write a row an evaluation.

    Args:
        study: Study file.
        results: Results folder of the study.
        table: Table to write.
    """
    from lossgrid.judging.reliability import collect_judge
    from lossgrid.studies import load_study

    written = collect_judge(load_study(study), results)
    written.to_csv(table, index=False, float_format="%.6g")
    print(written.T.to_string(max_colwidth=40))


if __name__ == "__main__":
    tyro.cli(main)
