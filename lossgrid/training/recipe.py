"""From a study's recipe to the arguments of a Hugging Face trainer."""

import torch

from lossgrid.training.launch import count_launched, find_deepspeed_file
from lossgrid.training.loading import Precision, choose_precision


def get_trainer_arguments(
    recipe,
    micro_batch_size: int,
    processes: int,
    precision: Precision | None = None,
    gradient_checkpointing: bool | None = None,
) -> dict:
    """Arguments shared by supervised and preference training.

    Args:
        recipe: `SftRecipe` or `TrainingRecipe` of a study.
        micro_batch_size: Examples in one forward pass of one process.
        processes: Training processes; the global batch is the recipe's whatever their number.
        precision: Numbers to compute in; None takes bf16 on a GPU and fp32 on a CPU.
        gradient_checkpointing: Whether layers are computed again in the backward pass; None does so on a GPU only.

    Returns:
        Keyword arguments of `transformers.TrainingArguments`.

    Raises:
        ValueError: Where the global batch cannot be divided so, or one process sees several GPUs.
    """
    accumulation, rest = divmod(recipe.batch_size, micro_batch_size * processes)
    if rest or not accumulation:
        raise ValueError(
            f"batch_size: {recipe.batch_size} cannot be divided over {processes} processes with "
            f"micro_batch_size {micro_batch_size}; make it a multiple of {micro_batch_size * processes}"
        )
    if count_launched() == 1 and find_deepspeed_file() is None and torch.cuda.device_count() > 1:
        # The trainer would split over all of them and multiply the global batch by their number.
        raise ValueError(
            f"one training process sees {torch.cuda.device_count()} GPUs; "
            "set CUDA_VISIBLE_DEVICES to one of them"
        )
    on_gpu = torch.cuda.is_available()
    checkpointing = on_gpu if gradient_checkpointing is None else gradient_checkpointing
    return {
        "learning_rate": recipe.learning_rate,
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": micro_batch_size,
        "gradient_accumulation_steps": accumulation,
        "lr_scheduler_type": recipe.scheduler,
        # A share below 1 is a ratio of all steps.
        "warmup_steps": recipe.warmup_ratio,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "max_length": recipe.max_length,
        "optim": "adamw_torch",
        "bf16": choose_precision(precision) == "bf16",
        "use_cpu": not on_gpu,
        "gradient_checkpointing": checkpointing,
        "dataloader_pin_memory": on_gpu,
        "save_strategy": "steps",
        "logging_strategy": "steps",
        "logging_first_step": True,
        # With the filter on, a NaN step is logged as loss 0.0.
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
    }
