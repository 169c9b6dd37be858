"""Gather the MT-Bench scores of every run in one table."""

from pathlib import Path

import tyro


def main(study: Path, results: Path, table: Path) -> None:
    """Write the scores by category and turn.

    Args:
        study: Study file.
        results: Results folder of the study.
        table: Table to write.
    """
    from lossgrid.statistics.mt_bench import collect_mt_bench, collect_mt_bench_pairs
    from lossgrid.statistics.names import get_run_names, read_score_rows
    from lossgrid.studies import load_study

    settings = load_study(study)
    rows = read_score_rows(settings, results, "mt_bench")
    collect = collect_mt_bench if settings.mt_bench.mode == "single" else collect_mt_bench_pairs
    written = collect({run: each for run, each in rows.items() if each}, get_run_names(settings))
    written.to_csv(table, index=False, float_format="%.6g")
    print(written[(written["category"] == "all") & (written["turn"] == "all")].to_string(max_colwidth=40))


if __name__ == "__main__":
    tyro.cli(main)
