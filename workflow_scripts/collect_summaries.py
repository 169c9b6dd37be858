"""Gather the win rates of every run's summaries in one table."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, table: Path) -> None:
    """Write the win rates by opponent.

    Args:
        study: Study file.
        results: Results folder of the study.
        table: Table to write.
    """
    from lossgrid.statistics.names import get_run_names, read_score_rows
    from lossgrid.statistics.summaries import collect_summaries
    from lossgrid.studies import load_study

    settings = load_study(study)
    names = get_run_names(settings)
    scores = {
        names[run]["cell"]: rows for run, rows in read_score_rows(settings, results, "summaries").items()
    }
    written = collect_summaries(list(names.values()), scores)
    written.to_csv(table, index=False, float_format="%.6g")
    print(written.to_string(max_colwidth=40))


if __name__ == "__main__":
    tyro.cli(main)
