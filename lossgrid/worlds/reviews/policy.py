"""A small language model for the reviews world, initialised at random from a seed."""

from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from lossgrid.training.tokens import load_tokenizer


def start(study, corpus: Path) -> LlamaForCausalLM:
    """The model that a study's SFT begins with.

    Args:
        study: The study, of the world `reviews`.
        corpus: Folder written by `write_corpus`.
    """
    return build_policy(
        load_tokenizer(corpus / "tokenizer"),
        **study.world.policy.model_dump(),
        seed=study.sft.seed,
        max_position=study.sft.max_length,
    )


def build_policy(
    tokenizer: PreTrainedTokenizerBase,
    layers: int,
    hidden_size: int,
    heads: int,
    intermediate_size: int,
    seed: int,
    max_position: int,
) -> LlamaForCausalLM:
    """A Llama of any size with random weights.

    Args:
        tokenizer: gives the vocabulary size and the ids of `<pad>` and `<|end|>`.
        layers: number of transformer blocks.
        hidden_size: width; a multiple of `heads`.
        heads: attention heads, as many for keys and values.
        intermediate_size: width of the feed-forward layers.
        seed: seed of the weights; the caller's random state is left as it was.
        max_position: longest sequence, in tokens.

    Returns:
        The model in fp32 with tied embeddings, end and padding tokens set for training and generation.

    Raises:
        ValueError: if hidden_size is not a multiple of heads.
    """
    if hidden_size % heads:
        raise ValueError(f"hidden_size: {hidden_size} is not a multiple of heads={heads}")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        intermediate_size=intermediate_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=max_position,
        # The default of 0.02 is meant for widths of thousands; a narrow model stays symmetric under it for
        # hundreds of steps and learns the question's aspect late.
        initializer_range=hidden_size**-0.5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).float()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model
