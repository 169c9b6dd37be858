"""Counting weights on paper gives what torch counts."""

from dataclasses import replace

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from lossgrid.planning.model_shape import ModelShape
from lossgrid.planning.world_facts import REVIEWS_VOCABULARY, get_world_facts
from lossgrid.studies.world import Policy
from lossgrid.worlds.reviews.policy import build_policy
from lossgrid.worlds.reviews.tokenizer import build_tokenizer

MISTRAL_7B = ModelShape(
    layers=32,
    hidden_size=4096,
    intermediate_size=14336,
    heads=32,
    key_value_heads=8,
    vocabulary=32000,
    tied=False,
)


@pytest.mark.parametrize(
    "policy",
    [
        {"layers": 1, "hidden_size": 8, "heads": 1, "intermediate_size": 8},
        {"layers": 2, "hidden_size": 64, "heads": 4, "intermediate_size": 256},
        {"layers": 3, "hidden_size": 96, "heads": 6, "intermediate_size": 100},
        {"layers": 7, "hidden_size": 40, "heads": 2, "intermediate_size": 11},
    ],
)
def test_parameters_are_those_of_the_real_model(mini, vary, policy):
    """The table of embeddings is counted once, because it is the output layer as well."""
    model = build_policy(build_tokenizer(), **policy, seed=1, max_position=16)
    shape = get_world_facts(vary(mini, world={"policy": Policy(**policy)})).model
    assert shape.count_parameters() == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("tied", [True, False])
def test_grouped_queries_and_a_second_table_are_counted(tied):
    """As published models have them."""
    shape = ModelShape(2, 32, 48, heads=8, key_value_heads=2, vocabulary=50, tied=tied)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
    )
    model = LlamaForCausalLM(config)
    assert shape.count_parameters() == sum(weight.numel() for weight in model.parameters())


def test_a_published_model_has_its_published_size():
    """Mistral-7B: 7.24e9 weights, and 2·32·8·128 numbers of cache a token, 131 kB in bfloat16."""
    assert MISTRAL_7B.count_parameters() == 7_241_732_096
    assert MISTRAL_7B.get_cache_bytes(2) == 2 * 32 * 8 * 128 * 2


@pytest.mark.parametrize(
    ("shape", "parameters"),
    [
        # Heads of 256 that are together wider than the residual stream:
        # 28·(2·3072·4096 + 2·3072·4096 + 3·3072·24576 + 2·3072) + 3072 + 256000·3072.
        (ModelShape(28, 3072, 24576, 16, 16, 256000, tied=True, head_size=256), 8_537_680_896),
        (ModelShape(18, 2048, 16384, 8, 1, 256000, tied=True, head_size=256), 2_506_172_416),
    ],
)
def test_gemma_has_its_published_size(shape, parameters):
    assert shape.count_parameters() == parameters


def test_operations_are_two_a_weight_and_attention():
    """Of 7.24e9 weights 32000·4096 are looked up; attention over 1,000 tokens adds 4·32·1000·4096."""
    multiplied = 7_241_732_096 - 32000 * 4096
    assert MISTRAL_7B.count_forward_flops(1000) == 2 * multiplied + 4 * 32 * 1000 * 4096
    tied = replace(MISTRAL_7B, tied=True)
    assert tied.count_forward_flops(0) == 2 * tied.count_parameters()


def test_the_vocabulary_of_the_reviews_world_is_counted():
    """It is written down because counting it would import the world."""
    assert len(build_tokenizer()) == REVIEWS_VOCABULARY
