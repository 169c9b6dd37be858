"""What one job is expected to take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """One job, its first attempt, without head-room.

    Attributes:
        seconds: Wall time.
        host_bytes: Peak host memory of all its processes together.
        gpu_bytes: Peak memory of each of its GPUs; infinite where nothing but the largest kind is sure to suffice.
        gpus: How many.
        cpus: Threads that it keeps busy.
        server_bytes: Of the host memory, that of a judge's server: not computed but told by the study, or assumed.
    """

    seconds: float
    host_bytes: float
    gpu_bytes: float = 0.0
    gpus: int = 0
    cpus: int = 1
    server_bytes: float = 0.0
