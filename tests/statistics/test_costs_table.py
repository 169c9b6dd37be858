"""The table of costs, from made-up benchmark files of Snakemake."""

from lossgrid.statistics.costs_table import collect_costs

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
COLUMNS = ["rule", "run", "seconds", "cpu_seconds", "peak_memory_mb"]


def test_a_row_a_job(tmp_path):
    """Whoever plans a study for a cluster reads hours and memory off this table."""
    (tmp_path / "train_cell/dpo/beta~0.05").mkdir(parents=True)
    (tmp_path / "train_sft.tsv").write_text(HEADER + "10.5\t0:00:10\t700.2\t1\t1\t1\t0\t0\t90\t9.5\n")
    (tmp_path / "train_cell/dpo/beta~0.05/seed~1.tsv").write_text(
        HEADER + "28.29\t0:00:28\t686.98\t1\t1\t1\t0\t0\t51\t15.01\n"
    )
    table = collect_costs(tmp_path)
    assert list(table.columns) == COLUMNS
    assert table.to_numpy().tolist() == [
        ["train_cell", "dpo/beta~0.05/seed~1", 28.29, 15.01, 686.98],
        ["train_sft", "", 10.5, 9.5, 700.2],
    ]


def test_a_setting_with_a_dot_keeps_its_name(tmp_path):
    """`beta~0.05` cut to `beta~0` would put the costs of several cells under one name."""
    (tmp_path / "generate").mkdir()
    (tmp_path / "generate/beta~0.05.tsv").write_text(HEADER + "1\t0:00:01\t2\t1\t1\t1\t0\t0\t1\t3\n")
    assert collect_costs(tmp_path)["run"].tolist() == ["beta~0.05"]


def test_of_repeats_the_last_counts(tmp_path):
    """Snakemake writes a line a repeat; the last is the run whose results were kept."""
    (tmp_path / "train_sft.tsv").write_text(
        HEADER + "1\t0:00:01\t2\t1\t1\t1\t0\t0\t1\t3\n" + "4\t0:00:04\t5\t1\t1\t1\t0\t0\t1\t6\n"
    )
    assert collect_costs(tmp_path).to_numpy().tolist() == [["train_sft", "", 4.0, 6.0, 5.0]]


def test_a_job_too_short_to_measure_keeps_its_row(tmp_path):
    """Snakemake writes NA where a job ended before it was looked at."""
    (tmp_path / "adopt_cell.tsv").write_text(HEADER + "0.1\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    table = collect_costs(tmp_path)
    assert table["seconds"].tolist() == [0.1]
    assert table[["cpu_seconds", "peak_memory_mb"]].isna().all(axis=None)


def test_no_benchmark_gives_a_table_without_rows(tmp_path):
    """Results copied from elsewhere have no benchmarks; the report must not fail on them."""
    for folder in (tmp_path, tmp_path / "missing"):
        table = collect_costs(folder)
        assert list(table.columns) == COLUMNS
        assert len(table) == 0
