"""One main process in a directory, and its record."""

import fcntl
import os
import signal
import socket
from dataclasses import replace

import pytest
from marked_process import run_python

from execution import main_process
from execution.main_process import (
    AnotherMainProcessError,
    MainProcess,
    describe_this_process,
    get_start,
    hold_folder,
    is_alive,
    read_record,
    write_record,
)

# Holds the directory and says so; or says why not.
HOLD = """
import sys
from execution.main_process import AnotherMainProcessError, hold_folder
try:
    held = hold_folder()
except AnotherMainProcessError as error:
    print(error, flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""
# Starts a job that outlives it.
HOLD_WITH_JOB = """
import subprocess, sys
from execution.main_process import hold_folder
held = hold_folder()
job = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(job.pid, flush=True)
sys.stdin.read()
"""
RECORD = MainProcess("login1-77-1", "login1", 99999999, "4711", 1e9, "slurm")


def test_second_main_process_is_refused_and_told_of_the_first(folder):
    """Two at once would submit every job twice; the second must say whom to look for."""
    with run_python(HOLD, cwd=folder) as first:
        assert first.first_line == "held"
        with run_python(HOLD, cwd=folder) as second:
            assert f"{folder}: another main process of Snakemake" in second.first_line
            assert f"process {first.pid} on {socket.gethostname()}, since " in second.first_line
            assert "nothing was changed" in second.first_line
        assert first.poll() is None


def test_directory_is_free_again_after_the_first_was_killed(folder):
    """A power cut at night must not need somebody to remove files in the morning."""
    with run_python(HOLD, cwd=folder) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        with run_python(HOLD, cwd=folder) as second:
            assert second.first_line == "held"


def test_jobs_of_the_first_do_not_hold_the_directory(folder):
    """Jobs outlive a killed main process: nothing could be started until they end, not even what ends them."""
    with run_python(HOLD_WITH_JOB, cwd=folder) as first:
        job = int(first.first_line)
        try:
            first.kill()
            first.wait()
            os.kill(job, 0)
            with run_python(HOLD, cwd=folder) as second:
                assert second.first_line == "held"
        finally:
            os.kill(job, signal.SIGKILL)


def test_directories_are_held_one_by_one(folder, tmp_path):
    """Studies of two copies of the repository have nothing to do with each other."""
    other = tmp_path / "other"
    other.mkdir()
    with run_python(HOLD, cwd=folder) as first, run_python(HOLD, cwd=other) as second:
        assert [first.first_line, second.first_line] == ["held", "held"]


def test_refusal_names_the_process_that_waits_and_not_the_dead_one(folder):
    """While one waits for a dead one's jobs, the record is the dead one's, whom a user would look for in vain."""
    main_process.FOLDER.mkdir(parents=True)
    write_record(RECORD)
    with run_python(HOLD, cwd=folder) as first, pytest.raises(AnotherMainProcessError) as error:
        hold_folder()
    assert f"process {first.pid} on" in str(error.value)
    assert str(RECORD.pid) not in str(error.value)
    assert read_record() == RECORD


def test_file_system_without_locks(folder, monkeypatch):
    """Lustre without the option flock refuses every lock: a second main process would end the jobs of the first."""

    def refuse(file, how):
        raise OSError(38, "Function not implemented")

    with run_python(HOLD, cwd=folder) as first:
        monkeypatch.setattr(fcntl, "flock", refuse)
        with pytest.raises(AnotherMainProcessError, match=f"process {first.pid} on"):
            hold_folder()
        first.kill()
        first.wait()
        with hold_folder():
            assert read_record(name=main_process.HOLDER).pid == os.getpid()


def test_record_comes_back(folder):
    """What the next main process knows of this one: whether its jobs are Slurm's, and whether it still runs."""
    assert read_record() is None
    main_process.FOLDER.mkdir(parents=True)
    write_record(RECORD)
    assert read_record() == RECORD
    this = describe_this_process("local")
    write_record(this)
    assert read_record() == this
    assert (this.host, this.pid, this.executor) == (socket.gethostname(), os.getpid(), "local")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"id": "x"}', '{"unknown": 1}'])
def test_broken_record_is_none(folder, text):
    """A disk that was full when it was written must not forbid every later start."""
    main_process.FOLDER.mkdir(parents=True)
    (main_process.FOLDER / "main.json").write_text(text)
    assert read_record() is None


def test_pid_that_is_used_again_is_another_process(folder):
    """A dead main process would count as alive, and nothing could be started."""
    this = describe_this_process("local")
    assert is_alive(this)
    assert not is_alive(replace(this, start=str(int(this.start) - 1)))
    assert not is_alive(replace(this, host="elsewhere"))


def test_start_of_a_process():
    """None for one that is gone, also where nobody has asked for its end yet."""
    assert get_start(os.getpid()) == get_start(os.getpid())
    with run_python("import sys; print(flush=True); sys.stdin.read()") as process:
        assert int(get_start(process.pid)) >= int(get_start(os.getpid()))
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert get_start(process.pid) is None
        process.wait()
        assert get_start(process.pid) is None
