"""Write the numbers that a text may quote, as macros of LaTeX."""

from pathlib import Path

import tyro


def main(study: Path, tables: list[Path], numbers: Path) -> None:
    """Write the file.

    Args:
        study: Study file, for its name.
        tables: Tables of the study, told apart by their file names: cells.csv, and what there is of mt_bench.csv,
            leaderboard.csv, summaries.csv, comparisons.csv and claims.csv.
        numbers: File to write.
    """
    import pandas as pd

    from lossgrid.paper.numbers import collect_numbers
    from lossgrid.paper.numbers_file import write_numbers

    read = {table.stem: pd.read_csv(table) for table in tables}
    write_numbers(collect_numbers(study.stem, read), study.stem, numbers)


if __name__ == "__main__":
    tyro.cli(main)
