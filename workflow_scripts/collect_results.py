"""Gather a study's cells in one table."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, cells: Path) -> None:
    """Write the table of cells.

    Args:
        study: Study file.
        results: Results folder of the study.
        cells: Table to write.
    """
    from lossgrid.statistics.cells_table import collect_cells
    from lossgrid.studies import load_study

    table = collect_cells(load_study(study), results)
    table.to_csv(cells, index=False, float_format="%.6g")
    print(table.to_string(max_colwidth=40))


if __name__ == "__main__":
    tyro.cli(main)
