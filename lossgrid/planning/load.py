"""What one job is expected to take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """One job, its first attempt, without head-room.

    Attributes:
        seconds: Wall time.
        host_bytes: Peak host memory of all its processes together.
        gpu_bytes: Peak memory of each of its GPUs.
        gpus: How many.
        cpus: Threads that it keeps busy.
    """

    seconds: float
    host_bytes: float
    gpu_bytes: float = 0.0
    gpus: int = 0
    cpus: int = 1
