"""The journal of jobs, which `status` reads."""

import json
import logging
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from execution.events import JobListener
from execution.journal import Journal, get_study
from execution.main_process import MainProcess, describe_this_process
from lossgrid.progress.journal import read_journal

FILE = Path("results/mini/logs/jobs.jsonl")
LOG = "results/mini/logs/train_cell/dpo.log"


@pytest.fixture
def journal(folder):
    """A journal in a directory of its own."""
    return Journal(MainProcess("login1-77-1", "login1", 77, "4711", 1e9, "slurm"))


def make_job(number=3, log=LOG, attempt=1, rule="train_cell", **wildcards):
    """A job as the journal sees it."""
    return SimpleNamespace(
        jobid=number,
        log=[log] if log else [],
        rule=SimpleNamespace(name=rule),
        wildcards_dict=wildcards,
        attempt=attempt,
    )


def read_lines(file=FILE) -> list[dict]:
    """The lines of a journal, without their times."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        assert abs(line.pop("at") - time.time()) < 3600
        assert line.pop("main") == "login1-77-1"
    return lines


def test_start_and_end_of_a_job(journal):
    """What `status` says of a job that runs is this and nothing else."""
    journal.note_start(make_job(study="mini", seed="1"), "4711")
    journal.note_success(3)
    journal.end(success=True)
    about = {
        "rule": "train_cell",
        "wildcards": {"study": "mini", "seed": "1"},
        "log": LOG,
        "attempt": 1,
        "slurm_id": "4711",
    }
    assert read_lines() == [
        {"event": "began", "host": "login1", "pid": 77, "start": "4711", "executor": "slurm"},
        {"event": "submitted", **about},
        {"event": "finished", **about},
        {"event": "ended", "success": True},
    ]


def test_failed_job_and_its_next_attempt(journal):
    """A failure that is not written down is found in the morning by reading all logs."""
    message = "SLURM-job '4711' failed, SLURM status is: 'TIMEOUT'. Detailed failure reason unavailable"
    journal.note_start(make_job(), "4711")
    about = journal.note_failure(3, message, "slurm.log", None)
    journal.note_start(make_job(attempt=2), "4712")
    assert journal.note_failure(3, "again", "slurm2.log", "NODE_FAIL")["state"] == "NODE_FAIL"
    assert (about["study"], about["state"]) == ("mini", "TIMEOUT")
    _, _, failed, second, again = read_lines()
    assert failed["event"] == "failed"
    assert (failed["message"], failed["slurm_log"], failed["state"]) == (message, "slurm.log", "TIMEOUT")
    assert (second["event"], second["attempt"], second["slurm_id"]) == ("submitted", 2, "4712")
    assert again["state"] == "NODE_FAIL"
    assert "study" not in failed


def test_submission_that_is_refused_is_a_failure(journal):
    """A wrong option of sbatch fails every job before it has an id: `status` would show them as not yet begun."""
    journal.note_plan(3, "train_cell", {"study": "mini"}, LOG)
    assert journal.note_failure(3, "Job submission failed", None, None)["study"] == "mini"
    # The next attempt is a job like any other.
    journal.note_plan(3, "train_cell", {"study": "mini"}, LOG)
    journal.note_start(make_job(attempt=2), "4711")
    journal.note_success(3)
    assert [line["event"] for line in read_lines()] == ["began", "failed", "submitted", "finished"]


def test_job_of_this_machine_that_fails_before_its_start_is_told(folder):
    """Snakemake tells of a failure in another thread: written after it, the start would look like a job that runs."""
    journal = Journal(describe_this_process("local"))
    journal.note_plan(3, "train_cell", {"study": "mini"}, LOG)
    journal.note_failure(3, "exit status 1", None, None)
    journal.note_start(make_job())
    (job,) = read_journal(Path("results/mini"), time.time()).jobs.values()
    assert (job.event, job.message, job.attempts) == ("failed", "exit status 1", 1)
    journal.note_plan(3, "train_cell", {"study": "mini"}, LOG)
    journal.note_start(make_job(attempt=2))
    (job,) = read_journal(Path("results/mini"), time.time()).jobs.values()
    assert (job.event, job.attempts) == ("submitted", 2)


def test_each_study_has_its_own_journal_begun_once(journal):
    """`status` of a study must not need to know of the others that ran beside it."""
    for number, study in enumerate(("mini", "full", "mini")):
        journal.note_start(make_job(number, f"results/{study}/logs/train_cell/{number}.log"))
    journal.end(success=False)
    events = {
        study: [line["event"] for line in read_lines(Path(f"results/{study}/logs/jobs.jsonl"))]
        for study in ("mini", "full")
    }
    assert events == {
        "mini": ["began", "submitted", "submitted", "ended"],
        "full": ["began", "submitted", "ended"],
    }


@pytest.mark.parametrize(
    ("log", "study"),
    [
        (LOG, "mini"),
        ("results/mini/logs/make_corpus.log", "mini"),
        ("results/mini.log", None),
        ("logs/prepare/mini.log", None),
        ("results", None),
        (None, None),
    ],
)
def test_study_is_read_off_the_path_of_the_log(log, study, journal):
    """A job of no study, such as one that makes environments, has no journal; it must not invent a study."""
    assert get_study(log) == study
    journal.note_start(make_job(log=log))
    assert FILE.exists() == (study is not None)


def test_job_without_a_journal_ends_in_silence(journal):
    """`rule all` has no log: its end must stop nothing."""
    journal.note_start(make_job(5, log=None))
    journal.note_success(5)
    assert journal.note_failure(6, "message", None, None) is None
    journal.end(success=True)
    assert not Path("results").exists()


def test_journal_that_cannot_be_written_stops_no_job(journal):
    """A full disk ends jobs by itself; the journal must not end the main process with them."""
    FILE.mkdir(parents=True)
    journal.note_start(make_job())
    assert journal.note_failure(3, None, None, "TIMEOUT")["state"] == "TIMEOUT"
    journal.end(success=False)
    assert list(FILE.iterdir()) == []


def test_disk_that_is_full(folder):
    """Half a line may be on the disk; what follows once there is room again must be readable."""
    journal = Journal(describe_this_process("local"))
    journal.note_start(make_job())
    with FILE.open("a") as file:
        file.write('{"at": 1, "main": "lo')
    journal.note_failure(3, "exit status 1", None, None)
    journal.end(success=False)
    assert json.loads(FILE.read_text().splitlines()[-2])["event"] == "failed"
    read = read_journal(Path("results/mini"), time.time())
    (job,) = read.jobs.values()
    assert (job.event, job.message, job.attempts) == ("failed", "exit status 1", 1)
    assert read.mains[-1].success is False


def test_beat_is_seen_by_other_hosts(journal):
    """A job of a day writes nothing to the journal: `status` on another host would take the run for dead."""
    journal.beat()
    journal.note_start(make_job())
    text = FILE.read_text()
    os.utime(FILE, (1, 1))
    journal.beat()
    assert FILE.stat().st_mtime > 1
    assert FILE.read_text() == text
    FILE.unlink()
    journal.beat()
    assert not FILE.exists()


def test_status_reads_what_the_journal_writes(folder):
    """The two are written apart: a key spelt in two ways would leave `status` blind."""
    process = describe_this_process("slurm")
    journal = Journal(process)
    journal.note_start(make_job(1, "results/mini/logs/train_sft.log", rule="train_sft"), "1")
    journal.note_success(1)
    journal.note_start(make_job(2), "2")
    journal.note_failure(2, "SLURM status is: 'TIMEOUT'", "slurm.log", None)
    journal.note_start(make_job(2, attempt=2), "3")
    read = read_journal(Path("results/mini"), time.time())
    assert read.running is True
    assert (read.mains[0].pid, read.mains[0].executor, read.mains[0].host) == (
        process.pid,
        "slurm",
        process.host,
    )
    assert {name: (job.rule, job.event, job.attempts) for name, job in read.jobs.items()} == {
        "logs/train_sft.log": ("train_sft", "finished", 1),
        "logs/train_cell/dpo.log": ("train_cell", "submitted", 2),
    }
    journal.note_failure(2, None, "slurm.log", "OUT_OF_MEMORY")
    journal.end(success=False)
    read = read_journal(Path("results/mini"), time.time())
    failed = read.jobs["logs/train_cell/dpo.log"]
    assert (failed.event, failed.state, failed.slurm_log) == ("failed", "OUT_OF_MEMORY", "slurm.log")
    assert (read.running, read.mains[0].success) == (False, False)


def tell(listener: JobListener, event: LogEvent, **about) -> None:
    """Send a record through the listener as Snakemake's logger does."""
    record = logging.makeLogRecord({"msg": "", "levelno": logging.ERROR, "event": event, **about})
    listener.handle(record)


def test_failure_on_the_cluster_is_told_by_slurms_state(journal):
    """The log of a job that ran out of time says nothing of it: the user would look there in vain."""
    said = []
    listener = JobListener(journal, {"4711": "TIMEOUT"}, said.append)
    journal.note_start(make_job(), "4711")
    log = ".snakemake/slurm_logs/rule_train_cell/4711.log"
    tell(listener, LogEvent.JOB_ERROR, jobid=3, rule_msg="SLURM status is: 'FAILED'", log=[LOG, log])
    (line,) = said
    assert line == (
        f"{LOG}: out of time: Slurm ended the job: TIMEOUT\n"
        "The next attempt asks for more time; training goes on from its last checkpoint."
    )
    failed = read_lines()[-1]
    assert (failed["state"], failed["slurm_log"]) == ("TIMEOUT", log)


def test_kind_of_a_failure_is_read_off_the_end_of_its_log(journal):
    """Logs of training are long: the whole of it would be read for each failure, the beginning would say nothing."""
    said = []
    Path(LOG).parent.mkdir(parents=True)
    with Path(LOG).open("wb") as log:
        log.write(b"step\xff\n" * 50_000)
        log.write(
            b'Traceback (most recent call last):\n  File "x.py", line 1\ntorch.OutOfMemoryError: CUDA out of memory\n'
        )
    journal.note_start(make_job())
    tell(JobListener(journal, {}, said.append), LogEvent.JOB_ERROR, jobid=3, rule_msg=None, log=[LOG])
    assert said[0].startswith(f"{LOG}: out of GPU memory: torch.OutOfMemoryError: CUDA out of memory\n")


def test_records_of_other_events_and_of_other_jobs_say_nothing(journal, capsys):
    """Snakemake logs a hundred kinds of lines; an error here would be printed among them."""
    said = []
    listener = JobListener(journal, {}, said.append)
    listener.handle(logging.makeLogRecord({"msg": "plain"}))
    tell(listener, LogEvent.PROGRESS, done=1, total=2)
    tell(listener, LogEvent.JOB_FINISHED, job_id=8)
    tell(listener, LogEvent.JOB_ERROR, jobid=8, rule_msg=None, log=[])
    assert said == []
    assert capsys.readouterr().err == ""
