"""Jobs on Slurm that nobody watches: they may run for as long as they asked for."""

import pytest
from made_up_results import NOW
from test_failed_jobs import render as render_failed
from test_overview import render

from execution.main_process import FOLDER, RECORD, describe_this_process, write_record
from lossgrid.planning import get_requirements
from lossgrid.progress.states import State
from lossgrid.progress.study_progress import read_study_progress

CELL, OTHER = "dpo/beta~0.1/seed~1", "dpo/beta~0.1/seed~2"
GONE = 2**22 + 1
OTHER_HOST = {"host": "elsewhere", "pid": 1, "start": "1"}


@pytest.fixture
def cell(made_up):
    """The training of a cell."""
    return made_up.find("train_cell", CELL)


def find(made_up, job, now: float = NOW) -> State:
    """What is read of a job."""
    return read_study_progress(made_up.study, made_up.folder, now).get_state(job).state


@pytest.mark.parametrize("main", [{"pid": GONE}, OTHER_HOST])
def test_a_silent_job_on_slurm_is_not_called_interrupted(made_up, cell, main):
    """Answering says nothing for hours; called interrupted, it would be started by hand beside itself."""
    made_up.begin(executor="slurm", **main)
    made_up.say(NOW - 1500, "submitted", cell, attempt=1, slurm_id="4711")
    made_up.write(cell.log, "starting afresh\n", NOW - 1200)
    assert find(made_up, cell) is State.UNCERTAIN
    allowed = 60 * get_requirements(made_up.study, "train_cell").runtime
    assert find(made_up, cell, NOW - 1200 + allowed - 1) is State.UNCERTAIN
    assert find(made_up, cell, NOW - 1200 + allowed + 1) is State.INTERRUPTED


def test_a_later_attempt_was_allowed_more_time(made_up, cell):
    """The second asks for twice as much."""
    made_up.begin(pid=GONE, executor="slurm")
    made_up.say(NOW - 1500, "submitted", cell, attempt=2, slurm_id="4711")
    allowed = 60 * get_requirements(made_up.study, "train_cell").runtime
    assert find(made_up, cell, NOW - 1500 + 2 * allowed - 1) is State.UNCERTAIN
    assert find(made_up, cell, NOW - 1500 + 2 * allowed + 1) is State.PENDING


def test_a_job_without_a_number_died_with_its_main_process(made_up, cell):
    """A job of this machine does not outlive it by half an hour."""
    made_up.begin(pid=GONE)
    made_up.start(cell, NOW - 1500)
    assert find(made_up, cell) is State.INTERRUPTED


@pytest.mark.parametrize("how", ["ended", "another began here", "another began other studies"])
def test_where_its_end_is_known_nothing_is_uncertain(made_up, cell, how):
    """A main process that ends has waited for its jobs, and one that begins, for those of the one before."""
    made_up.begin(pid=GONE, executor="slurm")
    made_up.say(NOW - 1500, "submitted", cell, attempt=1, slurm_id="4711")
    made_up.write(cell.log, "starting afresh\n", NOW - 1400)
    if how == "ended":
        made_up.say(NOW - 1000, "ended", success=False)
    elif how == "another began here":
        made_up.main = "main-2"
        made_up.begin(at=NOW - 900, executor="slurm")
    else:
        folder = made_up.root / FOLDER
        folder.mkdir(parents=True)
        write_record(describe_this_process("slurm"), folder, RECORD)
    assert find(made_up, cell) is State.INTERRUPTED


def test_an_error_in_its_log_is_the_end_of_it(made_up, cell):
    """There is nothing left to be uncertain of."""
    made_up.begin(pid=GONE, executor="slurm")
    made_up.say(NOW - 1500, "submitted", cell, attempt=1, slurm_id="4711")
    made_up.write(cell.log, "Traceback (most recent call last):\n  File x\nValueError: no\n", NOW - 1200)
    assert find(made_up, cell) is State.FAILED


def test_both_screens_say_how_to_ask_for_them(made_up, cell):
    """With the number, because the screens themselves ask nobody."""
    made_up.begin(pid=GONE, executor="slurm")
    made_up.say(NOW - 1500, "submitted", cell, attempt=1, slurm_id="4711")
    made_up.write(cell.log, "starting afresh\n", NOW - 1200)
    made_up.say(NOW - 600, "submitted", made_up.find("train_cell", OTHER), attempt=1, slurm_id="79_3")
    text = render(made_up)
    assert (
        "\nPerhaps still running, on Slurm without their main process (2)\n"
        f"  train_cell {CELL}: job 4711, last heard of 20 min ago\n"
        f"  train_cell {OTHER}: job 79_3, submitted 10 min ago\n"
        "  To see whether they do:  squeue -j 4711,79_3\n"
    ) in text
    assert "2 perhaps running" in text
    assert "interrupted" not in text
    assert render_failed(made_up) == (
        "Study small: nothing has failed, and nothing was interrupted.\n"
        "2 jobs may still run on Slurm, which a rerun waits for: squeue -j 4711,79_3"
    )


def test_the_clock_of_a_node_may_be_behind(made_up, cell):
    """By five seconds: the log of a job that runs was older than its submission, and so it was called queued."""
    made_up.begin()
    made_up.say(NOW - 20, "submitted", cell, attempt=1)
    made_up.write(cell.log, "starting afresh\n", NOW - 25)
    made_up.train(cell, step=3, at=NOW - 24)
    progress = read_study_progress(made_up.study, made_up.folder, NOW).get_state(cell)
    assert (progress.state, progress.progress.step) == (State.RUNNING, 3)


@pytest.mark.parametrize("how", ["failed", "main process killed"])
def test_the_log_of_the_attempt_before_is_not_taken_for_that_of_this_one(made_up, cell, how):
    """A retry is submitted a second after the failure, long before it runs."""
    made_up.begin(pid=GONE, at=NOW - 4000)
    made_up.start(cell, NOW - 3000)
    if how == "failed":
        made_up.fail(cell, NOW - 21)
    made_up.write(cell.log, "", NOW - 22)
    made_up.main = "main-2"
    made_up.begin(at=NOW - 21)
    made_up.say(NOW - 20, "submitted", cell, attempt=2)
    assert find(made_up, cell) is State.QUEUED
