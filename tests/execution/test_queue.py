"""What Slurm says of this user's jobs."""

import subprocess

import pytest
from fake_slurm import NAME, write_job

from execution import queue
from execution.queue import (
    MissingCommandError,
    QueueError,
    UnreadableAnswerError,
    call,
    cancel_jobs,
    get_plain_environment,
    insist,
    list_jobs,
    widen_view,
)

DOWN = "squeue: Unable to contact slurm controller"


def test_jobs_of_this_directory_that_have_something_to_do(slurm, folder, tmp_path):
    """A job overlooked here is submitted a second time, and both write the same files."""
    elsewhere = tmp_path / "elsewhere"
    slurm.set_queue(
        write_job(1, folder),
        write_job(2, folder, "PENDING", reason="PartitionTimeLimit"),
        write_job(3, folder, "COMPLETED"),
        write_job(4, elsewhere),
        write_job(5, folder, "COMPLETING"),
        write_job(6, folder, "CANCELLED"),
        write_job("7_[1-4]", folder, "PENDING", comment="rule_plot_frontier"),
        write_job(8, folder, name=f"night_{NAME}"),
    )
    jobs = list_jobs(folder)
    assert [job.id for job in jobs] == ["1", "2", "5", "7_[1-4]", "8"]
    assert (jobs[1].state, jobs[1].reason) == ("PENDING", "PartitionTimeLimit")
    assert jobs[3].comment == "rule_plot_frontier"
    assert all("--states=all" in line and "--all" in line for line in slurm.get_calls("squeue"))


def test_jobs_that_are_not_snakemakes_are_left_alone(slurm, folder):
    """A main process inside an interactive job of the same directory would wait for itself, or cancel itself."""
    slurm.set_queue(
        write_job(1, folder, name="interactive", comment=""),
        write_job(2, folder, name="snakemake.sh", comment="(null)"),
        write_job(3, folder),
    )
    assert [job.id for job in list_jobs(folder)] == ["3"]


def test_directory_by_another_name_is_the_same(slurm, folder, tmp_path):
    """Home directories of clusters are links: jobs would not be found from the other name."""
    link = tmp_path / "link"
    link.symlink_to(folder)
    slurm.set_queue(write_job(1, folder))
    assert [job.id for job in list_jobs(link)] == ["1"]


def test_users_own_view_of_the_queue_hides_no_job(slurm, folder, monkeypatch):
    """With SQUEUE_PARTITION in a user's shell, the jobs of other partitions would be submitted a second time."""
    monkeypatch.setenv("SQUEUE_PARTITION", "gpu")
    monkeypatch.setenv("SQUEUE_STATES", "RUNNING")
    monkeypatch.setenv("SINFO_PARTITION", "gpu")
    monkeypatch.setenv("SLURM_CONF", "kept")
    list_jobs(folder)
    call("sinfo")
    assert slurm.read("variables") == []
    assert get_plain_environment()["SLURM_CONF"] == "kept"


def test_the_plugins_questions_see_all_of_the_queue(slurm, monkeypatch):
    """The plugin asks by itself: a job that the user's view hides would count as forgotten while it runs."""
    monkeypatch.setenv("SQUEUE_PARTITION", "gpu")
    monkeypatch.setenv("SQUEUE_ALL", "")
    widen_view()
    subprocess.run(["squeue"], check=True)
    assert slurm.read("variables") == ["SQUEUE_ALL=1"]


def test_cancelled_jobs_are_named(slurm, folder):
    """Cancelled must be these jobs and none of the user's others; scancel without any fails."""
    slurm.set_queue(write_job(1, folder), write_job(2, folder), write_job(12, folder))
    cancel_jobs(iter(["1", "2"]))
    cancel_jobs([])
    assert slurm.get_calls("scancel") == ["scancel 1 2"]
    assert [job.id for job in list_jobs(folder)] == ["12"]


def test_errors_hold_slurms_own_words(slurm, folder):
    """Without them nobody knows whether the controller is down or the name of a program is wrong."""
    slurm.stop_answering()
    with pytest.raises(QueueError, match="squeue: slurm_load_jobs error: Unable to contact slurm controller"):
        list_jobs(folder)
    slurm.add_program("sbatch", "exit 3\n")
    (slurm.folder / "down").unlink()
    with pytest.raises(QueueError, match="sbatch: exit status 3"):
        call("sbatch")


def test_missing_program_says_where_to_run(monkeypatch, tmp_path):
    """On a laptop or a compute node Slurm's programs are missing, and a traceback does not say so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        MissingCommandError, match="squeue: no such command; run on a node from which jobs are submitted"
    ):
        call("squeue")


def test_program_that_hangs_is_an_error(slurm, monkeypatch):
    """Without accounting sacct hangs for ever, and so would the main process."""
    monkeypatch.setattr(queue, "TIMEOUT", 0.2)
    slurm.add_program("sacct", "exec sleep 600\n")
    with pytest.raises(QueueError, match="sacct: no answer within"):
        call("sacct")


def test_restart_of_the_controller_is_ridden_out(monkeypatch):
    """A controller that is started anew at night must not end a start that could go on."""
    monkeypatch.setattr(queue, "PAUSE", 0)
    said, answers = [], iter([QueueError(DOWN), QueueError(DOWN), "jobs"])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert insist(ask, 600, said.append) == "jobs"
    assert said == [f"Slurm does not answer ({DOWN}); asking again for 600 s"]


@pytest.mark.parametrize("error", [MissingCommandError("no sinfo"), UnreadableAnswerError("a limit")])
def test_what_no_waiting_mends_is_told_at_once(error):
    """On a laptop the command would wait ten minutes for a program that is not installed."""
    asked = []

    def ask():
        asked.append(None)
        raise error

    with pytest.raises(QueueError, match=str(error)):
        insist(ask, 600, print)
    assert len(asked) == 1


def test_words_of_no_outage_are_believed_sooner(monkeypatch):
    """A controller that refuses for good would be asked for ten minutes, and one that fails for a moment never."""
    now, said = [0.0], []
    monkeypatch.setattr(queue.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(queue.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))

    def ask():
        raise QueueError("sinfo: error: unrecognized option")

    with pytest.raises(QueueError, match="unrecognized option"):
        insist(ask, 600, said.append)
    assert queue.BRIEF < now[0] <= queue.BRIEF + 2 * queue.PAUSE
    assert said == [
        f"Slurm does not answer (sinfo: error: unrecognized option); asking again for {queue.BRIEF} s"
    ]


def test_controller_that_stays_away_is_an_error(monkeypatch):
    """Asked for ever, the command would seem to hang."""
    monkeypatch.setattr(queue, "PAUSE", 0)
    asked = []

    def ask():
        asked.append(None)
        raise QueueError("down")

    with pytest.raises(QueueError, match="down"):
        insist(ask, 0.05, lambda line: None)
    assert len(asked) > 1
