"""The steps of the guard: what an earlier main process left behind is settled, and nothing else is touched."""

import os
import socket
from pathlib import Path

import pytest
from fake_slurm import write_job
from marked_process import STUBBORN, is_alive, run_job

from execution import local_processes, queue, start_guard
from execution.local_processes import MARKER
from execution.main_process import (
    FOLDER,
    AnotherMainProcessError,
    MainProcess,
    hold_folder,
    read_record,
    write_record,
)
from execution.start_guard import StartRefusedError, describe_jobs, guard_start, remove_lock, settle_jobs

LOCKS = Path(".snakemake/locks")


@pytest.fixture(autouse=True)
def alone(folder, monkeypatch):
    """A process of its own: what the guard holds and marks is let go of after the test."""
    held = []
    monkeypatch.setattr(start_guard, "HELD", held)
    monkeypatch.setattr(start_guard, "POLL", 0)
    monkeypatch.setattr(queue, "PAUSE", 0)
    monkeypatch.setenv(MARKER, "")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    yield
    for file in held:
        file.close()


def leave(executor: str = "local", host: str | None = None) -> MainProcess:
    """Leave the record and the lock of a main process that has ended."""
    earlier = MainProcess("earlier", host or socket.gethostname(), 99999999, "1", 1e9, executor)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_record(earlier)
    LOCKS.mkdir(parents=True)
    for name in ("0.input.lock", "0.output.lock"):
        (LOCKS / name).write_text("results/mini/corpus\n")
    return earlier


def test_lock_of_a_process_that_has_ended_is_removed():
    """After a power cut at night the same command must go on, without a word to look up."""
    said = []
    remove_lock(leave(), said.append)
    assert list(LOCKS.iterdir()) == []
    (line,) = said
    assert "process 99999999" in line
    assert "has ended without" in line


@pytest.mark.parametrize("locks", ["missing", "empty"])
def test_without_a_lock_nothing_is_said(locks):
    """The usual start."""
    if locks == "empty":
        LOCKS.mkdir(parents=True)
    said = []
    remove_lock(None, said.append)
    assert said == []


@pytest.mark.parametrize("recorded", [True, False])
def test_lock_that_may_be_anothers_stays(recorded):
    """The main process may run on the other login node: two at once would write the same files."""
    earlier = leave(host="login2")
    with pytest.raises(StartRefusedError) as error:
        remove_lock(earlier if recorded else None, lambda line: None)
    assert len(list(LOCKS.iterdir())) == 2
    assert ("process 99999999 on login2 since " in str(error.value)) == recorded
    assert "run the same command with --unlock, and then again without" in str(error.value)


def test_jobs_of_another_hosts_main_process_are_not_touched(slurm, folder):
    """Its jobs would be cancelled under its hands before the lock is even looked at."""
    leave("slurm", host="login2")
    slurm.set_queue(write_job(1, folder))
    with run_job(folder) as job:
        with pytest.raises(StartRefusedError, match="locked by another main process"):
            guard_start("slurm", "cancel", print)
        assert is_alive(job.pid)
    assert slurm.get_calls() == []
    assert read_record().host == "login2"


def test_unknown_choice_is_told_with_the_known_ones(slurm):
    """`orphans: kill` taken for `wait`, or for `cancel`, is not what was asked."""
    with pytest.raises(
        StartRefusedError, match="config: orphans: kill: unknown choice; known: wait, cancel, stop"
    ):
        guard_start("local", "kill", print)
    assert not FOLDER.exists()


def test_start_with_nothing_left(slurm):
    """The usual start on one machine: held, recorded, marked, and Slurm is not asked."""
    said = []
    process = guard_start("local", "wait", said.append)
    assert said == []
    assert read_record() == process
    assert (process.pid, process.executor) == (os.getpid(), "local")
    assert os.environ[MARKER] == os.path.realpath(".")
    assert slurm.get_calls() == []
    with pytest.raises(AnotherMainProcessError):
        hold_folder()


def test_processes_left_on_this_machine_are_ended(folder):
    """Snakemake does not take over what they write: both would write the same files."""
    leave()
    said = []
    with run_job(folder) as first, run_job(folder) as second:
        guard_start("local", "wait", said.append)
        assert not is_alive(first.pid)
        assert not is_alive(second.pid)
    assert "removed the lock" in said[0]
    assert said[1] == "ending 2 processes that an earlier main process left on this machine"


def test_processes_are_left_to_a_user_who_wants_to_decide(folder):
    """`stop` promises that nothing is ended."""
    with run_job(folder) as job:
        with pytest.raises(StartRefusedError, match=rf"still run here: {job.pid}; .*--config orphans=cancel"):
            guard_start("local", "stop", print)
        assert is_alive(job.pid)


def test_process_that_cannot_be_ended_refuses_the_start(folder, monkeypatch):
    """One that waits for a file server survives SIGKILL, and writes its files when the server answers."""
    monkeypatch.setattr(start_guard, "end_processes", lambda pids: local_processes.end_processes([], 0))
    with (
        run_job(folder, STUBBORN) as job,
        pytest.raises(StartRefusedError, match=f"cannot be ended: {job.pid}"),
    ):
        guard_start("local", "wait", print)


def test_orphans_are_waited_for(slurm, folder):
    """What they finish is hours of GPUs; submitted again beside them, both would write the same files."""
    running, pending = write_job(1, folder), write_job(2, folder, "PENDING", comment="rule_plot_frontier")
    slurm.then(running, pending)
    slurm.then(running)
    slurm.then(write_job(1, folder, "COMPLETED"))
    said = []
    settle_jobs("wait", said.append, must_answer=True)
    assert said == [
        "waiting for 2 jobs (1 running, 1 pending: 1 train_cell mini_dpo_beta~0.1_1, 2 plot_frontier) of an "
        "earlier main process, whose results will be taken over; to cancel them, interrupt and add "
        "--config orphans=cancel",
        "they have ended; what they finished is taken over",
    ]
    assert len(slurm.get_calls("squeue")) == 3
    assert slurm.get_calls("scancel") == []


def test_wait_outlives_a_restart_of_the_controller(slurm, folder, monkeypatch):
    """The wait takes hours, and controllers are started anew at night."""
    slurm.then(write_job(1, folder))
    slurm.then()
    answers = iter([False, True, True, False])

    def call(*command):
        if next(answers):
            raise queue.QueueError("squeue: Unable to contact slurm controller")
        return original(*command)

    original = queue.call
    monkeypatch.setattr(queue, "call", call)
    said = []
    settle_jobs("wait", said.append, must_answer=True)
    assert [line.partition(" ")[0] for line in said] == ["waiting", "Slurm", "they"]


def test_orphans_are_cancelled_and_waited_for_until_they_are_gone(slurm, folder, tmp_path):
    """A cancelled job still writes while it ends; other jobs of the user are none of ours."""
    own, other = write_job(9, folder, name="interactive"), write_job(3, tmp_path)
    slurm.set_queue(write_job(1, folder), write_job(2, folder, "PENDING"), own, other)
    said = []
    settle_jobs("cancel", said.append, must_answer=True)
    assert slurm.get_calls("scancel") == ["scancel 1 2"]
    assert slurm.read("queue") == [own, other]
    assert said[0].startswith("cancelling 2 jobs (1 running, 1 pending: 1 train_cell")
    assert said[-1] == "they have ended; what they finished is taken over"


def test_job_that_is_forgotten_while_it_is_cancelled(slurm, folder):
    """Scancel refuses an id that Slurm no longer knows: asked again and again, the start would fail after minutes."""
    slurm.add_program(
        "scancel", 'echo "$@" | grep -q 2 && { echo Invalid job id specified >&2; exit 1; }\ntrue\n'
    )
    slurm.then(write_job(1, folder), write_job(2, folder))
    slurm.then(write_job(1, folder), write_job(2, folder))
    slurm.then(write_job(1, folder))
    slurm.then()
    settle_jobs("cancel", lambda line: None, must_answer=True)
    assert slurm.get_calls("scancel") == ["scancel 1 2", "scancel 1"]


def test_orphans_are_left_to_a_user_who_wants_to_decide(slurm, folder):
    """`stop` promises that nothing is waited for and nothing cancelled."""
    slurm.set_queue(*(write_job(number, folder) for number in range(1, 8)))
    with pytest.raises(StartRefusedError) as error:
        settle_jobs("stop", print, must_answer=True)
    assert "7 jobs (7 running, 0 pending: 1 train_cell" in str(error.value)
    assert "5 train_cell mini_dpo_beta~0.1_1 and 2 more)" in str(error.value)
    assert "orphans=wait" in str(error.value)
    assert "orphans=cancel" in str(error.value)
    assert slurm.get_calls("scancel") == []


@pytest.mark.parametrize("choice", ["wait", "cancel", "stop"])
def test_without_orphans_nothing_is_said(choice, slurm, folder, tmp_path):
    """The usual start on a cluster, while the user's other studies run."""
    slurm.set_queue(write_job(1, tmp_path), write_job(2, folder, name="bash", comment=""))
    said = []
    settle_jobs(choice, said.append, must_answer=True)
    assert said == []
    assert slurm.get_calls("scancel") == []


def test_slurm_that_does_not_answer_refuses_the_start(slurm, folder, monkeypatch):
    """To go on blindly may submit every running job a second time."""
    monkeypatch.setattr(start_guard, "PATIENCE", 0)
    slurm.set_queue(write_job(1, folder))
    slurm.stop_answering()
    with pytest.raises(StartRefusedError, match=r"Slurm cannot be asked: squeue: .*Unable to contact"):
        guard_start("slurm", "wait", print)
    assert read_record() is None


def test_local_run_after_one_on_the_cluster(slurm, folder):
    """A user who gives up on the cluster and goes on at the login node still has jobs there."""
    leave("slurm")
    slurm.then(write_job(1, folder))
    slurm.then()
    said = []
    assert guard_start("local", "wait", said.append).executor == "local"
    assert "waiting for 1 job (1 running, 0 pending" in said[1]
    # From now on it is a local one's directory, and Slurm need not be there.
    for file in start_guard.HELD:
        file.close()
    slurm.stop_answering()
    assert guard_start("local", "wait", said.append).executor == "local"


def test_copy_of_a_directory_on_a_machine_without_slurm(folder, monkeypatch, tmp_path):
    """On a laptop nothing will ever answer: the message must say how to go on."""
    leave("slurm")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        StartRefusedError, match=r"squeue: no such command; .* copy .* remove .snakemake/lossgrid/main.json"
    ):
        guard_start("local", "wait", print)
    for file in start_guard.HELD:
        file.close()
    (FOLDER / "main.json").unlink()
    assert guard_start("local", "wait", print).executor == "local"


def test_jobs_are_described_by_what_they_make(folder):
    """Numbers alone say nothing about whether to wait."""
    jobs = [
        queue.QueuedJob("7", "PENDING", "Priority", str(folder), "rule_make_corpus_wildcards_mini"),
        queue.QueuedJob("8", "PENDING", "PartitionTimeLimit", str(folder), "rule_prepare"),
        queue.QueuedJob("9", "RUNNING", "None", str(folder), "rule_prepare"),
    ]
    assert describe_jobs(jobs) == (
        # The second may wait for ever.
        "3 jobs (1 running, 2 pending: 7 make_corpus mini, 8 prepare [PartitionTimeLimit], 9 prepare)"
    )
