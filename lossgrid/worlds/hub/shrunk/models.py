"""Tiny models with random weights, of the families of those that they stand for."""

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import (
    GemmaConfig,
    GemmaForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from lossgrid.worlds.hub.shrunk.tokenizers import (
    CHATML,
    GEMMA,
    GPT2,
    MISTRAL,
    ROBERTA,
    TokenizerShape,
    build_tokenizer,
)

LAYERS, HIDDEN, INTERMEDIATE, HEADS, LONGEST = 2, 32, 64, 4, 512
# RoBERTa's positions begin after the padding token's.
_POSITION_OFFSET = 2


def _build_mistral(vocabulary: int) -> PreTrainedModel:
    return MistralForCausalLM(
        MistralConfig(**_get_size(vocabulary), num_key_value_heads=2, tie_word_embeddings=False)
    )


def _build_gemma(vocabulary: int) -> PreTrainedModel:
    # As in Gemma 7B, the heads together are wider than the residual stream.
    return GemmaForCausalLM(GemmaConfig(**_get_size(vocabulary), num_key_value_heads=HEADS, head_dim=16))


def _build_gpt2(vocabulary: int) -> PreTrainedModel:
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=vocabulary, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_positions=LONGEST)
    )


def _build_roberta(vocabulary: int) -> PreTrainedModel:
    size = {**_get_size(vocabulary), "max_position_embeddings": LONGEST + _POSITION_OFFSET}
    return RobertaForSequenceClassification(
        RobertaConfig(**size, num_labels=2, id2label={0: "NEGATIVE", 1: "POSITIVE"}, type_vocab_size=1)
    )


def _get_size(vocabulary: int) -> dict[str, int]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": LONGEST,
    }


# What stands for which model of the studies, below the owner `shrunk`.
MODELS: dict[str, tuple[TokenizerShape, Callable[[int], PreTrainedModel]]] = {
    "mistral-instruct": (MISTRAL, _build_mistral),
    "zephyr-gemma-sft": (CHATML, _build_gemma),
    "gemma-it": (GEMMA, _build_gemma),
    "gpt2-imdb": (GPT2, _build_gpt2),
    "sentiment-roberta": (ROBERTA, _build_roberta),
}


def write_model(name: str, texts: list[str], folder: Path) -> None:
    """Write a model with its tokenizer as a repository of the hub holds them.

    Args:
        name: One of `MODELS`.
        texts: What the tokenizer is made from.
        folder: Folder to write.
    """
    shape, build = MODELS[name]
    tokenizer = build_tokenizer(shape, texts, LONGEST)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(len(tokenizer))
    for role in ("bos", "eos", "pad"):
        setattr(model.config, f"{role}_token_id", getattr(tokenizer, f"{role}_token_id"))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
