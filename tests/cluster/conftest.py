import subprocess
from pathlib import Path

import pytest
from slurm_cluster import Cluster


@pytest.fixture(scope="session")
def installed():
    """Slurm's programs, installed where they are missing; where that cannot be, the test is skipped and says why."""
    process = subprocess.run([Path(__file__).with_name("install.sh")], stderr=subprocess.PIPE, text=True)
    if process.returncode:
        pytest.skip(f"a private Slurm cannot be had: {process.stderr.strip()}")


@pytest.fixture
def cluster(installed, tmp_path):
    """A private cluster that is up."""
    with Cluster(tmp_path / "cluster") as cluster:
        yield cluster
