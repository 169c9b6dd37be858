"""What has become of a job, from its files and the journal."""

import os
import shutil
import subprocess
import sys

import pytest
from made_up_results import NOW

from lossgrid.progress.journal import get_start
from lossgrid.progress.states import State
from lossgrid.progress.study_progress import read_study_progress

CELL = "dpo/beta~0.1/seed~1"
OTHER_HOST = {"host": "elsewhere", "pid": 1, "start": "1"}
GONE = 2**22 + 1


@pytest.fixture
def cell(made_up):
    """The training of a cell."""
    return made_up.find("train_cell", CELL)


def find(made_up, job, now: float = NOW):
    """What is read of a job."""
    progress = read_study_progress(made_up.study, made_up.folder, now)
    return progress.get_state(job)


def test_nothing_there_is_pending(made_up, cell):
    """Before anything ran there is no folder to look into."""
    assert find(made_up, cell).state is State.PENDING


def test_outputs_are_enough_to_be_done(made_up, cell):
    """Results that were copied here, or made before there was a journal, are there all the same."""
    made_up.finish(cell)
    assert find(made_up, cell).state is State.DONE


def test_a_policy_that_was_removed_is_not_missed(made_up, cell):
    """Policies may be removed to save space; the cell is not to be trained anew for it."""
    made_up.finish(cell)
    assert not (made_up.folder / cell.run / "policy").exists()
    assert find(made_up, cell).state is State.DONE
    (made_up.folder / cell.run / "training.jsonl").unlink()
    assert find(made_up, cell).state is State.PENDING


def test_divergence_is_done_and_marked(made_up, cell):
    """A diverged run is a result: it is not redone, and the reader must see it."""
    made_up.finish(cell, status="diverged", first_nonfinite_step=47)
    found = find(made_up, cell)
    assert found.state is State.DIVERGED
    assert found.state.is_done
    assert found.health["first_nonfinite_step"] == 47


def test_submitted_and_without_a_log_is_queued(made_up, cell):
    """On a cluster hours may pass between the two; an old log is that of an earlier attempt."""
    made_up.begin(executor="slurm")
    made_up.write(cell.log, "", NOW - 3000)
    made_up.say(NOW - 600, "submitted", cell, attempt=1)
    assert find(made_up, cell).state is State.QUEUED


def test_a_log_since_the_submission_is_running(made_up, cell):
    """However long ago the log was written: generation says nothing for hours, and its main process is there."""
    made_up.begin()
    made_up.start(cell, NOW - 1500)
    found = find(made_up, cell)
    assert (found.state, found.progress) == (State.RUNNING, None)


def test_running_training_says_its_step(made_up, cell):
    """The step of all steps, of the attempt that runs."""
    made_up.begin()
    made_up.train(cell, step=90, at=NOW - 1600, began=NOW - 1700)
    made_up.start(cell, NOW - 1500)
    assert find(made_up, cell).progress is None
    made_up.train(cell, step=60, at=NOW - 5, began=NOW - 105, first=50)
    assert find(made_up, cell).progress.step == 60
    assert find(made_up, cell).progress.estimate_left(NOW) == pytest.approx(68 * 10 - 5)


@pytest.mark.parametrize("how", ["pid is gone", "pid is another process's", "ended", "another main began"])
def test_nothing_written_after_the_main_process_has_gone_is_interrupted(made_up, cell, how):
    """A killed Snakemake writes nothing of what it leaves; its jobs on this machine died with it, or soon will."""
    made_up.begin(
        pid=GONE if how == "pid is gone" else os.getpid(),
        start="1" if "another process" in how else get_start(os.getpid()),
    )
    made_up.start(cell, NOW - 1500, written=NOW - 1200)
    if how == "ended":
        made_up.say(NOW - 1000, "ended", success=False)
    if how == "another main began":
        made_up.main = "main-2"
        made_up.begin(at=NOW - 900)
    found = find(made_up, cell)
    assert (found.state, found.moment) == (State.INTERRUPTED, NOW - 1200)
    # Jobs on a cluster outlive their main process.
    made_up.train(cell, step=90, at=NOW - 100)
    assert find(made_up, cell).state is State.RUNNING
    assert find(made_up, cell, NOW + 30).state is State.INTERRUPTED


@pytest.mark.parametrize(
    ("end", "state"), [("ValueError: no", State.FAILED), ("KeyboardInterrupt", State.INTERRUPTED)]
)
def test_a_job_that_outlived_its_main_process_may_have_failed(made_up, cell, end, state):
    """Nobody was there any more to say so; one that was asked to end has not failed."""
    made_up.begin(pid=GONE)
    made_up.start(
        cell, NOW - 1500, f"Traceback (most recent call last):\n  File x\n{end}\n", written=NOW - 700
    )
    found = find(made_up, cell)
    assert (found.state, found.moment) == (state, NOW - 700)


def test_a_job_that_never_started_is_pending_once_its_main_process_has_gone(made_up, cell):
    """Nothing of it is lost."""
    made_up.begin(pid=GONE)
    made_up.say(NOW - 600, "submitted", cell, attempt=1)
    assert find(made_up, cell).state is State.PENDING


def test_a_process_that_was_really_killed(made_up, cell):
    """Its id alone proves nothing; the id with the start of the process does."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        made_up.begin(pid=process.pid)
        made_up.start(cell, NOW - 1500)
        assert find(made_up, cell).state is State.RUNNING
        process.kill()
    assert find(made_up, cell).state is State.INTERRUPTED


def test_of_a_main_process_on_another_host_the_age_of_the_logs_tells(made_up, cell):
    """Its process cannot be seen from here; that its journal was written just now can."""
    made_up.begin(at=NOW - 1600, **OTHER_HOST)
    made_up.start(cell, NOW - 1500)
    assert find(made_up, cell).state is State.INTERRUPTED
    made_up.write(cell.log, "", NOW - 60)
    assert find(made_up, cell).state is State.RUNNING
    made_up.write(cell.log, "", NOW - 1000)
    os.utime(made_up.folder / "logs/jobs.jsonl", (NOW - 30, NOW - 30))
    assert find(made_up, cell).state is State.RUNNING


def test_failed_until_its_outputs_are_newer(made_up, cell):
    """What was made again by hand, or by a run without a journal, is there."""
    made_up.begin()
    made_up.start(cell, NOW - 1500)
    made_up.fail(cell, NOW - 1200)
    assert (find(made_up, cell).state, find(made_up, cell).moment) == (State.FAILED, NOW - 1200)
    made_up.finish(cell, at=NOW - 1300)
    assert find(made_up, cell).state is State.FAILED
    made_up.finish(cell, at=NOW - 1100)
    assert find(made_up, cell).state is State.DONE


def test_a_retry_is_another_attempt(made_up, cell):
    """A job that is tried again has not failed, and the number of its attempts says how stubborn it is."""
    made_up.begin()
    for at in (NOW - 1500, NOW - 1300):
        made_up.start(cell, at)
        made_up.fail(cell, at + 100)
    made_up.start(cell, NOW - 1100)
    found = find(made_up, cell)
    assert (found.state, found.record.attempts) == (State.RUNNING, 3)
    made_up.finish(cell, at=NOW - 1000)
    made_up.say(NOW - 999, "finished", cell)
    shutil.rmtree(made_up.folder / cell.run)
    # What was removed by hand is to be made again.
    assert find(made_up, cell).state is State.PENDING
    made_up.start(cell, NOW - 500)
    assert find(made_up, cell).record.attempts == 1


def test_outputs_of_before_are_not_those_of_a_job_that_waits(made_up, cell):
    """A changed loss reruns its cells; until then the old files lie where the new ones will."""
    made_up.finish(cell, at=NOW - 5000)
    made_up.begin()
    made_up.say(NOW - 600, "submitted", cell, attempt=1)
    assert find(made_up, cell).state is State.QUEUED
    made_up.write(cell.log, "", NOW - 500)
    made_up.finish(cell, at=NOW - 400)
    assert find(made_up, cell).state is State.DONE


def test_without_a_journal_the_logs_tell(made_up, cell):
    """A journal may be lost, and older versions kept none."""
    made_up.write(cell.log, "starting afresh\n", NOW - 60)
    assert find(made_up, cell).state is State.RUNNING
    assert find(made_up, cell, NOW + 100).state is State.PENDING
    made_up.train(cell, step=90, at=NOW - 300, checkpoint=80)
    assert find(made_up, cell, NOW + 100).state is State.INTERRUPTED
    made_up.write(cell.log, "Traceback (most recent call last):\n  File x\nValueError: no\n", NOW - 60)
    assert find(made_up, cell, NOW + 100).state is State.FAILED


def test_an_alias_has_no_jobs_of_its_own(made_up):
    """It is not trained; asked for by its path, it is linked, which can fail as any job."""
    paths = [job.run.removeprefix("cells/") for job in made_up.jobs.values() if job.rule == "train_cell"]
    alias = "dlrml/beta_kl~0.1__beta_mix~0.1__tau~0.05/seed~1"
    assert alias not in paths
    assert len(paths) == 6
    assert read_study_progress(made_up.study, made_up.folder, NOW).aliases == 1

    made_up.begin()
    log = f"results/small/cells/{alias}/adopt_cell.log"
    made_up.say(
        NOW - 500, "submitted", rule="adopt_cell", wildcards={"alias": f"small/cells/{alias}"}, log=log
    )
    made_up.say(NOW - 400, "failed", rule="adopt_cell", wildcards={"alias": f"small/cells/{alias}"}, log=log)
    (job,) = read_study_progress(made_up.study, made_up.folder, NOW).select(State.FAILED)
    assert (job.rule, job.log) == ("adopt_cell", f"cells/{alias}/adopt_cell.log")
    made_up.say(NOW - 300, "finished", rule="adopt_cell", wildcards={}, log=log)
    assert not read_study_progress(made_up.study, made_up.folder, NOW).select(State.FAILED)
