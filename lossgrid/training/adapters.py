"""Low-rank adapters by PEFT: trained on a model that stays as it is, and written alone."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel
from peft.utils import CONFIG_NAME
from torch import Tensor, nn

BASE = "base_model_name_or_path"
ALL_LAYERS = "all-linear"


def make_adapter_config(adapter) -> LoraConfig:
    """PEFT's settings of a study's `Adapter`."""
    return LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=list(adapter.targets) if adapter.targets else ALL_LAYERS,
        bias="none",
        task_type="CAUSAL_LM",
    )


def correct_adapter(model: PeftModel, dropout: float, half_weights: bool) -> None:
    """Undo two things that TRL 1.16 does to an adapter for reasons that do not hold here.

    It sets every dropout to 0, so that the reference, which it computes itself, is the model of the first step; ours
    is computed without dropout in any case. And it makes adapters on 4-bit weights bfloat16, which would round away
    steps smaller than 1/256 of a weight.

    Args:
        model: The model with its adapter, before it has an optimiser.
        dropout: The study's.
        half_weights: Whether DeepSpeed trains, which keeps float32 copies of its own.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout) and ".lora_dropout." in name:
            module.p = dropout
    for weight in model.parameters():
        if weight.requires_grad and not half_weights:
            weight.data = weight.data.float()


def get_base_name(base: Path, policy: Path) -> str:
    """Where the model of an adapter lies, seen from the adapter's folder, so that both can be moved together.

    Args:
        base: Folder of the model.
        policy: Folder in which the adapter will be; a link that is there now will be replaced.
    """
    return os.path.relpath(base.resolve(), policy.parent.resolve() / policy.name)


def write_adapter(
    model: PeftModel, folder: Path, base: str, state_dict: Mapping[str, Tensor] | None = None
) -> None:
    """Write an adapter's weights and settings, without the model.

    Args:
        model: The model with its adapter.
        folder: Folder to write.
        base: What `get_base_name` found.
        state_dict: Weights to write instead of the model's own, by their names there.
    """
    model.save_pretrained(folder, state_dict=state_dict, save_embedding_layers=False)
    # PEFT's card names a path of this machine.
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / CONFIG_NAME
    config = json.loads(file.read_text())
    # A set, whose order changes from process to process.
    targets = config["target_modules"]
    config |= {BASE: base, "target_modules": targets if isinstance(targets, str) else sorted(targets)}
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def make_still_adapter(model: PeftModel) -> dict[str, Tensor]:
    """Weights of an adapter that changes nothing, by their names in a model whose own are spoilt."""
    return {
        # Under ZeRO-3 a weight is empty, and its shape elsewhere.
        name: torch.zeros(getattr(weight, "ds_shape", weight.shape))
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }
