"""The load of the jobs that train: the SFT model and a cell."""

from math import ceil

from lossgrid.planning.activations import get_training_activations
from lossgrid.planning.durations import get_training_seconds
from lossgrid.planning.hardware import DISK_BANDWIDTH, HOST_BANDWIDTH, get_machine
from lossgrid.planning.light_jobs import describe_corpus
from lossgrid.planning.load import Load
from lossgrid.planning.training_state import FLOAT32, Sharding, get_training_state
from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import Study

# Measured in the study of the tests: the trainers and what they import; the data themselves lie in mapped files.
LIBRARY_BYTES = 0.05e9
# Both chosen and rejected replies pass through the model.
SEQUENCES_PER_PAIR = 2
# Measured in `mini_deepspeed`: `accelerate launch` beside the processes that it starts, and what it and DeepSpeed
# take to begin.
LAUNCHER_BYTES, LAUNCHER_SECONDS = 0.4e9, 12.0
# Adam in host memory reads and writes the float32 copy and both moments and reads the gradients.
HOST_ADAM_BYTES = 28
SFT_CHECKPOINT_STEPS = 100


def describe_sft(study: Study) -> Load:
    """Training of the SFT model, in one process; what a world brings is linked."""
    facts, recipe = get_world_facts(study), study.sft
    if recipe is None:
        return describe_corpus(study)
    examples = facts.sft_chats * recipe.epochs
    return _describe_training(
        study,
        steps=ceil(examples / recipe.batch_size),
        micro_batches=ceil(examples / recipe.batch_size),
        sequences=recipe.batch_size,
        tokens=facts.chat_tokens,
        longest=recipe.max_length,
        checkpoint_steps=SFT_CHECKPOINT_STEPS,
    )


def describe_cell(study: Study) -> Load:
    """Training of a cell, by all its processes."""
    facts, recipe = get_world_facts(study), study.training
    micro_batch_size = recipe.get_micro_batch_size()
    steps = count_steps(study)
    return _describe_training(
        study,
        steps=steps,
        micro_batches=steps * recipe.batch_size // (micro_batch_size * recipe.processes),
        sequences=SEQUENCES_PER_PAIR * micro_batch_size,
        tokens=facts.pair_tokens,
        longest=recipe.max_length,
        checkpoint_steps=recipe.checkpoint_steps,
        processes=recipe.processes,
        sharding=recipe.deepspeed,
    )


def count_steps(study: Study) -> int:
    """Optimiser steps of a cell that trains to its end."""
    return ceil(get_world_facts(study).pairs * study.training.epochs / study.training.batch_size)


def _describe_training(
    study: Study,
    *,
    steps: int,
    micro_batches: int,
    sequences: int,
    tokens: int,
    longest: int,
    checkpoint_steps: int,
    processes: int = 1,
    sharding: Sharding = None,
) -> Load:
    model, machine = get_world_facts(study).model, get_machine(study.device)
    on_gpu, parameters = study.device == "gpu", model.count_parameters()
    state = get_training_state(parameters, processes, sharding, study.device)
    number_bytes = machine.number_bytes
    if on_gpu and sharding is None:
        # Under autocast the residual stream stays float32.
        number_bytes = FLOAT32
    activations = get_training_activations(model, sequences, longest, number_bytes, checkpointing=on_gpu)
    # Without sharding of the weights every process first loads the whole model into host memory.
    loaded = FLOAT32 * parameters * (1 if sharding in ("zero3", "zero3_offload") else processes)
    host = processes * (machine.process_bytes + LIBRARY_BYTES)
    host += LAUNCHER_BYTES if sharding else 0.0
    host += loaded + processes * state.host if on_gpu else processes * (state.device + activations)

    seconds = machine.import_seconds + FLOAT32 * parameters / DISK_BANDWIDTH
    seconds += LAUNCHER_SECONDS if sharding else 0.0
    seconds += get_training_seconds(model, machine, micro_batches, sequences, tokens, checkpointing=on_gpu)
    seconds += steps / checkpoint_steps * state.checkpoint / DISK_BANDWIDTH
    if sharding == "zero3_offload":
        seconds += steps * HOST_ADAM_BYTES * parameters / processes / HOST_BANDWIDTH
    return Load(
        seconds=seconds,
        host_bytes=host,
        gpu_bytes=machine.context_bytes + state.device + activations if on_gpu else 0.0,
        gpus=processes if on_gpu else 0,
        cpus=processes,
    )
