"""What training an adapter holds: a model that stays as it is, and the state of the few weights beside it.

Dettmers et al. 2023, arXiv:2305.14314, section 3: NF4 packs two weights into a byte, each block of 64 has a scale of
8 bits, and each 256 scales have one of 32: 4/8 + 1/64 + 4/(64·256) = 0.5159 bytes a weight. Embeddings, output layer
and norms are not packed. Matrices are unpacked one at a time.
"""

from typing import Literal

from lossgrid.planning.model_shape import ModelShape
from lossgrid.planning.training_state import (
    BUCKET_BYTES,
    FLOAT32,
    GATHERED_PARAMETERS,
    MOMENTS,
    OPTIMISER,
    Precision,
    Sharding,
    TrainingState,
    get_weight_bytes,
)
from lossgrid.studies.adapter import Adapter

PACKED = 4 / 8 + 1 / 64 + 4 / (64 * 256)


def list_layers(model: ModelShape) -> dict[str, tuple[int, int]]:
    """The widths, in and out, of the linear layers of one block, by their names in the Llama family."""
    h, i, w = model.hidden_size, model.intermediate_size, model.key_value_width
    return {
        "q_proj": (h, h), "k_proj": (h, w), "v_proj": (h, w), "o_proj": (h, h),
        "gate_proj": (h, i), "up_proj": (h, i), "down_proj": (i, h),
    }  # fmt: skip


def list_targets(model: ModelShape, adapter: Adapter) -> list[tuple[int, int]]:
    """The widths of the layers of one block that get an adapter; a name that is not known counts as the largest."""
    layers = list_layers(model)
    largest = max(layers.values(), key=sum)
    return [layers.get(name, largest) for name in adapter.targets or layers]


def count_adapter_parameters(model: ModelShape, adapter: Adapter) -> int:
    """Weights of an adapter: rank·(in + out) for each layer that has one.

    Rank 16 on every linear layer of Mistral-7B is 32·16·(2·8192 + 2·5120 + 3·18432) = 41,943,040.
    """
    return model.layers * adapter.rank * sum(map(sum, list_targets(model, adapter)))


def count_adapted_inputs(model: ModelShape, adapter: Adapter) -> int:
    """Numbers that the adapters of one block take in for a token; PEFT keeps each in float32."""
    return sum(width for width, _ in list_targets(model, adapter))


def get_frozen_bytes(model: ModelShape, adapter: Adapter, weight_bytes: int) -> float:
    """Bytes of a model that stays as it is.

    Mistral-7B in 4 bits: 6,979,321,856·0.5159 + 262,410,240·2 = 4.13 GB; in bfloat16 14.48 GB.

    Args:
        model: The model.
        adapter: What is trained beside it.
        weight_bytes: Of a weight that is not packed.
    """
    parameters = model.count_parameters()
    if adapter.kind != "qlora":
        return parameters * weight_bytes
    packed = model.layers * sum(rows * columns for rows, columns in list_layers(model).values())
    return packed * PACKED + (parameters - packed) * weight_bytes


def get_adapter_state(
    model: ModelShape,
    adapter: Adapter,
    processes: int,
    sharding: Sharding,
    device: Literal["cpu", "gpu"],
    precision: Precision = None,
) -> TrainingState:
    """The state of one of several processes that train an adapter together.

    Rank 16 on Mistral-7B in one process: 18 bytes for each of 41.9e6 weights (float32, gradient, two moments, and the
    copy of autocast) are 0.76 GB beside the model; with the matrix that is unpacked, 0.12 GB, 5.0 GB in 4 bits, and
    15.2 GB in bfloat16.

    Args:
        model: What it is trained on.
        adapter: The study's `training.adapter`.
        processes: Training processes.
        sharding: The study's `training.deepspeed`.
        device: The study's `device`.
        precision: The study's `training.precision`.
    """
    trained, held = count_adapter_parameters(model, adapter), get_weight_bytes(device, precision)
    frozen = get_frozen_bytes(model, adapter, held)
    if adapter.kind == "qlora":
        frozen += held * max(rows * columns for rows, columns in list_layers(model).values())
    if sharding is None:
        copy = held if held < FLOAT32 else 0
        return TrainingState(frozen + trained * (OPTIMISER + copy), 0.0, trained * (FLOAT32 + MOMENTS))
    checkpoint = trained * (held + FLOAT32 + MOMENTS)
    if sharding == "zero2":
        buckets = BUCKET_BYTES if device == "gpu" else 0
        return TrainingState(frozen + trained * (held + OPTIMISER / processes) + buckets, 0.0, checkpoint)
    shard = (frozen + trained * (held + OPTIMISER)) / processes
    gathered = held * min(model.count_parameters(), GATHERED_PARAMETERS) if device == "gpu" else 0.0
    if sharding == "zero3" or device == "cpu":
        return TrainingState(shard + gathered, 0.0, checkpoint)
    return TrainingState(gathered, shard, checkpoint)
