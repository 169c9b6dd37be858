"""Gather what the jobs of a study took."""

from pathlib import Path

import tyro

from lossgrid.statistics.costs_table import collect_costs


def main(benchmarks: Path, costs: Path) -> None:
    """Write the table of costs.

    Args:
        benchmarks: Folder of the study's benchmark files.
        costs: Table to write.
    """
    collect_costs(benchmarks).to_csv(costs, index=False)


if __name__ == "__main__":
    tyro.cli(main)
