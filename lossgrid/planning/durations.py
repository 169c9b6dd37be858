"""How long a model takes to train, to weigh and to answer: operations over throughput, and a walk through layers."""

from collections.abc import Iterable
from math import ceil

from lossgrid.planning.hardware import Machine
from lossgrid.planning.model_shape import ModelShape
from lossgrid.planning.replies import ReplyGroup

# A backward pass takes two forward passes, and one more where the layers are computed again.
PASSES, PASSES_WITH_CHECKPOINTING = 3, 4
# Half of a backward pass is for the gradients of weights, which those that stay as they are do not have.
FROZEN_PASSES = 1


def get_training_seconds(
    model: ModelShape,
    machine: Machine,
    micro_batches: int,
    sequences: int,
    tokens: int,
    checkpointing: bool,
    adapter: bool = False,
    unpacked_bytes: float = 0.0,
) -> float:
    """Seconds that one process computes.

    Args:
        model: What is trained.
        machine: One process and what it computes on.
        micro_batches: Forward and backward passes, over all steps.
        sequences: In a micro-batch; a pair is two.
        tokens: Of a sequence, padded.
        checkpointing: Whether layers are computed again in the backward pass.
        adapter: Whether the model's own weights stay as they are; the adapter's operations are left out.
        unpacked_bytes: Read and written to unpack the weights once, for each pass through the model.
    """
    passes = (PASSES_WITH_CHECKPOINTING if checkpointing else PASSES) - (FROZEN_PASSES if adapter else 0)
    once = sequences * tokens * model.count_forward_flops(tokens) / machine.flops
    unpacking = unpacked_bytes / machine.bandwidth
    return micro_batches * passes * (once + unpacking + model.layers * machine.layer_seconds)


def get_scoring_seconds(
    model: ModelShape, machine: Machine, sequences: int, tokens: int, batch_size: int
) -> float:
    """Seconds to compute log-probabilities of so many sequences in one process."""
    operations = sequences * tokens * model.count_forward_flops(tokens)
    return operations / machine.flops + ceil(sequences / batch_size) * model.layers * machine.layer_seconds


def get_answering_seconds(model: ModelShape, machine: Machine, groups: Iterable[ReplyGroup]) -> float:
    """Seconds to answer prompts token by token in one process.

    Every batch goes on to the limit of its longest answer. For each token all weights are read once, whatever the
    number of prompts, and no layer takes less than the walk through it.
    """
    walk = model.layers * machine.layer_seconds
    read = model.count_parameters() * machine.number_bytes / machine.bandwidth
    seconds = 0.0
    for group in groups:
        tokens = group.prompts * (group.prompt_tokens + group.limit)
        operations = tokens * model.count_forward_flops(group.prompt_tokens + group.limit)
        seconds += operations / machine.flops + group.batches * group.limit * max(walk, read)
    return seconds
