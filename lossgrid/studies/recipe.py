"""How the models of a study are trained, whatever the loss."""

from typing import Any, Literal

from pydantic import model_validator

from lossgrid.studies.adapter import Adapter
from lossgrid.studies.base import Seed, StrictModel, describe_field, fail


class Recipe(StrictModel):
    """How a model is trained, whatever the loss."""

    learning_rate: float = describe_field("Peak learning rate of AdamW.", gt=0)
    epochs: float = describe_field("Passes over the training data.", "passes", gt=0)
    batch_size: int = describe_field("Examples in one optimiser step.", "examples", ge=1)
    warmup_ratio: float = describe_field(
        "Share of the steps with a rising learning rate.",
        ge=0,
        lt=1,
        default=0.1,
    )
    scheduler: Literal["linear", "cosine", "constant_with_warmup"] = describe_field(
        "Shape of the learning rate after the warm-up.", default="cosine"
    )
    weight_decay: float = describe_field("Weight decay of AdamW.", ge=0, default=0.0)
    max_grad_norm: float = describe_field("Gradients are clipped to this norm.", gt=0, default=1.0)
    max_length: int = describe_field("Longest sequence, prompt and reply together.", "tokens", ge=8)


class SftRecipe(Recipe):
    """How the SFT model, from which every cell starts, is trained."""

    seed: Seed = describe_field("Seed of the weights and of the data order.", default=1)


class TrainingRecipe(Recipe):
    """How every cell is trained; its seed is the cell's."""

    micro_batch_size: int | None = describe_field(
        "Examples in one forward pass of one process; batch_size / processes must be a multiple. null takes all "
        "of it.",
        "examples",
        ge=1,
        default=None,
    )
    processes: int = describe_field(
        "Training processes, one a GPU. More than one need deepspeed; batch_size is divided among them.",
        "processes",
        ge=1,
        default=1,
    )
    deepspeed: Literal["zero2", "zero3", "zero3_offload"] | None = describe_field(
        "How the training state is sharded: a file deepspeed/<name>.json, with which the cells are launched "
        "through accelerate; null trains in one plain process.",
        default=None,
    )
    precision: Literal["bf16", "fp32"] | None = describe_field(
        "Numbers that models are computed in: bf16 keeps float32 copies of the weights that are trained; null takes "
        "bf16 on a GPU and fp32 on a CPU.",
        default=None,
    )
    attention: Literal["eager", "sdpa", "flash_attention_2"] | None = describe_field(
        "How attention is computed; null leaves it to transformers. flash_attention_2 needs a GPU, bf16 and the "
        "package flash-attn.",
        default=None,
    )
    gradient_checkpointing: bool | None = describe_field(
        "Whether layers are computed again in the backward pass, which takes a third more time and much less "
        "memory; null does so on a GPU only.",
        default=None,
    )
    adapter: Adapter | None = describe_field(
        "Train a low-rank adapter and leave the model's own weights as they are; null trains all weights.",
        default=None,
    )
    max_prompt_length: int | None = describe_field(
        "Where prompt and longer response exceed max_length, the prompt's beginning is cut off down to so many "
        "tokens, and then the responses' ends down to max_length less this number. null never cuts prompts, and "
        "drops pairs whose prompt fills max_length by itself.",
        "tokens",
        ge=1,
        default=None,
    )
    nonfinite: Literal["stop", "skip", "propagate"] = describe_field(
        "At a loss or gradient that is not finite: stop the run as diverged, skip the step and count it, or "
        "propagate it into the weights.",
        default="stop",
    )
    checkpoint_steps: int = describe_field("Optimiser steps between checkpoints.", "steps", ge=1, default=50)
    log_steps: int = describe_field("Optimiser steps between log lines.", "steps", ge=1, default=10)

    @model_validator(mode="after")
    def check_micro_batches(self) -> "TrainingRecipe":
        """A step is a whole number of forward passes in every process."""
        if self.processes > 1 and not self.deepspeed:
            fail(f"{self.processes} processes need deepspeed; add deepspeed: zero2", at=("processes",))
        if self.batch_size % self.processes:
            nearest = find_nearest_divisor(self.batch_size, self.processes)
            fail(
                f"does not divide batch_size {self.batch_size}; the nearest number that does is {nearest}",
                at=("processes",),
            )
        share = self.batch_size // self.processes
        if self.micro_batch_size and share % self.micro_batch_size:
            nearest = find_nearest_divisor(share, self.micro_batch_size)
            of = f"batch_size {self.batch_size}" + (
                f" / {self.processes} processes" if self.processes > 1 else ""
            )
            fail(f"does not divide {of}; the nearest size that does is {nearest}", at=("micro_batch_size",))
        return self

    @model_validator(mode="after")
    def check_lengths(self) -> "TrainingRecipe":
        """A cut prompt leaves room for a response."""
        if self.max_prompt_length and self.max_prompt_length >= self.max_length:
            fail(
                f"leaves no room for a response within max_length {self.max_length}; write at most "
                f"{self.max_length - 1}, for example {self.max_length // 2}",
                at=("max_prompt_length",),
            )
        return self

    @model_validator(mode="after")
    def check_numbers(self) -> "TrainingRecipe":
        """Combinations that no library computes."""
        if self.attention == "flash_attention_2" and self.precision == "fp32":
            fail("computes in 16 bits only; write precision: bf16, or attention: sdpa", at=("attention",))
        if self.adapter and self.adapter.kind == "qlora" and self.deepspeed in ("zero3", "zero3_offload"):
            fail(
                f"deepspeed: {self.deepspeed} divides every weight over the processes, and weights packed into 4 "
                "bits cannot be divided; write deepspeed: zero2, or adapter.kind: lora",
                at=("adapter", "kind"),
            )
        return self

    def get_loading(self) -> dict[str, Any]:
        """How training holds the model that it starts from: the arguments of `lossgrid.training.loading`."""
        return {
            "precision": self.precision,
            "attention": self.attention,
            "adapter": self.adapter and self.adapter.kind,
            # DeepSpeed holds bfloat16 weights where a plain process has float32 ones under autocast.
            "half_weights": self.deepspeed is not None,
        }

    def get_micro_batch_size(self) -> int:
        """Examples in one forward pass of one process, with the default filled in."""
        return self.micro_batch_size or self.batch_size // self.processes


def find_nearest_divisor(number: int, wanted: int) -> int:
    divisors = [size for size in range(1, number + 1) if number % size == 0]
    return min(divisors, key=lambda size: abs(size - wanted))
