"""What a study runs on, as a few numbers: each says whether it was measured, and where, or is assumed."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Machine:
    """One process and what it computes on.

    Attributes:
        flops: Floating-point operations that it sustains in a second.
        layer_seconds: Time to walk through one layer once, however small: Python and the start of kernels.
        bandwidth: Bytes of weights that it reads in a second when it answers token by token.
        import_seconds: From the start to the first computation.
        process_bytes: Host memory of a process that holds no model yet.
        context_bytes: GPU memory of such a process.
        number_bytes: Bytes of an activation.
    """

    flops: float
    layer_seconds: float
    bandwidth: float
    import_seconds: float
    process_bytes: float
    context_bytes: float
    number_bytes: int


# Measured on two cores of an AMD EPYC with torch 2.13, one thread a process, two jobs beside each other, in `mini`
# and its smallest sibling, the study of the tests. Models of some million parameters sustain twice as much.
# The bandwidth is assumed; models that fit into the cache do not meet it.
CPU = Machine(
    flops=34e9,
    layer_seconds=2.3e-3,
    bandwidth=10e9,
    import_seconds=5.5,
    process_bytes=0.52e9,
    context_bytes=0.0,
    number_bytes=4,
)

# An A100 of 80 GB, assumed and not measured here: 312 TFLOP/s in bfloat16 and 2.0 TB/s (its data sheet), of which
# training keeps a third and token-by-token answers keep 60 %; a millisecond a layer without compiled kernels.
A100_FLOPS = 312e12
A100_UTILISATION = 0.33
A100_BANDWIDTH = 2.0e12
GPU = Machine(
    flops=A100_FLOPS * A100_UTILISATION,
    layer_seconds=1e-3,
    bandwidth=A100_BANDWIDTH * 0.6,
    import_seconds=40.0,
    process_bytes=4e9,
    context_bytes=1e9,
    number_bytes=2,
)

# Assumed: bytes in a second to and from a shared file system, and to and from host memory by one thread.
DISK_BANDWIDTH = 1e9
HOST_BANDWIDTH = 10e9


def get_machine(device: Literal["cpu", "gpu"]) -> Machine:
    """What a study's `device` stands for."""
    return {"cpu": CPU, "gpu": GPU}[device]
