"""TRL's DPO trainer with any pairwise loss, given reference log-probabilities and a health record."""

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import TrainerCallback
from trl import DPOTrainer

from lossgrid.training.checkpoints import CheckpointKeeper, replace_folder
from lossgrid.training.health import PairBatch, describe_step, has_finite_weights
from lossgrid.training.training_log import TRAINING_LOG, append_record

LAST_FINITE = "last_finite"


class PairTrainer(DPOTrainer):
    """Trains on pairs that are tokenised and scored by the reference already.

    TRL 1.16 has no hook for a loss of one's own, so `_compute_loss` is replaced as a whole; its model call is
    TRL's (a fused head that gives float32 log-probabilities without a table of logits).

    Args:
        loss: Takes the four log-probability tensors of a batch and gives one loss a pair.
        nonfinite: `stop`, `skip` or `propagate`: what a non-finite loss or gradient leads to.
        reward_scale: β that turns a log-ratio into an implicit reward in the log.
        **arguments: Of `trl.DPOTrainer`; `train_dataset` has the columns that `compute_reference_logps` writes.
    """

    def __init__(self, *, loss: Callable, nonfinite: str, reward_scale: float, **arguments):
        self.loss = loss
        self.reward_scale = reward_scale
        self.step_pairs: list[torch.Tensor] = []
        self.step_grad_norm = float("nan")
        self.pairs_per_micro_batch = 1.0
        super().__init__(**arguments)
        self.add_callback(CheckpointKeeper())
        self.add_callback(HealthCallback(self, nonfinite))

    def _prepare_dataset(self, dataset, *_arguments):
        return dataset

    def _precompute_ref_logps(self, dataset, *_arguments):
        return dataset

    def create_model_card(self, *_arguments, **_keywords):
        """Checkpoints get no card."""

    def get_batch_samples(self, *arguments):
        batches, items = super().get_batch_samples(*arguments)
        # The mean over a step: where the data end, its last micro-batch is smaller, and yet every pair of a
        # step counts alike.
        self.pairs_per_micro_batch = sum(len(batch["ref_chosen_logps"]) for batch in batches) / len(batches)
        return batches, items

    def _compute_loss(self, model, inputs, return_outputs):
        labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, -100)
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            labels=labels,
            use_cache=False,
            fused_lm_head=True,
        )
        chosen, rejected = outputs.log_probs.sum(dim=1).chunk(2)
        reference_chosen, reference_rejected = inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]
        losses = self.loss(chosen, rejected, reference_chosen, reference_rejected)
        batch = PairBatch(losses, chosen - reference_chosen, rejected - reference_rejected)
        self.step_pairs.append(batch.stack().detach())
        loss = losses.sum() / self.pairs_per_micro_batch
        return (loss, outputs) if return_outputs else loss

    def _get_grad_norm(self, model, grad_norm=None):
        grad_norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        self.step_grad_norm = float(grad_norm)
        return grad_norm

    def close_step(self) -> dict:
        """The record of the optimiser step about to be made, over the pairs of all processes."""
        pairs = self.accelerator.gather(torch.cat(self.step_pairs)).cpu()
        self.step_pairs.clear()
        return describe_step(
            self.state.global_step + 1,
            pairs,
            self.step_grad_norm,
            self.lr_scheduler.get_last_lr()[0],
            self.reward_scale,
        )

    def save_policy(self, folder: Path) -> None:
        """Write the policy as a model folder with its tokenizer, whole or not at all."""
        beside = folder.with_name(folder.name + ".beside")
        state_dict = self.accelerator.get_state_dict(self.model_wrapped)
        if self.is_world_process_zero():
            shutil.rmtree(beside, ignore_errors=True)
            self.accelerator.unwrap_model(self.model).save_pretrained(beside, state_dict=state_dict)
            self.processing_class.save_pretrained(beside)
            replace_folder(beside, folder)
        self.accelerator.wait_for_everyone()


class HealthCallback(TrainerCallback):
    """Records every step before the optimiser moves, and holds it back where the study says so.

    The record is gathered over all processes, so that all decide alike.
    """

    def __init__(self, trainer: PairTrainer, nonfinite: str):
        self.trainer = trainer
        self.nonfinite = nonfinite

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        record = self.trainer.close_step()
        if state.is_world_process_zero:
            append_record(Path(args.output_dir) / TRAINING_LOG, record)
        if not record["nonfinite"]:
            return
        if self.nonfinite == "propagate":
            # The weights are still those that gave the bad loss. Not every bad step spoils them.
            if has_finite_weights(model):
                self.trainer.save_policy(Path(args.output_dir) / LAST_FINITE)
            return
        # Without gradients the optimiser changes neither weights nor its own state.
        model.zero_grad(set_to_none=True)
        control.should_training_stop = self.nonfinite == "stop"
