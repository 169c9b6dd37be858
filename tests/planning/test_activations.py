"""What a pass keeps, against the published formula and for every shape."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.planning.activations import (
    get_answering_bytes,
    get_scoring_activations,
    get_training_activations,
)
from lossgrid.planning.model_shape import ModelShape

# Gated layers of width i keep as much as plain ones of width 4h where 8·i = 17·h.
SHAPE = ModelShape(
    layers=24,
    hidden_size=1024,
    intermediate_size=2176,
    heads=16,
    key_value_heads=16,
    vocabulary=100,
    tied=True,
)
sizes = st.integers(1, 64)


def test_a_layer_keeps_34_bytes_a_number():
    """Two models that differ by one layer differ by s·b·h·34 bytes: arXiv:2205.05198, section 4."""
    one_more = replace(SHAPE, layers=25)
    pair = [get_training_activations(shape, 4, 512, 2, checkpointing=False) for shape in (SHAPE, one_more)]
    assert pair[1] - pair[0] == pytest.approx(512 * 4 * 1024 * 34)


def test_with_checkpointing_a_layer_keeps_its_input():
    """2·s·b·h bytes."""
    one_more = replace(SHAPE, layers=25)
    pair = [get_training_activations(shape, 4, 512, 2, checkpointing=True) for shape in (SHAPE, one_more)]
    assert pair[1] - pair[0] == pytest.approx(2 * 512 * 4 * 1024)


@given(layers=sizes, sequences=sizes, tokens=st.integers(1, 4096))
def test_more_never_takes_less(layers, sequences, tokens):
    """More sequences in a micro-batch, longer ones, wider numbers, no checkpointing."""
    shape = replace(SHAPE, layers=layers)
    least = get_training_activations(shape, sequences, tokens, 2, checkpointing=True)
    for more in (
        get_training_activations(shape, sequences + 1, tokens, 2, checkpointing=True),
        get_training_activations(shape, sequences, tokens + 1, 2, checkpointing=True),
        get_training_activations(shape, sequences, tokens, 4, checkpointing=True),
    ):
        assert least < more
    whole = get_training_activations(shape, sequences, tokens, 2, checkpointing=False)
    # The layer that is computed again comes on top of the inputs: of a single layer, checkpointing saves nothing.
    assert least <= whole or layers == 1


def test_logits_of_replies_are_held_twice_in_float32():
    """2 sequences of 10 tokens, 3 of them the reply's: 100·2·(10·2 + 3·8) bytes beside a layer."""
    layer = 2 * 10 * (4 * 1024 + 3 * 2176) * 2
    assert get_scoring_activations(SHAPE, 2, 10, 3, 2) == 100 * 2 * (10 * 2 + 3 * 8) + layer


def test_answers_hold_a_cache_of_keys_and_values():
    """2·24·1024 numbers a token in bfloat16, and one layer of 24 again while it is copied."""
    logits = 3 * 4 * 8 * 100
    expected = 8 * 50 * 2 * 24 * 1024 * 2 * 25 / 24
    assert get_answering_bytes(SHAPE, 8, 50, 2) == pytest.approx(expected + logits)
