import subprocess
from pathlib import Path

import pytest
from slurm_cluster import Cluster


def install(*arguments: str) -> None:
    """Install Slurm where it is missing; where that cannot be, the test is skipped and says why."""
    script = Path(__file__).with_name("install.sh")
    process = subprocess.run([str(script), *arguments], stderr=subprocess.PIPE, text=True)
    if process.returncode:
        pytest.skip(f"a private Slurm cannot be had: {process.stderr.strip()}")


@pytest.fixture
def cluster(tmp_path):
    """A private cluster that is up."""
    install()
    with Cluster(tmp_path / "cluster") as cluster:
        yield cluster
