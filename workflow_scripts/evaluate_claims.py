"""Judge the claims of a study."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, cells: Path, claims: Path) -> None:
    """Write the table of verdicts.

    Args:
        study: Study file.
        results: Results folder of the study.
        cells: Table written by collect_results.
        claims: Table to write.
    """
    import pandas as pd

    from lossgrid.statistics.claims import evaluate_claims
    from lossgrid.studies import load_study

    table = evaluate_claims(load_study(study), results, pd.read_csv(cells))
    table.to_csv(claims, index=False, float_format="%.6g")
    for row in table.itertuples():
        print(f"{row.claim}: {row.verdict}. {row.detail}")


if __name__ == "__main__":
    tyro.cli(main)
