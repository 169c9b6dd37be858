"""How long passes take, worked out on a machine of round numbers."""

from dataclasses import replace

import pytest

from lossgrid.planning.durations import get_answering_seconds, get_scoring_seconds, get_training_seconds
from lossgrid.planning.hardware import CPU
from lossgrid.planning.model_shape import ModelShape
from lossgrid.planning.replies import ReplyGroup

SHAPE = ModelShape(
    layers=10,
    hidden_size=64,
    intermediate_size=128,
    heads=4,
    key_value_heads=4,
    vocabulary=100,
    tied=True,
)
# 1e9 operations a second, 1 ms a layer, 1e9 bytes a second.
MACHINE = replace(CPU, flops=1e9, layer_seconds=1e-3, bandwidth=1e9, number_bytes=2)


def test_a_step_is_three_passes_and_four_with_checkpointing():
    """8 sequences of 50 tokens in each of 7 micro-batches, and 10 ms through the layers in every pass."""
    once = 8 * 50 * SHAPE.count_forward_flops(50) / 1e9 + 10e-3
    assert get_training_seconds(SHAPE, MACHINE, 7, 8, 50, checkpointing=False) == pytest.approx(7 * 3 * once)
    assert get_training_seconds(SHAPE, MACHINE, 7, 8, 50, checkpointing=True) == pytest.approx(7 * 4 * once)


def test_weighing_is_one_pass():
    """20 sequences in 3 batches of 8."""
    expected = 20 * 50 * SHAPE.count_forward_flops(50) / 1e9 + 3 * 10e-3
    assert get_scoring_seconds(SHAPE, MACHINE, 20, 50, 8) == pytest.approx(expected)


def test_answers_walk_through_the_layers_for_every_token():
    """20 prompts in 3 batches of 30 tokens: 90 walks of 10 ms, or 90 readings of the weights if these take longer."""
    group = ReplyGroup(prompts=20, prompt_tokens=15, longest=60, limit=30, batch_size=8)
    operations = 20 * 45 * SHAPE.count_forward_flops(45) / 1e9
    assert get_answering_seconds(SHAPE, MACHINE, [group]) == pytest.approx(operations + 90 * 10e-3)
    slow = replace(MACHINE, bandwidth=1e6)
    reading = 2 * SHAPE.count_parameters() / 1e6
    assert get_answering_seconds(SHAPE, slow, [group]) == pytest.approx(operations + 90 * reading)
    assert get_answering_seconds(SHAPE, MACHINE, [group, group]) == pytest.approx(
        2 * (operations + 90 * 10e-3)
    )
