"""Supervised fine-tuning on chats, with TRL's trainer: the model that every cell starts from."""

import shutil
from pathlib import Path

import torch
from datasets import load_from_disk
from trl import SFTConfig, SFTTrainer

from lossgrid.training.checkpoints import (
    CheckpointKeeper,
    open_run_folder,
    remove_checkpoints,
    replace_folder,
)
from lossgrid.training.health import has_finite_weights
from lossgrid.training.progress_callback import ProgressCallback
from lossgrid.training.recipe import get_trainer_arguments


class ResumableSFTTrainer(SFTTrainer):
    """TRL's trainer without a card in every checkpoint."""

    def create_model_card(self, *_arguments, **_keywords):
        """Checkpoints get no card."""


def train_sft(
    model, tokenizer, chats: Path, recipe, *, output: Path, checkpoints: Path, identity: str, threads: int
) -> None:
    """Train a model on the assistant's turns of chats.

    Args:
        model: A causal language model to train, in float32.
        tokenizer: Its tokenizer, with a chat template that marks the assistant's turns.
        chats: A data set on disk with a column `messages`.
        recipe: `SftRecipe` of the study.
        output: Folder to write the model and tokenizer to, beside and renamed.
        checkpoints: Folder for checkpoints; removed at the end.
        identity: Hash of settings, inputs and code; a checkpoint of another identity is never resumed.
        threads: CPU threads; another number gives other last bits.

    Raises:
        ValueError: Where the trained weights are not finite.
    """
    torch.set_num_threads(threads)
    run_folder, checkpoint = open_run_folder(checkpoints, identity)
    trainer = ResumableSFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(run_folder),
            **get_trainer_arguments(recipe, recipe.batch_size, processes=1),
            seed=recipe.seed,
            data_seed=recipe.seed,
            save_steps=100,
            logging_steps=20,
            assistant_only_loss=True,
        ),
        train_dataset=load_from_disk(chats).select_columns(["messages"]),
        processing_class=tokenizer,
        callbacks=[CheckpointKeeper(), ProgressCallback()],
    )
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)

    if not has_finite_weights(trainer.model):
        raise ValueError(
            f"the supervised model's weights are not finite after {trainer.state.global_step} steps; "
            f"lower sft.learning_rate, {recipe.learning_rate}"
        )
    beside = run_folder / "policy"
    shutil.rmtree(beside, ignore_errors=True)
    trainer.accelerator.unwrap_model(trainer.model).save_pretrained(beside)
    tokenizer.save_pretrained(beside)
    replace_folder(beside, output)
    remove_checkpoints(checkpoints)
