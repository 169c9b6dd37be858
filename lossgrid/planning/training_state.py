"""Where the state of a training run lies: weights, gradients and Adam's moments, by the stage of ZeRO.

Rajbhandari et al. 2020, arXiv:1910.02054, section 3: mixed-precision Adam holds 2 bytes of weights, 2 of gradients
and K = 12 (a float32 copy and two moments) for every parameter, which stages 2 and 3 divide over the processes. Here
gradients are accumulated in float32 (deepspeed/*.json), 4 bytes; a plain process holds float32 weights under
autocast.
"""

from dataclasses import dataclass
from typing import Literal

Sharding = Literal["zero2", "zero3", "zero3_offload"] | None
Precision = Literal["bf16", "fp32"] | None

FLOAT32, BFLOAT16 = 4, 2
GRADIENTS = FLOAT32
MOMENTS = 2 * FLOAT32
# The float32 copy, the two moments and the gradients: what stage 2 divides.
OPTIMISER = FLOAT32 + MOMENTS + GRADIENTS
# DeepSpeed's own defaults: two buckets of 5e8 gradients under stage 2, and under stage 3 at most 1e9 parameters that
# are gathered at a time.
BUCKET_BYTES = 2 * 500_000_000 * BFLOAT16
GATHERED_PARAMETERS = 1_000_000_000


@dataclass(frozen=True)
class TrainingState:
    """Bytes of one training process.

    Attributes:
        device: On its GPU, or in host memory where it has none.
        host: In host memory beside a GPU.
        checkpoint: On disk, of all processes together.
    """

    device: float
    host: float
    checkpoint: float


def get_weight_bytes(device: Literal["cpu", "gpu"], precision: Precision) -> int:
    """Bytes of a number that models are computed in; without a choice bfloat16 on a GPU and float32 on a CPU."""
    return {"bf16": BFLOAT16, "fp32": FLOAT32}[precision or ("bf16" if device == "gpu" else "fp32")]


def get_training_state(
    parameters: int,
    processes: int,
    sharding: Sharding,
    device: Literal["cpu", "gpu"],
    precision: Precision = None,
) -> TrainingState:
    """The state of one of several processes that train a model together.

    For 7.24e9 parameters on 8 GPUs under ZeRO-3, (2 + 16)·7.24e9/8 = 16.3 GB and the gathered 2 GB are 18.3 GB a GPU;
    under ZeRO-2 2·7.24e9 + 16·7.24e9/8 + 2 GB are 31 GB; in one process 18·7.24e9 are 130 GB, which no A100 has.

    Args:
        parameters: Of the model.
        processes: Training processes.
        sharding: The study's `training.deepspeed`.
        device: The study's `device`.
        precision: The study's `training.precision`; with fp32 there are no copies in 16 bits.
    """
    held = get_weight_bytes(device, precision)
    if device == "cpu":
        # float32 throughout: the weights themselves are the copy that Adam updates; autocast may hold another.
        whole = (FLOAT32 if held == FLOAT32 else FLOAT32 + held) / (
            1 if sharding in (None, "zero2") else processes
        )
        state = parameters * (whole + (GRADIENTS + MOMENTS) / processes)
        return TrainingState(state, 0.0, parameters * (FLOAT32 + MOMENTS))
    checkpoint = parameters * (held + FLOAT32 + MOMENTS)
    gathered = held * min(parameters, GATHERED_PARAMETERS)
    if sharding is None:
        # Autocast keeps a bfloat16 copy of the weights while a step lasts.
        copy = held if held < FLOAT32 else 0
        return TrainingState(
            parameters * (FLOAT32 + GRADIENTS + MOMENTS + copy), 0.0, parameters * (FLOAT32 + MOMENTS)
        )
    if sharding == "zero2":
        device_bytes = parameters * (held + OPTIMISER / processes) + BUCKET_BYTES
        return TrainingState(device_bytes, 0.0, checkpoint)
    shard = parameters * (held + OPTIMISER) / processes
    if sharding == "zero3":
        return TrainingState(shard + gathered, 0.0, checkpoint)
    return TrainingState(gathered, shard, checkpoint)
