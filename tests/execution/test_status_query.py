"""What the plugin hears of its jobs: no job is waited for without end, and none that runs is taken for ended."""

import asyncio
import inspect
import logging
from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_slurm as plugin
from fake_slurm import write_job
from hypothesis import given
from hypothesis import strategies as st

from execution.queue import QueueError
from execution.status_query import (
    ENDED,
    FORGOTTEN_AFTER,
    MOST_NODE_FAILURES,
    REQUEUED,
    WatchedJobs,
    correct_answers,
    find_state,
    read_states,
)
from execution.watch import is_incomplete

REPORTED = ENDED - REQUEUED


class Site:
    """Watched jobs, with all that they ask of Slurm answered from here."""

    def __init__(self, *jobs: str):
        self.now, self.said, self.requeued = 0.0, [], []
        self.finished, self.controller, self.error = set(), {}, None
        self.watched = WatchedJobs(
            finished=lambda job: job in self.finished,
            say=self.said.append,
            requeue=self.requeue,
            look=self.look,
            clock=lambda: self.now,
        )
        for job in jobs:
            self.watched.add(job)

    def requeue(self, job):
        self.requeued.append(job)
        if self.error:
            raise self.error

    def look(self, job):
        if isinstance(self.controller, Exception):
            raise self.controller
        return self.controller.get(job)

    def hear(self, **states: str) -> dict[str, str]:
        """The corrected states of jobs, whose ids are given as j1, j7_2 and so on."""
        return self.watched.correct({job.removeprefix("j"): state for job, state in states.items()})


@pytest.mark.parametrize(
    "state", ["PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED"]
)
def test_job_that_has_not_ended_is_waited_for(state):
    """A job taken for ended is submitted again while it still writes its files."""
    site = Site("1")
    for _ in range(3):
        site.now += 600
        assert site.hear(j1=state) == {"1": state}
    assert "1" in site.watched.missing_since
    assert site.said == []


@pytest.mark.parametrize("state", sorted(REPORTED))
def test_end_of_a_job_is_told_once_with_its_state(state):
    """The state decides whether the next attempt gets more memory or more time, and what the user reads."""
    site = Site("1", "2")
    assert site.hear(j1=state, j2="RUNNING") == {"1": state, "2": "RUNNING"}
    assert list(site.watched.missing_since) == ["2"]
    assert site.watched.last_states == {"1": state}


def test_job_cancelled_by_somebody_is_a_failure():
    """Sacct writes `CANCELLED by 0`, which is no failure to the plugin: it would wait for ever."""
    site = Site("1")
    assert site.hear(j1="CANCELLED by 0") == {"1": "CANCELLED"}
    assert site.watched.last_states == {"1": "CANCELLED by 0"}


def test_unknown_is_no_success():
    """The plugin takes UNKNOWN for a success, and would go on with files that are not there."""
    site = Site("1")
    assert site.hear(j1="UNKNOWN", j2="UNKNOWN") == {"1": "PENDING", "2": "PENDING"}
    assert site.hear(j1="") == {"1": "PENDING"}
    assert site.hear(j1="COMPLETED") == {"1": "COMPLETED"}


@pytest.mark.parametrize("state", sorted(REQUEUED))
def test_job_that_was_not_to_blame_runs_again_under_its_id(state):
    """Counted as failed, a night of preemptions would use up the attempts of a job that has no fault."""
    site = Site("1")
    assert site.hear(j1=state) == {"1": "PENDING"}
    assert site.requeued == ["1"]
    assert site.said == [f"job 1 has ended as {state}; Slurm will run it again"]
    for state in ("PENDING", "RUNNING", "COMPLETED"):
        assert site.hear(j1=state) == {"1": state}
    assert site.watched.missing_since == {}


@pytest.mark.parametrize("state", sorted(REQUEUED))
def test_job_that_slurm_does_not_run_again_has_failed(state):
    """The plugin waits for a preempted job until Slurm resumes it, which it never does where it cancels."""
    site = Site("1")
    site.error = QueueError("scontrol: Requested operation is presently disabled")
    assert site.hear(j1=state) == {"1": "FAILED"}
    assert site.watched.missing_since == {}
    assert site.watched.last_states == {"1": state}
    (line,) = site.said
    assert "presently disabled" in line
    assert "counts as failed" in line


def test_job_that_loses_node_after_node_fails_in_the_end():
    """A job that takes its nodes down would take down one after the other."""
    site = Site("1", "2")
    for _ in range(MOST_NODE_FAILURES):
        assert site.hear(j1="NODE_FAIL", j2="PREEMPTED") == {"1": "PENDING", "2": "PENDING"}
        assert site.hear(j1="RUNNING", j2="RUNNING") == {"1": "RUNNING", "2": "RUNNING"}
    # To be preempted so often says nothing against a job.
    assert site.hear(j1="NODE_FAIL", j2="PREEMPTED") == {"1": "FAILED", "2": "PENDING"}
    assert site.requeued.count("1") == MOST_NODE_FAILURES
    assert site.watched.last_states == {"1": "NODE_FAIL"}


@pytest.mark.parametrize(("finished", "state"), [(True, "COMPLETED"), (False, "FAILED")])
def test_job_that_slurm_has_forgotten_is_told_by_its_files(finished, state):
    """Slurm forgets ended jobs within minutes: a main process that slept meanwhile would wait for ever."""
    site = Site("1")
    site.finished = {"1"} if finished else set()
    assert site.hear(j1="RUNNING") == {"1": "RUNNING"}
    assert site.hear() == {}
    site.now += FORGOTTEN_AFTER
    assert site.hear() == {}
    site.now += 1
    assert site.hear() == {"1": state}
    assert site.watched.missing_since == {}
    assert site.watched.last_states == {"1": state}
    assert "Slurm has forgotten job 1" in site.said[0]


def test_job_that_is_seen_again_has_not_been_forgotten():
    """A job unseen for a moment, twice in an hour, still runs."""
    site = Site("1")
    for _ in range(3):
        assert site.hear() == {}
        site.now += FORGOTTEN_AFTER - 1
        assert site.hear(j1="RUNNING") == {"1": "RUNNING"}
    site.now += 10 * FORGOTTEN_AFTER
    assert site.hear() == {}


def test_controller_has_the_last_word_on_a_job_that_is_not_seen():
    """Accounts lag behind by minutes: a running job counted as forgotten would run twice at once."""
    site = Site("1")
    site.hear()
    site.now += FORGOTTEN_AFTER + 1
    site.controller = QueueError("squeue: no answer within 60 s")
    assert site.hear() == {}
    site.controller = {"1": "RUNNING"}
    assert site.hear() == {"1": "RUNNING"}
    site.controller = {"1": "TIMEOUT"}
    assert site.hear() == {"1": "TIMEOUT"}
    assert site.watched.last_states == {"1": "TIMEOUT"}
    assert site.said == []


@pytest.mark.parametrize(
    ("job", "names", "found"),
    [
        ("7_2", {"7_[1-4]": "PENDING"}, "PENDING"),
        ("7_2", {"7_2": "RUNNING", "7_[3-4]": "PENDING"}, "RUNNING"),
        ("7_2", {"7_[3-4]": "CANCELLED"}, None),
        ("7_2", {"7_[1,3-9:2%4]": "PENDING"}, None),
        ("7_5", {"7_[1,3-9:2%4]": "PENDING"}, "PENDING"),
        ("7_90", {"7_[1,3,5,...]": "PENDING"}, "PENDING"),
        ("7_2", {"7": "PENDING"}, "PENDING"),
        ("7", {"7_[1-4]": "PENDING"}, None),
        ("7", {"77": "PENDING", "7_1": "PENDING"}, None),
        ("7_2", {"17_[1-4]": "PENDING", "7_21": "RUNNING"}, None),
    ],
)
def test_task_of_an_array_is_found_among_those_that_wait(job, names, found):
    """Squeue shows tasks that wait as one line: each would count as forgotten."""
    assert find_state(job, names) == found


def test_tasks_of_an_array_that_end_together_are_told_one_by_one():
    """The plugin looks for `7_3` and not for `7_[3-4]`: it would wait for ever for both."""
    site = Site("7_2", "7_3", "7_4")
    heard = site.hear(j7_2="COMPLETED", **{"7_[3-4]": "CANCELLED"})
    assert {job: heard[job] for job in ("7_2", "7_3", "7_4")} == {
        "7_2": "COMPLETED",
        "7_3": "CANCELLED",
        "7_4": "CANCELLED",
    }
    assert site.watched.missing_since == {}


def test_jobs_of_nobody_are_left_alone():
    """An answer may hold the jobs of another run of the same name: to requeue them is not ours."""
    site = Site("1")
    assert site.hear(j8="PREEMPTED", j9="NODE_FAIL", j1="RUNNING")["8"] == "PREEMPTED"
    assert site.requeued == []


def test_missing_answer_stays_one_and_an_error_ends_nothing():
    """An exception here ends the plugin's thread without a word, and the main process waits for ever."""
    site = Site("1")
    answers = iter([(None, None), ({"1": "COMPLETED"}, 0.1), ({"1": "COMPLETED"}, 0.1)])

    async def query(command, logger):
        return next(answers)

    ask = correct_answers(query, site.watched)
    assert asyncio.run(ask("squeue", None)) == (None, None)
    correct, site.watched.correct = site.watched.correct, lambda states: 1 / 0
    assert asyncio.run(ask("squeue", None)) == ({"1": "PENDING"}, 0.1)
    assert "ZeroDivisionError" in site.said[0]
    site.watched.correct = correct
    assert asyncio.run(ask("squeue", None)) == ({"1": "COMPLETED"}, 0.1)


@st.composite
def draw_nights(draw):
    """What squeue shows of a few jobs poll by poll, seconds between the polls, and what requeueing comes to.

    Each job is seen, or for a moment not, then ends, may be run again, and may be forgotten.
    """
    waiting = st.sampled_from(["PENDING", "RUNNING", "COMPLETING", "UNKNOWN", None])
    nights = {}
    for job in ("1", "2", "7_1"):
        shown = []
        for _ in range(draw(st.integers(1, 3))):
            shown += draw(st.lists(waiting, max_size=3))
            shown.append(draw(st.sampled_from([*sorted(ENDED), "CANCELLED by 0", "FORGOTTEN"])))
        nights[job] = shown
    return nights, draw(st.booleans()), draw(st.lists(st.integers(5, 180), min_size=5, max_size=5))


@given(draw_nights())
def test_every_end_is_told_and_none_before_its_time(drawn):
    """For ever is the one time that nobody waits; and a job taken for ended too early runs twice at once."""
    nights, again, gaps = drawn
    site = Site(*nights)
    if not again:
        site.error = QueueError("refused")
    told, shown, place = {}, dict.fromkeys(nights), dict.fromkeys(nights, 0)
    for poll in range(60):
        site.now += gaps[poll % len(gaps)]
        for job, night in nights.items():
            state = shown[job]
            runs_again = state in REQUEUED and again and job in site.watched.missing_since
            ended = state is not None and state.split()[0] in {*ENDED, "FORGOTTEN"}
            if (not ended or runs_again) and place[job] < len(night):
                shown[job] = night[place[job]]
                place[job] += 1
            elif runs_again:
                shown[job] = "COMPLETED"
        visible = {job: state for job, state in shown.items() if state not in (None, "FORGOTTEN")}
        site.controller = {job: state for job, state in shown.items() if state != "FORGOTTEN"}
        # Unseen for a moment, but known to the controller.
        site.controller = {job: state or "RUNNING" for job, state in site.controller.items()}
        heard = site.watched.correct(visible)
        for job in nights.keys() - told.keys():
            if heard.get(job) in ENDED:
                assert shown[job] is not None
                assert shown[job].split()[0] in {*ENDED, "FORGOTTEN"}, f"{job} is {shown[job]}"
                assert heard[job] in REPORTED
                told[job] = heard[job]
    assert told.keys() == nights.keys()
    assert site.watched.missing_since == {}
    for job, state in told.items():
        if shown[job] in ("COMPLETED", "TIMEOUT", "OUT_OF_MEMORY"):
            assert state == shown[job]
        assert state != "COMPLETED" or shown[job] == "COMPLETED"


def test_states_of_slurm_itself(slurm, folder):
    """The second look must understand what squeue prints, and leave out no state."""
    slurm.set_queue(
        write_job(1, folder), write_job("7_[1-4]", folder, "PENDING"), write_job(3, folder, "TIMEOUT")
    )
    assert read_states() == {"1": "RUNNING", "7_[1-4]": "PENDING", "3": "TIMEOUT"}
    watched = WatchedJobs(finished=lambda job: False, say=print)
    assert watched.look("7_2") == "PENDING"
    assert watched.look("2") is None


def test_marks_of_a_job_say_whether_it_has_finished(folder):
    """A job whose marks are overlooked would count as finished with half of its files."""
    marks = folder / "incomplete"
    (marks / "@long").mkdir(parents=True)
    (marks / "broken").write_text("{")
    (marks / "list").write_text("[]")
    (marks / "other").write_text('{"external_jobid": "11"}')
    assert not is_incomplete(folder, "1")
    (marks / "@long" / "name").write_text('{"external_jobid": "1"}')
    assert is_incomplete(folder, "1")
    assert not is_incomplete(folder / "nowhere", "1")


def test_plugin_calls_what_is_corrected_and_knows_what_it_hears():
    """After an update of the plugin the corrections might reach nobody, and nothing else would show it."""
    assert inspect.iscoroutinefunction(plugin.query_job_status)
    code = plugin.Executor.check_active_jobs.__code__
    assert "query_job_status" in code.co_names
    (fail_states,) = [value for value in code.co_consts if isinstance(value, tuple) and "BOOT_FAIL" in value]
    assert set(fail_states) >= REPORTED - {"COMPLETED"}


class Limiter:
    """A rate limiter that limits nothing."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        return None


@pytest.fixture
def executor(slurm, monkeypatch):
    """The plugin's own executor, as far as it asks for the states of jobs, with one job that is watched."""
    watched = WatchedJobs(finished=lambda job: False, say=lambda line: None)
    watched.add("1")
    monkeypatch.setattr(plugin, "query_job_status", correct_answers(plugin.query_job_status, watched))
    settings = plugin.ExecutorSettings(
        status_command="squeue", status_attempts=1, init_seconds_before_status_checks=5, requeue=True
    )
    executor = object.__new__(plugin.Executor)
    told = []
    for name, value in {
        "workflow": SimpleNamespace(executor_settings=settings),
        "logger": logging.getLogger("test"),
        "run_uuid": "run",
        "status_rate_limiter": Limiter(),
        "next_seconds_between_status_checks": 5,
        "_preemption_warning": False,
        "_failed_nodes": set(),
        "_status_query_calls": 0,
        "_status_query_failures": 0,
        "_status_query_total_seconds": 0.0,
        "_status_query_min_seconds": None,
        "_status_query_max_seconds": 0.0,
        "_status_query_cycle_rows": [],
        "report_job_success": lambda job: told.append("success"),
        "report_job_error": lambda job, msg, aux_logs: told.append(msg),
    }.items():
        setattr(executor, name, value)
    log = SimpleNamespace(exists=lambda: False)
    active = [SimpleNamespace(external_jobid="1", aux={"slurm_logfile": log})]

    async def poll():
        return [job async for job in executor.check_active_jobs(active)]

    # Whether the plugin goes on waiting, and what it has told.
    return lambda: (asyncio.run(poll()) == active, told)


@pytest.mark.parametrize("state", sorted({*ENDED, "CANCELLED by 0"}))
def test_plugin_itself_reports_the_end_of_every_job(state, slurm, executor, folder):
    """All this is for the plugin: what counts is that it stops waiting, and with which result."""
    slurm.set_queue(write_job(1, folder, "RUNNING"))
    assert executor() == (True, [])
    slurm.set_queue(write_job(1, folder, "UNKNOWN"))
    assert executor() == (True, [])
    slurm.refuse()
    slurm.set_queue(write_job(1, folder, state))
    waits, told = executor()
    assert not waits
    if state == "COMPLETED":
        assert told == ["success"]
    else:
        (message,) = told
        expected = "FAILED" if state in REQUEUED else state.split()[0]
        assert f"SLURM status is: '{expected}'" in message


@pytest.mark.parametrize("state", sorted(REQUEUED))
def test_plugin_itself_waits_for_a_job_that_runs_again(state, slurm, executor, folder):
    """A job that Slurm runs again must be reported at its own end, not at its node's."""
    slurm.set_queue(write_job(1, folder, state))
    assert executor() == (True, [])
    assert slurm.get_calls("scontrol requeue") == ["scontrol requeue 1"]
    slurm.set_queue(write_job(1, folder, "RUNNING"))
    assert executor() == (True, [])
    slurm.set_queue(write_job(1, folder, "COMPLETED"))
    assert executor() == (False, ["success"])
