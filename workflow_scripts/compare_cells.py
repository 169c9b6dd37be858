"""Compare every setting of a study with its baseline by every metric."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, cells: Path, comparisons: Path) -> None:
    """Write the paired differences.

    Args:
        study: Study file.
        results: Results folder of the study.
        cells: Table written by collect_results.
        comparisons: Table to write.
    """
    import pandas as pd

    from lossgrid.statistics.comparisons import compare_cells
    from lossgrid.studies import load_study

    table = compare_cells(load_study(study), results, pd.read_csv(cells))
    table.to_csv(comparisons, index=False, float_format="%.6g")
    print(table.to_string(max_colwidth=40))


if __name__ == "__main__":
    tyro.cli(main)
