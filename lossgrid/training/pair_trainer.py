"""TRL's DPO trainer with any pairwise loss, given reference log-probabilities and a health record."""

import shutil
from pathlib import Path

import torch
from accelerate.utils import send_to_device
from trl import DPOTrainer

from lossgrid.training.adapters import (
    correct_adapter,
    make_adapter_config,
    make_still_adapter,
    write_adapter,
)
from lossgrid.training.checkpoints import CheckpointKeeper, replace_folder
from lossgrid.training.health import PairBatch, describe_step, has_finite_weights
from lossgrid.training.launch import is_main
from lossgrid.training.pair_loss import PairLoss
from lossgrid.training.processes import wait_for_all
from lossgrid.training.progress_callback import ProgressCallback
from lossgrid.training.step_gate import StepGate
from lossgrid.training.training_log import TRAINING_LOG, append_record

LAST_FINITE = "last_finite"


class PairTrainer(DPOTrainer):
    """Trains on pairs that are tokenised and scored by the reference already, in one process or several.

    TRL 1.16 has no hook for a loss of one's own, so `_compute_loss` is replaced as a whole; its model call is
    TRL's (a fused head that gives float32 log-probabilities without a table of logits).

    Args:
        loss: The objective in its setting.
        nonfinite: `stop`, `skip` or `propagate`: what a non-finite loss or gradient leads to.
        reward_scale: β that turns a log-ratio into an implicit reward in the log.
        adapter: `Adapter` of the study; None trains all weights.
        base: Where the adapter's model lies, seen from the policy's folder.
        **arguments: Of `trl.DPOTrainer`; `train_dataset` has the columns that `compute_reference_logps` writes.
    """

    def __init__(
        self,
        *,
        loss: PairLoss,
        nonfinite: str,
        reward_scale: float,
        adapter=None,
        base: str = "",
        **arguments,
    ):
        self.loss = loss
        self.nonfinite = nonfinite
        self.reward_scale = reward_scale
        self.step_pairs: list[torch.Tensor] = []
        self.step_grad_norm = float("nan")
        self.stopped = False
        self.pairs_per_micro_batch = 1.0
        self.adapter_base = base if adapter else None
        super().__init__(**arguments, peft_config=make_adapter_config(adapter) if adapter else None)
        if adapter:
            correct_adapter(self.model, adapter.dropout, self.is_deepspeed_enabled)
        self.add_callback(
            StepGate(self.close_step, self.get_engine, lambda: self.step_grad_norm, lambda: self.stopped)
        )
        self.add_callback(CheckpointKeeper(loss.learned.save))
        self.add_callback(ProgressCallback())

    def _prepare_dataset(self, dataset, *_arguments):
        return dataset

    def _precompute_ref_logps(self, dataset, *_arguments):
        return dataset

    def create_model_card(self, *_arguments, **_keywords):
        """Checkpoints get no card."""

    def get_engine(self):
        """DeepSpeed's engine, None without DeepSpeed or before training has begun."""
        wrapper = getattr(self.accelerator, "deepspeed_engine_wrapped", None)
        return wrapper and wrapper.engine

    def _prepare_input(self, data):
        # Under DeepSpeed the trainer would cast every float input to the model's bfloat16, which knows a reference
        # log-probability of −300 nats to 2 nats.
        return send_to_device(data, self.args.device)

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
        logps = {
            "policy_chosen_logps": chosen,
            "policy_rejected_logps": rejected,
            "reference_chosen_logps": inputs["ref_chosen_logps"],
            "reference_rejected_logps": inputs["ref_rejected_logps"],
        }
        losses = self.loss(logps, *inputs["completion_mask"].sum(dim=1).chunk(2))
        batch = PairBatch(
            losses, chosen - inputs["ref_chosen_logps"], rejected - inputs["ref_rejected_logps"]
        )
        self.step_pairs.append(batch.stack().detach())
        loss = losses.sum() / self.pairs_per_micro_batch
        return (loss, outputs) if return_outputs else loss

    def _get_grad_norm(self, model, grad_norm=None):
        grad_norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        if self.get_engine() is None:
            self.step_grad_norm = float(grad_norm)
        return grad_norm

    def close_step(self, grad_norm: float) -> bool:
        """Record the optimiser step about to be made, over the pairs of all processes.

        Returns:
            Whether it may be made; all processes come to the same answer.
        """
        learned = self.loss.learned
        learned.reduce_gradients(self._average_over_processes)
        learning_rate = self.lr_scheduler.get_last_lr()[0]
        record = describe_step(
            self.state.global_step + 1,
            self.accelerator.gather(torch.cat(self.step_pairs)).cpu(),
            grad_norm,
            learning_rate,
            self.reward_scale,
            learned.describe(),
        )
        self.step_pairs.clear()
        run_folder = Path(self.args.output_dir)
        if is_main():
            append_record(run_folder / TRAINING_LOG, record)
        if record["nonfinite"] and self.nonfinite != "propagate":
            learned.drop_gradients()
            self.stopped = self.nonfinite == "stop"
            return False
        # The weights are still those that gave a bad loss. Not every bad step spoils them.
        if record["nonfinite"] and has_finite_weights(self.model):
            self.save_policy(run_folder / LAST_FINITE)
        learned.step(share=learning_rate / self.args.learning_rate)
        return True

    def _average_over_processes(self, gradient: torch.Tensor) -> torch.Tensor:
        return self.accelerator.reduce(gradient.to(self.accelerator.device), "mean").to(gradient.device)

    def save_policy(self, folder: Path) -> None:
        """Write the whole policy, or its adapter, with the tokenizer, or nothing at all; all processes take part."""
        # Gathered from the shards of ZeRO-3; in every other case each process holds all weights.
        engine = self.get_engine()
        is_split = engine is not None and engine.zero_optimization_stage() == 3
        state_dict = self.accelerator.get_state_dict(self.model_wrapped) if is_split else None
        if is_split:
            # Gathering leaves small weights whole; an update that is still to come would pass them by.
            engine.optimizer.checkpoint_event_prologue()
        if is_main():
            self._write_policy(folder, state_dict)
        wait_for_all()

    def write_still_adapter(self, folder: Path) -> None:
        """Write an adapter that leaves the model as it was; of one process."""
        self._write_policy(folder, make_still_adapter(self.accelerator.unwrap_model(self.model)))

    def _write_policy(self, folder: Path, state_dict: dict[str, torch.Tensor] | None) -> None:
        beside = folder.with_name(folder.name + ".beside")
        shutil.rmtree(beside, ignore_errors=True)
        model = self.accelerator.unwrap_model(self.model)
        if self.adapter_base is None:
            model.save_pretrained(beside, state_dict=state_dict)
        else:
            write_adapter(model, beside, self.adapter_base, state_dict)
        self.processing_class.save_pretrained(beside)
        replace_folder(beside, folder)
