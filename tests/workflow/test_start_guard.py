"""The same command again: nothing that a main process left behind is done twice, and none runs beside another."""

import json
import os
import re
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_killed_jobs import CELL, COMPARED
from workflow_copy import TIMEOUT, copy_repository, wait_for

CORPUS = "results/tiny/corpus"
RECORD = Path(".snakemake/lossgrid/main.json")


@contextmanager
def stopped_job(workflow, script: str, *arguments: str):
    """A run one of whose jobs is held still, so that it neither ends nor hears SIGTERM; killed where it is left."""
    with workflow.start(*arguments) as main:
        wait_for(lambda: workflow.find_processes(script), f"a process of {script}")
        jobs = workflow.find_processes(script)
        for pid in jobs:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield main, jobs
        finally:
            for pid in jobs & workflow.find_processes(script):
                os.kill(pid, signal.SIGKILL)


def kill(main) -> None:
    """End a main process as a power cut does; its jobs run on."""
    main.kill()
    main.wait()


@pytest.fixture
def fresh(tmp_path):
    """A copy of the repository in which nothing has run."""
    return copy_repository(tmp_path / "repository")


@pytest.mark.slow
def test_same_command_goes_on_after_the_main_process_was_killed(fresh):
    """After a power cut at night, nobody must have to know of locks and of processes that still run."""
    with stopped_job(fresh, "make_corpus.py", CORPUS) as (main, jobs):
        kill(main)
        assert any((fresh.folder / ".snakemake/locks").iterdir())
        again = fresh.run(CORPUS)
        assert not jobs & fresh.find_processes("make_corpus.py")
    assert re.search(
        rf"removed the lock of an earlier main process \(process {main.pid}, since ", again.stdout
    )
    assert re.search(r"ending \d+ processes that an earlier main process left on this machine", again.stdout)
    assert "unlock" not in again.stdout.lower().replace("without doing so", "")
    assert (fresh.folder / CORPUS).is_dir()
    assert fresh.plan(CORPUS) == {}


@pytest.mark.slow
def test_second_main_process_is_refused_and_looking_is_not(fresh):
    """Two at once would write the same files; but who only looks at a running study must not be sent away."""
    with stopped_job(fresh, "make_corpus.py", CORPUS) as (main, jobs):
        record = (fresh.folder / RECORD).read_text()
        locks = sorted((fresh.folder / ".snakemake/locks").iterdir())
        second = fresh.run(CORPUS, check=False)
        assert second.returncode != 0
        assert f"another main process of Snakemake (process {main.pid} on " in second.stdout
        assert "Building DAG" not in second.stdout
        assert "Traceback" not in second.stdout
        assert json.loads(record)["pid"] == main.pid
        assert (fresh.folder / RECORD).read_text() == record
        assert sorted((fresh.folder / ".snakemake/locks").iterdir()) == locks
        assert jobs <= fresh.find_processes("make_corpus.py")

        assert fresh.plan(CORPUS) == {"make_corpus": 1}
        assert "Congratulations" in fresh.run("--lint").stdout
        fresh.run("--unlock")
        assert (fresh.folder / RECORD).read_text() == record

        # The first goes on as if nothing had been.
        for pid in jobs:
            os.kill(pid, signal.SIGCONT)
        output, _ = main.communicate(timeout=TIMEOUT)
        assert main.returncode == 0, output
    assert (fresh.folder / CORPUS).is_dir()


@pytest.mark.slow
def test_study_goes_on_after_the_main_process_was_killed_in_training(finished, workflow):
    """The results of a study must not say whether the login node was started anew while it ran."""
    shutil.rmtree(workflow.get_cell(CELL))
    with stopped_job(workflow, "train_cell.py") as (main, jobs):
        kill(main)
        again = workflow.run()
        assert not jobs & workflow.find_processes("train_cell.py")
    assert "removed the lock of an earlier main process" in again.stdout
    assert re.search(r"ending \d+ processes that an earlier main process left", again.stdout)
    assert workflow.plan() == {}
    for file in COMPARED:
        assert (workflow.get_cell(CELL) / file).read_bytes() == (
            finished.get_cell(CELL) / file
        ).read_bytes(), file
    for table in ("cells", "mt_bench", "leaderboard", "summaries", "comparisons"):
        file = Path("tables", f"{table}.csv")
        assert (workflow.results / file).read_bytes() == (finished.results / file).read_bytes(), file
