"""What all tests of the losses run under."""

import pytest
import torch
from hypothesis import settings

from .trl_stand_in import get_trl_loss

# The first call into torch takes longer than Hypothesis allows an example.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Tensors of eight numbers: waking a second thread takes a hundred times longer than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="package")
def trl_loss(tmp_path_factory):
    """TRL's own loss of a batch; importing TRL takes seconds, so once for all tests."""
    with get_trl_loss(str(tmp_path_factory.mktemp("trl"))) as loss:
        yield loss
