"""The model that training starts from, held in one and the same way by training and by its reference.

Another rounding on either side would give the first step margins that the policy has not earned.
"""

from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

Precision = Literal["bf16", "fp32"]
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
QUANTISED = "qlora"
CPU_KERNEL = "support_avx512bf16_for_cpu"


def load_model(
    folder: Path,
    *,
    precision: Precision | None = None,
    attention: str | None = None,
    adapter: str | None = None,
    half_weights: bool = False,
) -> torch.nn.Module:
    """A model as training holds it, its adapter left out.

    In bf16 a plain process trains float32 weights under autocast; weights that DeepSpeed trains, which keeps a
    float32 copy of its own, and weights that are not trained because an adapter is, are bfloat16. The weights of
    linear layers under `qlora` are 4-bit NF4 with double quantisation.

    Args:
        folder: Model folder.
        precision: As in `TrainingRecipe`, like all that follows.
        attention: How attention is computed; None leaves it to transformers.
        adapter: `lora`, `qlora` or None.
        half_weights: Whether DeepSpeed trains the model.

    Returns:
        The model; a quantised one lies on its device, any other in host memory.

    Raises:
        RuntimeError: What the study asks for cannot be computed here; said before anything is loaded.
    """
    check_attention(attention)
    precision = choose_precision(precision)
    is_half = precision == "bf16" and (half_weights or adapter is not None)
    options = {"attn_implementation": attention} if attention else {}
    if adapter == QUANTISED:
        check_quantisation()
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=DTYPES[precision],
        )
    dtype = torch.bfloat16 if is_half else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **options)
    for module in model.modules() if adapter == QUANTISED else ():
        # On some CPUs bitsandbytes has a faster kernel, of other roundings, for models that are not being trained.
        if hasattr(module, CPU_KERNEL):
            setattr(module, CPU_KERNEL, False)
    return model


def choose_precision(precision: Precision | None) -> Precision:
    """The study's choice; without one bf16 on a GPU and fp32 on a CPU."""
    return precision or ("bf16" if torch.cuda.is_available() else "fp32")


def open_autocast(precision: Precision | None, half_weights: bool) -> AbstractContextManager:
    """The number format of a forward pass outside of the trainer, as it is inside of it."""
    is_on = choose_precision(precision) == "bf16" and not half_weights
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.autocast(device, dtype=torch.bfloat16, enabled=is_on)


def check_attention(attention: str | None) -> None:
    """Refuse attention that this job cannot compute.

    Raises:
        RuntimeError: `flash_attention_2` without a GPU or without its package.
    """
    if attention != "flash_attention_2":
        return
    missing = [] if torch.cuda.is_available() else ["a GPU"]
    missing += [] if find_spec("flash_attn") else ["the package flash-attn (pip install flash-attn)"]
    if missing:
        raise RuntimeError(
            f"training.attention: flash_attention_2 needs {' and '.join(missing)}; add what is missing, or write "
            "attention: sdpa"
        )


def check_quantisation() -> None:
    """Refuse 4-bit weights that this job cannot hold.

    Raises:
        RuntimeError: bitsandbytes is missing, or does not know this device.
    """
    if find_spec("bitsandbytes") is None:
        raise RuntimeError(
            "training.adapter.kind: qlora needs the package bitsandbytes, which is not part of the lock: "
            "pip install bitsandbytes (with --sdm conda add it to envs/train.yaml), or write kind: lora"
        )
    from transformers.integrations import bitsandbytes

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        bitsandbytes.bnb.functional.quantize_4bit(torch.ones(64, device=device), quant_type="nf4")
    except Exception as error:
        raise RuntimeError(
            f"training.adapter.kind: qlora: the installed bitsandbytes cannot hold 4-bit weights on this {device} "
            f"({error}); install a newer one, use a GPU, or write kind: lora"
        ) from error
