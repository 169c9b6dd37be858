"""What a pass through a model keeps beside its weights.

Korthikanti et al. 2022, arXiv:2205.05198, section 4: with 2 bytes a number, a layer keeps s·b·h·(34 + 5·a·s/h) bytes
for its backward pass, 11·s·b·h of them in attention, 19 in a feed-forward layer of width 4h and 4 in the norms. Of a
heads the attention weights, the term with a, are kept by eager attention and not by fused attention. A gated
feed-forward layer of width i keeps its input, two projections, the activation and the product: 2·h + 8·i instead of
19·h. So a layer keeps s·b·(17·h + 8·i) bytes, and with checkpointing only its input, 2·s·b·h, but for the one that is
computed again.
"""

from lossgrid.planning.model_shape import ModelShape

# TRL multiplies the output layer in tiles of so many tokens, and sums its gradient in float32: no table of logits.
TILE_TOKENS = 4096
FLOAT32 = 4


def get_training_activations(
    model: ModelShape,
    sequences: int,
    tokens: int,
    number_bytes: int,
    checkpointing: bool,
    eager: bool = False,
    adapted_inputs: int = 0,
) -> float:
    """Bytes that a forward and backward pass takes.

    Args:
        model: What is trained.
        sequences: In the micro-batch; a pair is two.
        tokens: Of the longest sequence.
        number_bytes: Of an activation.
        checkpointing: Whether layers are computed again in the backward pass.
        eager: Whether attention weights are kept.
        adapted_inputs: Numbers that the adapters of one layer take in for a token, each kept in float32.
    """
    h, numbers = model.hidden_size, sequences * tokens
    attention = 5 * model.heads * tokens if eager else 0
    layer = numbers * (17 * h + 8 * model.intermediate_size + attention) * number_bytes / 2
    layer += numbers * adapted_inputs * FLOAT32
    kept = (model.layers * numbers * h * number_bytes + layer) if checkpointing else model.layers * layer
    head = FLOAT32 * model.vocabulary * (h + min(numbers, TILE_TOKENS))
    return kept + head + 2 * FLOAT32 * numbers * h


def get_scoring_activations(
    model: ModelShape, sequences: int, tokens: int, reply_tokens: int, number_bytes: int
) -> float:
    """Bytes that log-probabilities of replies take: all logits, and those of the replies twice in float32.

    Args:
        model: What weighs the replies.
        sequences: In one forward pass.
        tokens: Of the longest sequence.
        reply_tokens: Of the longest reply in it.
        number_bytes: Of an activation.
    """
    numbers = sequences * tokens
    logits = model.vocabulary * sequences * (tokens * number_bytes + reply_tokens * 2 * FLOAT32)
    layer = numbers * (4 * model.hidden_size + 3 * model.intermediate_size) * number_bytes
    return logits + layer


def get_answering_bytes(model: ModelShape, sequences: int, tokens: int, number_bytes: int) -> float:
    """Bytes that token-by-token answers take: the cache of keys and values, which grows by copying layer by layer.

    Args:
        model: What answers.
        sequences: Answered together.
        tokens: Of the longest prompt with its answer.
        number_bytes: Of an activation.
    """
    logits = 3 * FLOAT32 * sequences * model.vocabulary
    copied = 1 + 1 / model.layers
    return copied * sequences * tokens * model.get_cache_bytes(number_bytes) + logits
