"""Where ZeRO puts the state, worked out on paper, and what must hold for every model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.planning.training_state import get_training_state

SHARDED = ["zero2", "zero3", "zero3_offload"]
SEVEN_B = 7_240_000_000
parameters = st.integers(1, 10**12)
processes = st.integers(1, 1024)


def test_seven_billion_on_eight_gpus_under_zero3():
    """2 bytes of weights and 16 of gradients, copy and moments, over 8: 16.29 GB; 1e9 gathered weights: 2 GB."""
    state = get_training_state(SEVEN_B, 8, "zero3", "gpu")
    assert state.device == pytest.approx(18 * 7.24e9 / 8 + 2e9)
    assert state.device == pytest.approx(18.29e9)
    # Weights, copy and moments: 2 + 4 + 8 bytes.
    assert (state.host, state.checkpoint) == (0.0, pytest.approx(101.36e9))


def test_seven_billion_under_zero2_and_in_one_process():
    """Whole weights, 14.48 GB, a share of 14.48 and buckets of 2 GB; alone 18·7.24 GB, which no A100 has."""
    assert get_training_state(SEVEN_B, 8, "zero2", "gpu").device == pytest.approx(30.96e9)
    assert get_training_state(SEVEN_B, 1, None, "gpu").device == pytest.approx(130.32e9)


def test_offload_moves_the_shards_into_host_memory():
    """Of 18 bytes a weight over 2 processes nothing but what is gathered stays on the GPU."""
    state = get_training_state(SEVEN_B, 2, "zero3_offload", "gpu")
    assert (state.device, state.host) == (2e9, pytest.approx(9 * 7.24e9))


def test_a_cpu_holds_sixteen_bytes_a_weight():
    """float32 weights, gradients and two moments; the weights are the copy."""
    assert get_training_state(1000, 1, None, "cpu").device == 16_000
    assert get_training_state(1000, 4, "zero2", "cpu").device == 4_000 + 3_000
    assert get_training_state(1000, 4, "zero3", "cpu").device == 4_000


@pytest.mark.parametrize("sharding", SHARDED)
@given(parameters=parameters, processes=processes)
def test_more_processes_never_hold_more_each(sharding, parameters, processes):
    """And under ZeRO-3 each holds less."""
    few, many = (
        get_training_state(parameters, number, sharding, "gpu") for number in (processes, processes + 1)
    )
    assert many.device <= few.device
    assert many.host <= few.host
    if sharding == "zero3":
        assert many.device < few.device


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("sharding", [None, *SHARDED])
@given(parameters=parameters, processes=processes)
def test_more_weights_never_hold_less(device, sharding, parameters, processes):
    """On either device, wherever the state lies."""
    small, large = (
        get_training_state(number, processes, sharding, device) for number in (parameters, 2 * parameters)
    )
    assert small.device <= large.device
    assert small.host <= large.host
    assert small.checkpoint < large.checkpoint


@given(parameters=parameters, processes=processes)
def test_every_stage_leaves_less_on_the_gpu(parameters, processes):
    """Stage 2 holds most, stage 3 less, offload least."""
    two, three, offload = (
        get_training_state(parameters, processes, sharding, "gpu").device for sharding in SHARDED
    )
    assert offload <= three <= two
