"""The published formula and its log-space evaluation are one function; only one of them survives training."""

import math

import pytest

from lossgrid.objectives.modulated import discopop_loss

# exp(−z) overflows float32 at z < −88.7, here ρ < −0.044 nats; the third step sees −0.096.
SETTING = {"beta": 2000.0, "tau": 0.05}
RECIPE = {"learning_rate": 1e-3, "epochs": 2, "batch_size": 16}


@pytest.fixture
def published(train):
    """A run of the published formula until it stops."""
    return train("published", loss=discopop_loss, setting={**SETTING, "evaluation": "published"}, **RECIPE)


@pytest.fixture
def log_space(train):
    """The same run in log space."""
    return train("log_space", loss=discopop_loss, setting={**SETTING, "evaluation": "log_space"}, **RECIPE)


def test_published_diverges_where_log_space_goes_on(published, log_space):
    """The demonstration that the divergence belongs to the arithmetic and not to the loss."""
    assert (published.health["status"], published.health["healthy"]) == ("diverged", False)
    assert (log_space.health["status"], log_space.health["healthy"]) == ("finished", True)
    assert log_space.health["steps"] == log_space.health["planned_steps"] == 12
    last = published.records[-1]
    assert last["step"] == published.health["first_nonfinite_step"]
    assert SETTING["beta"] * last["rho_min"] < -math.log(2) * 128
    assert last["nonfinite_pairs"] >= 1


def test_until_then_they_are_one_run(published, log_space):
    """The losses up to the overflow agree, or else the comparison would be of two losses.

    1e-3 of the loss: at β 2000 a rounding of ρ (1e-5 nats) is 0.02 in z, but the first steps share all bits
    of ρ until the first rounding of a gradient.
    """
    shared = published.records[:2]
    for one, other in zip(shared, log_space.records[:2], strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["margin"] == pytest.approx(other["margin"], rel=1e-3)
