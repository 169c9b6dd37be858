"""A full disk is told even where the log that would say so lies on it."""

from collections import namedtuple
from pathlib import Path

import pytest

from execution import events
from lossgrid.progress.failures import Kind
from lossgrid.progress.logs import read_failure

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def free(monkeypatch):
    """Lets every disk have so many bytes left."""
    return lambda left: monkeypatch.setattr(events.shutil, "disk_usage", lambda folder: Usage(10**9, 0, left))


def test_a_failure_without_words_on_a_full_disk_is_a_full_disk(free, tmp_path):
    """`error` would send the user to an empty log."""
    free(4096)
    log = tmp_path / "plot.log"
    log.touch()
    said = f"SLURM-job '22' failed, SLURM status is: 'FAILED'.\n{events.describe_full_disk(tmp_path)}"
    assert read_failure(log, None, "FAILED", said).kind == Kind.FULL_DISK


def test_a_disk_with_room_is_blamed_for_nothing(free, tmp_path):
    """A failure of another cause keeps its kind."""
    free(10**8)
    assert events.describe_full_disk(tmp_path) == ""


def test_a_folder_that_is_gone_ends_nothing():
    """An exception here would be lost in Snakemake's log, and with it the failure."""
    assert events.describe_full_disk(Path("no/such/folder")) == ""
