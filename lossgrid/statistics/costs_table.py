"""The table of costs: what each job of a study took."""

from pathlib import Path

import pandas as pd

COLUMNS = {"s": "seconds", "cpu_time": "cpu_seconds", "max_rss": "peak_memory_mb"}


def collect_costs(benchmarks: Path) -> pd.DataFrame:
    """Gather the benchmark files that Snakemake writes.

    Args:
        benchmarks: Folder with a file `{rule}.tsv` or `{rule}/{run}.tsv` for every job that was run.

    Returns:
        A row a job: `rule`, `run` (empty for a job of the whole study), wall `seconds`, `cpu_seconds` and
        `peak_memory_mb`. These differ from run to run and from machine to machine; no result depends on them.
    """
    rows = []
    for file in sorted(benchmarks.rglob("*.tsv")):
        rule, _, run = str(file.relative_to(benchmarks).with_suffix("")).partition("/")
        measured = pd.read_csv(file, sep="\t").iloc[-1]
        rows.append({"rule": rule, "run": run, **{name: measured[key] for key, name in COLUMNS.items()}})
    return pd.DataFrame(rows, columns=["rule", "run", *COLUMNS.values()])
