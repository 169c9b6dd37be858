"""Processes that jobs of an earlier main process left on this machine."""

import os

import pytest
from marked_process import PATIENT, STUBBORN, is_alive, run_job, run_python

from execution.local_processes import MARKER, end_processes, find_left, mark_jobs

# Starts a second process, and says what it finds: its own id, that of its parent and all that are left.
FAMILY = """
import subprocess, sys
child = (
    "import os; from execution.local_processes import find_left; "
    "print(os.getppid(), os.getpid(), *find_left('.'))"
)
print(subprocess.check_output([sys.executable, "-c", child], text=True).strip(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def outside_of_slurm(monkeypatch):
    """As on a login node."""
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


def test_marked_process_is_found_and_ended(folder):
    """A training job left behind would write beside the one that is started again."""
    with run_job(folder) as job:
        assert find_left(folder) == [job.pid]
        end_processes([job.pid])
        assert not is_alive(job.pid)
        assert find_left(folder) == []


def test_process_that_cannot_be_asked_is_killed(folder):
    """A trainer that waits in a library does not hear SIGTERM, and would write on."""
    with run_job(folder, STUBBORN) as stubborn, run_job(folder) as job:
        assert find_left(folder) == sorted([stubborn.pid, job.pid])
        end_processes([stubborn.pid, job.pid], grace=0.5)
        assert not is_alive(stubborn.pid)
        assert not is_alive(job.pid)


def test_others_processes_are_spared(folder, tmp_path):
    """To end a stranger's process, or that of another study's directory, is worse than any orphan."""
    beside = tmp_path / "work2"
    with (
        run_python(PATIENT, **{MARKER: None}),
        run_job(tmp_path),
        run_job(beside),
        run_job(folder / "deeper"),
    ):
        assert find_left(folder) == []


def test_directory_by_another_name_is_the_same(folder, tmp_path):
    """Home directories of clusters are links."""
    link = tmp_path / "link"
    link.symlink_to(folder)
    with run_job(link) as job:
        assert find_left(folder) == find_left(link) == [job.pid]


def test_this_process_and_its_ancestors_are_spared(folder):
    """A main process that is started from inside a job's shell would end itself."""
    with run_job(folder) as job, run_python(FAMILY, cwd=folder, **{MARKER: str(folder)}) as family:
        parent, child, *found = map(int, family.first_line.split())
        assert parent == family.pid
        assert found == [job.pid]
        assert child not in found


def test_jobs_of_slurm_on_this_machine_are_spared(folder, monkeypatch):
    """On a cluster of one machine they are Slurm's to end, and are waited for."""
    with run_job(folder, SLURM_JOB_ID="7"), run_job(folder, SLURM_JOB_ID="77"), run_job(folder) as own:
        assert find_left(folder) == [own.pid]


def test_inside_a_job_of_slurm_its_own_are_found(folder, monkeypatch):
    """A main process inside an interactive job has left its processes there."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with run_job(folder, SLURM_JOB_ID="7") as own, run_job(folder, SLURM_JOB_ID="8"):
        assert find_left(folder) == [own.pid]


def test_marks_of_this_process_are_inherited(folder, monkeypatch):
    """A job without the mark would never be found again."""
    monkeypatch.setenv(MARKER, "before")
    mark_jobs(folder)
    with run_python(PATIENT) as job:
        assert find_left(folder) == [job.pid]


def test_nothing_is_left_and_nothing_to_end(folder):
    """The usual start."""
    assert find_left(folder) == []
    end_processes([])
    with run_python("print('gone', flush=True)") as process:
        process.wait()
        end_processes([process.pid])
    assert os.getpid() not in find_left(folder)
