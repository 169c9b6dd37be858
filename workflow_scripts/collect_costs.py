"""Gather what the jobs of a study took."""

from pathlib import Path

import tyro


def main(benchmarks: Path, costs: Path) -> None:
    """Write the table of costs.

    Args:
        benchmarks: Folder of the study's benchmark files.
        costs: Table to write.
    """
    from lossgrid.statistics.costs_table import collect_costs

    collect_costs(benchmarks).to_csv(costs, index=False)


if __name__ == "__main__":
    tyro.cli(main)
