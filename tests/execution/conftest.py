import os

import pytest
from fake_slurm import FakeSlurm
from tiny_workflow import TinyWorkflow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory of one's own, which this process is in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A fake Slurm whose programs are found before any other."""
    fake = FakeSlurm(tmp_path / "slurm").install()
    monkeypatch.setenv("PATH", os.pathsep.join([str(fake.programs), os.environ["PATH"]]))
    for name in [name for name in os.environ if name.startswith(("SQUEUE_", "SINFO_", "SLURM_"))]:
        monkeypatch.delenv(name)
    return fake


@pytest.fixture
def tiny(tmp_path):
    """A workflow of one job in a directory of its own."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    return TinyWorkflow(folder)
