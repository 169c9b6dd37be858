"""Reading the journal that main processes append to until they are killed."""

from made_up_results import NOW

from lossgrid.progress.journal import read_journal


def test_lines_that_a_kill_has_broken_cost_nothing_else(made_up):
    """The last line may be half; the next main process may have written on behind it, or begun a new line."""
    cell = made_up.find("train_cell", "dpo/beta~0.1/seed~1")
    other = made_up.find("train_cell", "dpo/beta~0.1/seed~2")
    made_up.begin(at=NOW - 100)
    made_up.start(cell, NOW - 90)
    journal = made_up.folder / "logs/jobs.jsonl"
    journal.write_text(journal.read_text() + '{"at": 1750000000.0, "main": "main-1", "eve')
    assert list(read_journal(made_up.folder, NOW).jobs) == [cell.log]

    made_up.main = "main-2"
    made_up.begin(at=NOW - 50)
    made_up.fail(other, NOW - 40)
    found = read_journal(made_up.folder, NOW)
    assert [main.began for main in found.mains] == [NOW - 100, NOW - 50]
    assert {log: record.event for log, record in found.jobs.items()} == {
        cell.log: "submitted",
        other.log: "failed",
    }
    journal.write_text(journal.read_text() + '\n[]\n{"at": 1}\nnull\n\n')
    assert read_journal(made_up.folder, NOW) == found


def test_a_main_process_whose_first_line_is_lost_may_still_run(made_up):
    """Only its beginning says which process it is."""
    cell = made_up.find("train_cell", "dpo/beta~0.1/seed~1")
    made_up.start(cell, NOW - 9000)
    assert read_journal(made_up.folder, NOW).running is None


def test_no_journal_is_an_empty_one(tmp_path):
    """As before the first run."""
    journal = read_journal(tmp_path / "results/none", NOW)
    assert (journal.mains, journal.jobs, journal.running) == ([], {}, False)


def test_what_was_said_of_a_failure_is_kept(made_up):
    """It says the kind where the rule's own log is silent."""
    cell = made_up.find("train_cell", "dpo/beta~0.1/seed~1")
    made_up.begin()
    made_up.fail(
        cell, NOW - 40, slurm_log=".snakemake/slurm_logs/7.log", state="TIMEOUT", message="SLURM says so"
    )
    record = read_journal(made_up.folder, NOW).jobs[cell.log]
    assert (record.slurm_log, record.state, record.message) == (
        ".snakemake/slurm_logs/7.log",
        "TIMEOUT",
        "SLURM says so",
    )
    assert record.log == f"results/small/{cell.log}"
