"""Submission while Slurm does not answer: no job may pay for it with an attempt, and none be submitted twice."""

import asyncio
import threading

import pytest
import snakemake_executor_plugin_slurm as plugin
from fake_slurm import NAME, write_job
from plugin_executor import make_executor, make_job
from tiny_workflow import wait_until

from execution import submission
from execution.outage import is_outage
from execution.status_query import WatchedJobs, correct_answers
from execution.submission import Submission, correct_submission, read_option


@pytest.fixture
def said():
    """What the user is told."""
    return []


@pytest.fixture
def held(slurm, monkeypatch, said):
    """The plugin with the correction, and the submission behind it."""
    for name in ("subprocess", "validate_account"):
        monkeypatch.setattr(plugin, name, getattr(plugin, name))
    monkeypatch.setattr(plugin.Executor, "cancel", plugin.Executor.cancel)
    monkeypatch.setattr(submission, "PAUSE", 0.05)
    held = Submission(say=said.append)
    correct_submission(plugin, held)
    yield held
    held.ended.set()


def test_jobs_wait_for_the_controller_and_are_then_submitted(held, slurm, folder, said):
    """Three attempts within the second that a controller needs to start would fail every cell of a study."""
    slurm.stop_answering()
    jobs = [make_job(number) for number in range(1, 6)]
    executor, told = make_executor(folder, jobs, {"make_pairs"})
    executor.run_jobs([*jobs, make_job(6, "make_pairs")])
    wait_until(lambda: said)
    assert (told.submitted, told.failed) == ({}, {})
    slurm.answer_again()
    wait_until(lambda: len(told.submitted) == 6)
    assert told.failed == {}
    assert len(set(told.submitted.values())) == 6
    first, last = said
    assert "Slurm does not answer (" in first
    assert "Unable to contact slurm controller); jobs wait to be submitted until it does" in first
    assert last == "Slurm answers again; jobs are submitted"


def test_array_waits_as_well(held, slurm, folder):
    """The plugin fails each job of an array whose submission fails."""
    slurm.stop_answering()
    jobs = [make_job(number) for number in range(1, 4)]
    executor, told = make_executor(folder, jobs, {"train_cell"})
    executor.run_jobs(jobs)
    wait_until(lambda: held.held)
    slurm.answer_again()
    wait_until(lambda: len(told.submitted) == 3)
    assert told.failed == {}


def test_job_whose_number_got_lost_is_not_submitted_again(held, slurm, folder, said):
    """A controller under load takes the job and answers too late: two of it would write the same files."""
    slurm.set_queue(
        write_job(7, folder, comment="rule_train_cell_wildcards_mini_seed~2"),
        write_job(8, folder, name=NAME.replace("0", "1"), comment="rule_train_cell_wildcards_mini_seed~1"),
    )
    slurm.lose_answer(4711)
    executor, told = make_executor(folder, [])
    executor.run_jobs([make_job(1)])
    wait_until(lambda: told.submitted)
    assert told.submitted == {1: "4711"}
    assert len(slurm.get_calls("sbatch")) == 1
    # The same job once more, after a failure: the first attempt, which the queue still shows, is not it.
    slurm.lose_answer(4712)
    executor.run_jobs([make_job(1)])
    wait_until(lambda: told.submitted != {1: "4711"})
    assert told.submitted == {1: "4712"}


def test_refusal_is_told_at_once(held, slurm, folder, said):
    """What Slurm will never take must not be waited for."""
    slurm.refuse_jobs("Batch job submission failed: Requested node configuration is not available")
    executor, told = make_executor(folder, [])
    executor.run_jobs([make_job(1)])
    wait_until(lambda: told.failed)
    assert "Requested node configuration is not available" in told.failed[1]
    assert said == []


def test_interruption_ends_the_wait_and_submits_nothing(held, slurm, folder, monkeypatch):
    """Ctrl-C would wait for the controller; and jobs submitted after it would run for nobody."""
    cancelled = []
    executor, told = make_executor(folder, [])
    monkeypatch.setattr(executor, "lock", threading.Lock(), raising=False)
    monkeypatch.setattr(executor, "active_jobs", [], raising=False)
    monkeypatch.setattr(executor, "cancel_jobs", lambda jobs: cancelled.append(list(jobs)))
    monkeypatch.setattr(executor, "shutdown", lambda: cancelled.append("shut down"))
    slurm.stop_answering()
    executor.run_jobs([make_job(number) for number in range(1, 20)])
    wait_until(lambda: held.held)
    executor.cancel()
    assert cancelled == [[], "shut down"]
    assert told.submitted == {}
    # The two that were being submitted; nobody waits for the others.
    assert len(told.failed) <= 2
    assert all("interrupted while Slurm did not answer" in message for message in told.failed.values())


def test_interruption_does_not_wait_for_states_either():
    """The plugin asks five hundred times, every five seconds, before it lets the main process end."""

    async def query(*arguments):
        return None, None

    jobs, ended = WatchedJobs(finished=lambda job: False, say=print), threading.Event()
    jobs.add("1")
    ask = correct_answers(query, jobs, ended.is_set)
    assert asyncio.run(ask()) == (None, None)
    ended.set()
    assert asyncio.run(ask()) == ({"1": "PENDING"}, 0.0)


@pytest.mark.parametrize(
    ("words", "outage"),
    [
        (
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
            True,
        ),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", True),
        ("sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received", True),
        ("sbatch: error: Batch job submission failed: Slurm backup controller in standby mode", True),
        ("sbatch: fatal: Could not establish a configuration source", True),
        ("squeue: no answer within 60 s", True),
        (
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination",
            False,
        ),
        ("sbatch: error: invalid partition specified: gpux", False),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", False),
        ("/bin/sh: 1: sbatch: not found", False),
        ("", False),
    ],
)
def test_outage_is_told_from_a_refusal(words, outage):
    """An outage taken for a refusal costs a study its attempts; a refusal taken for an outage, a night."""
    assert is_outage(words) is outage


def test_options_are_read_as_the_shell_reads_them():
    """By them the job is found whose number got lost."""
    call = """sbatch --parsable --job-name a-1 --comment 'rule_x_wildcards_it'"'"'s a' --wrap="echo 'open"""
    assert read_option(call, "--job-name") == "a-1"
    assert read_option(call, "--comment") == "rule_x_wildcards_it's a"


def test_plugin_submits_by_popen_alone():
    """After an update it might submit in another way, and an outage would fail every job again."""
    for method in (plugin.Executor.run_job, plugin.Executor.run_array_jobs):
        names = method.__code__.co_names
        assert "Popen" in names
        assert not {"run", "check_output", "check_call", "call"} & set(names)
    assert "validate_account" in plugin.Executor.get_account_arg.__code__.co_names
