"""The load of the jobs that train: the SFT model and a cell."""

from dataclasses import replace
from math import ceil

from lossgrid.planning.activations import get_training_activations
from lossgrid.planning.durations import get_training_seconds
from lossgrid.planning.hardware import DISK_BANDWIDTH, HOST_BANDWIDTH, get_machine
from lossgrid.planning.light_jobs import describe_corpus
from lossgrid.planning.load import Load
from lossgrid.planning.training_adapter import (
    PACKED,
    count_adapted_inputs,
    count_adapter_parameters,
    get_adapter_state,
)
from lossgrid.planning.training_state import FLOAT32, TrainingState, get_training_state, get_weight_bytes
from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import Study
from lossgrid.studies.recipe import TrainingRecipe

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
# An A100 in 16 bits against float32: 312 and 19.5 TFLOP/s, its data sheet.
SIXTEEN_BIT_SPEEDUP = 16


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
        recipe=recipe,
    )


def count_steps(study: Study) -> int:
    """Optimiser steps of a cell that trains to its end."""
    return ceil(get_world_facts(study).pairs * study.training.epochs / study.training.batch_size)


def get_cell_state(study: Study) -> TrainingState:
    """What one process of a cell's training holds, and its checkpoint."""
    model, recipe = get_world_facts(study).model, study.training
    where = (recipe.processes, recipe.deepspeed, study.device, recipe.precision)
    if recipe.adapter:
        return get_adapter_state(model, recipe.adapter, *where)
    return get_training_state(model.count_parameters(), *where)


def _describe_training(
    study: Study,
    *,
    steps: int,
    micro_batches: int,
    sequences: int,
    tokens: int,
    longest: int,
    checkpoint_steps: int,
    recipe: TrainingRecipe | None = None,
) -> Load:
    """Training by a cell's recipe, or, without one, of the whole model in one process with the device's defaults."""
    model, machine = get_world_facts(study).model, get_machine(study.device)
    on_gpu, parameters = study.device == "gpu", model.count_parameters()
    processes, sharding = (recipe.processes, recipe.deepspeed) if recipe else (1, None)
    precision, adapter = (recipe.precision, recipe.adapter) if recipe else (None, None)
    state = get_cell_state(study) if recipe else get_training_state(parameters, 1, None, study.device)
    held = get_weight_bytes(study.device, precision)
    if on_gpu and held == FLOAT32:
        machine = replace(machine, flops=machine.flops / SIXTEEN_BIT_SPEEDUP)
    # Under autocast the residual stream is float32 where the weights are.
    number_bytes = held if sharding or adapter else FLOAT32
    chosen = recipe and recipe.gradient_checkpointing
    checkpointing = on_gpu if chosen is None else chosen
    activations = get_training_activations(
        model,
        sequences,
        longest,
        number_bytes,
        checkpointing,
        eager=bool(recipe) and recipe.attention == "eager",
        adapted_inputs=count_adapted_inputs(model, adapter) if adapter else 0,
    )
    # Without sharding of the weights every process first loads the whole model into host memory.
    stored = held if adapter else FLOAT32
    loaded = stored * parameters * (1 if sharding in ("zero3", "zero3_offload") else processes)
    host = processes * (machine.process_bytes + LIBRARY_BYTES)
    host += LAUNCHER_BYTES if sharding else 0.0
    host += loaded + processes * state.host if on_gpu else processes * (state.device + activations)

    seconds = machine.import_seconds + FLOAT32 * parameters / DISK_BANDWIDTH
    seconds += LAUNCHER_SECONDS if sharding else 0.0
    is_packed = adapter is not None and adapter.kind == "qlora"
    seconds += get_training_seconds(
        model,
        machine,
        micro_batches,
        sequences,
        tokens,
        checkpointing,
        adapter=adapter is not None,
        unpacked_bytes=parameters * (PACKED + held) if is_packed else 0.0,
    )
    seconds += steps / checkpoint_steps * state.checkpoint / DISK_BANDWIDTH
    if sharding == "zero3_offload":
        trained = count_adapter_parameters(model, adapter) if adapter else parameters
        seconds += steps * HOST_ADAM_BYTES * trained / processes / HOST_BANDWIDTH
    return Load(
        seconds=seconds,
        host_bytes=host,
        gpu_bytes=machine.context_bytes + state.device + activations if on_gpu else 0.0,
        gpus=processes if on_gpu else 0,
        cpus=processes,
    )
