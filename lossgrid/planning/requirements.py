"""What a scheduler is asked for, for one job of each rule: the estimate with head-room, in round numbers."""

from dataclasses import dataclass, replace
from math import ceil

from lossgrid.planning.steps import get_load
from lossgrid.studies import Study

# What is asked for is so many times the estimate: half of it is told by a formula and half by what was measured on
# another machine.
TIME_HEADROOM = 3.0
HOST_HEADROOM = 1.5
GPU_HEADROOM = 1.15
# A job runs inside two Snakemake processes, on Slurm under the same limit: 150 MB each, measured.
SNAKEMAKE_MB = 2 * 150
# Steps of the requests, and the least of each: a node under load, or a first import from a cold file system, takes
# minutes where the estimate says seconds.
MEMORY_STEP_MB = 500
RUNTIME_STEP = 10
LEAST_MB = 1000
LEAST_MODEL_MB = 2000
LEAST_RUNTIME = 20
LEAST_TRAINING_RUNTIME = 60

TRAINING = {"train_sft", "train_cell"}
WITH_MODEL = {*TRAINING, "make_pairs", "compute_reference_logps", "generate_responses"}
WITH_JUDGE = {"judge_responses", "ask_judge_card"}
MEGABYTE, GIGABYTE = 1e6, 1e9


@dataclass(frozen=True)
class Requirements:
    """What one job asks of a scheduler at its first attempt; a repeated one multiplies memory and runtime.

    Attributes:
        gpus: GPUs.
        gpu_memory_gb: Memory that each of them must have, GB (1e9 bytes); 0 without GPUs, infinite where only the
            largest kind is sure to suffice.
        cpus: CPU cores.
        mem_mb: Host memory of the whole job, MB (1e6 bytes).
        runtime: Wall time, minutes.
    """

    gpus: int
    gpu_memory_gb: float
    cpus: int
    mem_mb: int
    runtime: int

    def scale(self, attempt: int) -> "Requirements":
        """What the nth attempt asks for, from 1: n times the memory and the time of the first."""
        return replace(self, mem_mb=attempt * self.mem_mb, runtime=attempt * self.runtime)


def get_requirements(study: Study | None, rule_name: str) -> Requirements:
    """What one job of a rule asks for.

    Args:
        study: A study that was read and checked; None for a job that computes nothing of a study's.
        rule_name: Name of the rule; one that is not known is taken for a table or a figure.
    """
    if study is None:
        return Requirements(0, 0.0, 1, LEAST_MB, LEAST_RUNTIME)
    load = get_load(study, rule_name)
    with_model = rule_name in WITH_MODEL
    least = LEAST_MODEL_MB if with_model else LEAST_MB
    # What the study says of a judge's server is asked for as it stands there.
    own_bytes = load.host_bytes - load.server_bytes
    megabytes = (HOST_HEADROOM * own_bytes + load.server_bytes) / MEGABYTE + SNAKEMAKE_MB
    gpu_headroom, minutes = GPU_HEADROOM, TIME_HEADROOM * load.seconds / 60
    if rule_name in WITH_JUDGE and study.judge is not None and study.judge.command is not None:
        gpu_headroom = 1.0
        minutes += study.judge.ready_timeout / 60
    return Requirements(
        gpus=load.gpus,
        gpu_memory_gb=round(gpu_headroom * load.gpu_bytes / GIGABYTE, 1),
        cpus=load.cpus,
        mem_mb=max(least, round_up(megabytes, MEMORY_STEP_MB)),
        runtime=max(
            LEAST_TRAINING_RUNTIME if rule_name in TRAINING else LEAST_RUNTIME,
            round_up(minutes, RUNTIME_STEP),
        ),
    )


def round_up(number: float, step: int) -> int:
    """The next multiple of the step."""
    return ceil(number / step) * step
