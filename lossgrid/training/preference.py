"""Train one cell: one objective, one setting, one seed."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from datasets import load_from_disk
from transformers import set_seed
from trl import DPOConfig

from lossgrid.training.adapters import get_base_name
from lossgrid.training.checkpoint_folders import get_step
from lossgrid.training.checkpoints import open_run_folder, remove_checkpoints, replace_folder
from lossgrid.training.health import has_finite_weights, summarise_health
from lossgrid.training.launch import is_main
from lossgrid.training.live.watch import watch_training
from lossgrid.training.loading import load_model
from lossgrid.training.pair_loss import PairLoss
from lossgrid.training.pair_trainer import LAST_FINITE, PairTrainer
from lossgrid.training.processes import wait_for_all
from lossgrid.training.recipe import get_trainer_arguments
from lossgrid.training.tokens import load_tokenizer
from lossgrid.training.training_log import TRAINING_LOG, read_records, spell_number


@dataclass(frozen=True)
class CellOutputs:
    """Where a trained cell is written: the policy's folder and two files."""

    policy: Path
    training_log: Path
    health: Path


def train_cell(
    objective,
    setting: dict,
    seed: int,
    recipe,
    *,
    model: Path,
    reference: Path,
    outputs: CellOutputs,
    checkpoints: Path,
    identity: str,
    threads: int,
) -> dict:
    """Train a policy with a preference objective, resuming where an earlier try of the same run was killed.

    Args:
        objective: `lossgrid.objectives.specification.Objective`.
        setting: A value for each of the objective's hyper-parameters.
        seed: Seed of the order of the pairs and of any dropout.
        recipe: `TrainingRecipe` of the study.
        model: Folder of the model that training starts from, which is also the reference.
        reference: Folder written by `compute_reference_logps`.
        outputs: Written only when training has come to its end, each beside and renamed.
        checkpoints: Folder for checkpoints; removed at the end.
        identity: Hash of settings, inputs and code; a checkpoint of another identity is never resumed.
        threads: CPU threads; another number gives other last bits.

    Returns:
        The content of `health.json`. A run whose loss or gradient becomes non-finite comes to its end like any
        other, with `status: diverged` and the last finite weights as its policy (the model it started from
        where an update itself left the range of float32 and nothing finite was kept).

    Raises:
        RuntimeError: Where the training log has steps twice or not at all, or the model cannot be held as the recipe
            asks for.
    """
    torch.set_num_threads(threads)
    # First the arguments: they start the processes' communication, and under ZeRO-3 a model that is loaded
    # after them is made in shards.
    arguments = DPOConfig(
        output_dir=str(checkpoints / identity),
        **get_trainer_arguments(
            recipe,
            recipe.get_micro_batch_size(),
            recipe.processes,
            recipe.precision,
            recipe.gradient_checkpointing,
        ),
        seed=seed,
        data_seed=seed,
        save_steps=recipe.checkpoint_steps,
        logging_steps=recipe.log_steps,
        precompute_ref_log_probs=True,
    )
    run_folder, checkpoint = open_run_folder(checkpoints, identity)
    if is_main():
        print(f"resuming after step {get_step(checkpoint)}" if checkpoint else "starting afresh", flush=True)

    loss = PairLoss(objective, setting)
    if recipe.adapter:
        # Its first weights are drawn before the trainer sets the seed itself.
        set_seed(seed)
    trainer = PairTrainer(
        loss=loss,
        nonfinite=recipe.nonfinite,
        reward_scale=setting.get("beta_kl", setting.get("beta", 1.0)),
        adapter=recipe.adapter,
        base=get_base_name(model, outputs.policy),
        model=load_model(model, **recipe.get_loading()),
        args=arguments,
        train_dataset=load_from_disk(reference),
        processing_class=load_tokenizer(model),
    )
    if checkpoint:
        loss.learned.load(checkpoint)
    watch_training(trainer)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)

    weights_finite = has_finite_weights(trainer.model)
    policy = run_folder / "policy"
    if weights_finite:
        trainer.save_policy(policy)
    if is_main():
        health = _read_health(trainer, run_folder, recipe.nonfinite, weights_finite)
        if not weights_finite:
            _take_last_finite(trainer, run_folder, model)
        # Copies: a kill before the checkpoints are gone leads to a resume, which needs the log again.
        replace_folder(policy, outputs.policy)
        _write(outputs.training_log, (run_folder / TRAINING_LOG).read_text())
        _write(outputs.health, json.dumps({**health, "identity": identity}, indent=1) + "\n")
        remove_checkpoints(checkpoints)
    wait_for_all()
    return json.loads(outputs.health.read_text())


def _take_last_finite(trainer: PairTrainer, run_folder: Path, model: Path) -> None:
    """Make the policy of the last finite weights, which are those of the start where nothing else was kept."""
    policy, last_finite = run_folder / "policy", run_folder / LAST_FINITE
    shutil.rmtree(policy, ignore_errors=True)
    if trainer.adapter_base is not None and not last_finite.exists():
        trainer.write_still_adapter(policy)
    else:
        shutil.copytree(last_finite if last_finite.exists() else model, policy)


def _read_health(trainer: PairTrainer, run_folder: Path, nonfinite: str, weights_finite: bool) -> dict:
    records = read_records(run_folder / TRAINING_LOG)
    if [record["step"] for record in records] != list(range(1, trainer.state.global_step + 1)):
        raise RuntimeError(
            f"{run_folder / TRAINING_LOG} does not hold the steps 1 to {trainer.state.global_step} once each: does "
            f"another process train this cell? Wait for it or end it, remove {run_folder.parent}, run again"
        )
    learned = trainer.loss.learned.get_values()
    return {
        **summarise_health(records, trainer.state.max_steps, nonfinite, weights_finite),
        **{f"final_{name}": spell_number(value.item()) for name, value in learned.items()},
    }


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(file.name + ".beside")
    beside.write_text(text)
    os.replace(beside, file)
