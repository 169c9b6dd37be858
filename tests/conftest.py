"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("lossgrid", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lossgrid")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Folder of real evaluation data, which is not part of the repository."""
    folder = os.environ.get("LOSSGRID_FIXTURES", "")
    if not folder:
        pytest.skip("LOSSGRID_FIXTURES is not set: it names the folder of real evaluation data")
    if not Path(folder).is_dir():
        pytest.fail(f"LOSSGRID_FIXTURES: {folder!r} is no folder; unset it or name the folder of the data")
    return Path(folder)
