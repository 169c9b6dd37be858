"""What all tests share."""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("lossgrid", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lossgrid")


def pytest_collection_finish() -> None:
    """Take what the imports made out of every later garbage collection.

    Some libraries collect in each call, and a heap with torch in it takes a good second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Folder of real evaluation data, which is not part of the repository."""
    folder = os.environ.get("LOSSGRID_FIXTURES", "")
    if not folder:
        pytest.skip("LOSSGRID_FIXTURES is not set: it names the folder of real evaluation data")
    if not Path(folder).is_dir():
        pytest.fail(f"LOSSGRID_FIXTURES: {folder!r} is no folder; unset it or name the folder of the data")
    return Path(folder)
