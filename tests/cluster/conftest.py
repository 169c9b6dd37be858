import os
import subprocess
from pathlib import Path

import pytest
from slurm_cluster import Cluster, find_missing_programs

INSTALL = Path(__file__).with_name("install.sh")


@pytest.fixture(scope="session")
def installed():
    """Slurm's programs. They are installed only where that is asked for: it changes the machine."""
    missing = find_missing_programs()
    if missing and os.environ.get("LOSSGRID_INSTALL_PACKAGES") == "1":
        process = subprocess.run([INSTALL], stderr=subprocess.PIPE, text=True)
        if process.returncode:
            pytest.fail(f"Slurm cannot be installed: {process.stderr.strip()}")
    elif missing:
        pytest.skip(
            f"{', '.join(missing)}: not installed; LOSSGRID_INSTALL_PACKAGES=1 lets the tests install Debian's "
            "packages of Slurm, as root"
        )


@pytest.fixture
def cluster(installed, tmp_path):
    """A private cluster that is up."""
    with Cluster(tmp_path / "cluster") as cluster:
        yield cluster
