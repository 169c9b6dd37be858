"""The folder for temporary files, as the node of a job names it."""

import subprocess
import sys

import pytest
from marked_process import ROOT

from execution.scratch import EXPANDED, expand_scratch, keep_scratch
from execution.site import FILE, SiteError


@pytest.fixture(autouse=True)
def fresh(monkeypatch, folder):
    """No process above this one has read the folder."""
    monkeypatch.setenv(EXPANDED, "")
    (folder / FILE).parent.mkdir()
    (folder / FILE).write_text("scratch: $WHERE/tmp\n")


def test_variables_are_those_of_the_node(monkeypatch):
    """Taken literally, `$SCRATCH/tmp` becomes a folder of that name in the shared working directory."""
    monkeypatch.setenv("USER", "ada")
    assert expand_scratch("/scratch/$USER/${USER}") == "/scratch/ada/ada"
    assert expand_scratch("/plain") == "/plain"


def test_variable_that_the_node_does_not_know_is_told():
    """A folder made of half a path may be the root of a disk."""
    with pytest.raises(
        SiteError, match=r"slurm/site.yaml:1: scratch: '\$WHERE/tmp': the variable \$WHERE is not set"
    ):
        expand_scratch("$WHERE/tmp")


def test_inner_process_of_a_job_takes_the_same_folder(monkeypatch):
    """Between the two processes of a job the plugin removes most of Slurm's variables."""
    monkeypatch.setenv("SLURM_TMPDIR", "/local/4711")
    keep_scratch(None)
    keep_scratch("$SLURM_TMPDIR/tmp")
    monkeypatch.delenv("SLURM_TMPDIR")
    code = "from execution.scratch import expand_scratch; print(expand_scratch('$SLURM_TMPDIR/tmp'))"
    inner = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert inner.stdout == "/local/4711/tmp\n"
