"""The status of a study agrees with the workflow that makes it."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from workflow_copy import STUDY_FILE, TIMEOUT, Workflow, copy_repository, wait_for

from lossgrid.progress.failures import Kind
from lossgrid.progress.jobs import list_jobs
from lossgrid.progress.journal import SILENCE
from lossgrid.progress.states import State
from lossgrid.progress.study_progress import StudyProgress, read_study_progress
from lossgrid.studies import load_study

RESULTS = "results/tiny/"
FIELD = re.compile(r"^    (input|output|log): (.*?)(?: \(.*)?$", re.M)


def read_progress(workflow: Workflow, later: float = 0.0) -> StudyProgress:
    """The progress of the tiny study, now or so many seconds later."""
    study = load_study(workflow.folder / STUDY_FILE)
    return read_study_progress(study, workflow.results, time.time() + later)


def get_state(workflow: Workflow, log: str, later: float = 0.0) -> State:
    """What is said of one job."""
    return read_progress(workflow, later).states[log].state


def test_jobs_are_those_of_the_workflow(tmp_path):
    """A job that the status does not know of would fail unseen; one too many would be pending for ever."""
    workflow = copy_repository(tmp_path / "repository")
    for file in (workflow.folder / "rules").glob("*.smk"):
        # Without their messages, jobs are told by their files.
        file.write_text(re.sub(r"\n    message:\n        .*", "", file.read_text()))
    plan = workflow.run("--dry-run", "--forceall", "--quiet", "reason").stdout
    planned = {}
    for block in re.split(r"\n(?=(?:local)?rule \w+:\n)", plan):
        fields = {name: value.split(", ") for name, value in FIELD.findall(block)}
        if "log" in fields:
            planned[fields["log"][0].removeprefix(RESULTS)] = fields
    jobs = list_jobs(load_study(workflow.folder / STUDY_FILE))
    assert set(jobs) == set(planned)

    makers = {file: log for log, fields in planned.items() for file in fields["output"]}
    waits = {
        log: {makers[file] for file in fields.get("input", ()) if file in makers}
        for log, fields in planned.items()
    }
    needs = {log: set(job.needs) for log, job in jobs.items()}
    for log, job in jobs.items():
        assert {RESULTS + output for output in job.outputs} <= set(planned[log]["output"])
        assert find_all(needs, log) == find_all(waits, log), log


def find_all(needs: dict[str, set[str]], log: str) -> set[str]:
    """The jobs that one waits for, directly or not."""
    found, left = set(), [log]
    while left:
        new = needs[left.pop()] - found
        found |= new
        left += new
    return found


@pytest.mark.slow
def test_killed_and_broken_jobs_are_told(tmp_path, monkeypatch):
    """Of a main process and a job that SIGKILL ended, only files are left to tell; of an error, its own log."""
    workflow = copy_repository(tmp_path / "repository")
    train, pairs = "logs/train_sft.log", "logs/make_pairs.log"
    with workflow.start(f"{RESULTS}sft/policy") as process:
        wait_for(lambda: workflow.find_processes("train_sft.py"), "a training job")
        wait_for(lambda: get_state(workflow, train) is State.RUNNING, "a line in the journal")
        assert read_progress(workflow).journal.running
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=TIMEOUT)
    for pid in workflow.find_processes("train_sft.py"):
        os.kill(pid, signal.SIGKILL)
    progress = read_progress(workflow)
    assert progress.journal.running is False
    assert get_state(workflow, "logs/make_corpus.log") is State.DONE
    # Its log was written just now.
    assert get_state(workflow, train) is State.RUNNING
    assert get_state(workflow, train, SILENCE + 60) is State.INTERRUPTED

    workflow.run(f"{RESULTS}sft/policy")
    assert get_state(workflow, train, SILENCE + 60) is State.DONE
    Path(workflow.results, "sft/policy/config.json").unlink()
    workflow.run(f"{RESULTS}pairs", check=False)
    progress = read_progress(workflow)
    assert progress.states[pairs].state is State.FAILED
    monkeypatch.chdir(workflow.folder)
    failure = progress.explain(progress.jobs[pairs])
    assert failure.kind is Kind.MISSING_MODEL
    assert "config.json" in failure.line
    assert progress.journal.mains[-1].ended
