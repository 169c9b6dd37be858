"""What files are made from is known from the start of their job on, whoever sees its end."""

import sqlite3
from contextlib import closing

import pytest
from tiny_workflow import LOG, MAKE, OUTPUT, TIMEOUT, WAIT, wait_until

from execution.local_processes import end_processes, find_left


def test_origin_is_noted_when_the_job_starts_and_the_mark_stays(tiny):
    """A job that outlives its main process leaves files of unknown origin: a changed loss goes unnoticed in them."""
    tiny.write(WAIT + MAKE)
    with tiny.start() as main:
        wait_until(tiny.is_running)
        noted = tiny.read_metadata()
        assert noted["rule"] == "make"
        assert noted["params"] == ["'one'"]
        assert noted["log"] == [LOG]
        # Else the half of a file would pass for all of it.
        assert tiny.is_incomplete()
        tiny.let_go()
        assert main.wait(TIMEOUT) == 0, tiny.read_said()
    assert not tiny.is_incomplete()
    assert {**tiny.read_metadata(), "endtime": 0} == {**noted, "endtime": 0}


@pytest.fixture
def orphaned(tiny):
    """A directory whose main process was killed while its job ran, on a cluster where the job runs on."""
    tiny.write(WAIT + MAKE)
    with tiny.start() as main:
        wait_until(tiny.is_running)
        main.kill()
        main.wait()
        # That of this machine; the tests run it as the cluster would.
        end_processes(find_left(tiny.folder))
    tiny.let_go()
    return tiny


def test_file_that_an_orphan_finished_is_taken_over_with_its_origin(orphaned):
    """Hours of training are kept; and a change of what they were made from is noticed as if nothing had happened."""
    process = orphaned.run_as_cluster()
    assert process.returncode == 0, process.stdout
    assert orphaned.output.read_text() == "one\n"
    assert not orphaned.is_incomplete()
    assert orphaned.read_metadata()["params"] == ["'one'"]
    again = orphaned.run()
    assert "Nothing to be done" in again.stdout
    assert "removed the lock of an earlier main process" in again.stdout

    changed = orphaned.run("--config", "setting=two")
    assert changed.returncode == 0, changed.stdout
    assert "Params have changed since last execution" in changed.stdout
    assert orphaned.output.read_text() == "two\n"


def test_file_of_an_orphan_that_failed_is_made_again(orphaned):
    """What was noted when the job began must not make a job that has failed look finished."""
    orphaned.write(f"{MAKE}; touch written; exit 3")
    assert orphaned.run_as_cluster().returncode != 0
    assert (orphaned.folder / "written").exists()
    assert orphaned.read_metadata()
    assert not orphaned.is_incomplete()
    assert not orphaned.output.exists()


def test_file_of_an_orphan_that_was_killed_is_made_again(orphaned):
    """A job that runs out of time leaves a file that looks whole."""
    orphaned.output.parent.mkdir(parents=True, exist_ok=True)
    orphaned.output.write_text("half")
    assert orphaned.is_incomplete()
    process = orphaned.run("--rerun-incomplete")
    assert process.returncode == 0, process.stdout
    assert orphaned.output.read_text() == "one\n"


def test_mark_in_a_database_stays_too(tiny):
    """With `--persistence-backend db`, mark and origin are one record: half a file would look finished."""
    tiny.write(WAIT + MAKE)
    with tiny.start("--persistence-backend", "db") as main:
        wait_until(tiny.is_running)
        with closing(sqlite3.connect(tiny.folder / ".snakemake/metadata.db")) as database:
            marks = database.execute("SELECT target, incomplete FROM snakemake_metadata").fetchall()
        assert marks == [(OUTPUT, 1)]
        tiny.let_go()
        assert main.wait(TIMEOUT) == 0, tiny.read_said()
