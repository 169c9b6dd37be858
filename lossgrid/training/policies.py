"""Loading trained policies, which are whole models or adapters on the model that they were trained from."""

import json
from pathlib import Path
from typing import Literal

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ADAPTER_SETTINGS = "adapter_config.json"


def load_policy(folder: Path | str, dtype: torch.dtype | Literal["auto"] = "auto") -> torch.nn.Module:
    """A policy as one model, ready to answer.

    An adapter is added to the weights of its base, in `dtype`. One that was trained on 4-bit weights is added to the
    base's own, of which those were a rounding: what the policy is compared with is not rounded either.

    Args:
        folder: A model folder, or the folder of an adapter that a cell wrote.
        dtype: Of the weights; `auto` takes that of the file.

    Returns:
        A causal language model in host memory.

    Raises:
        FileNotFoundError: The base of an adapter is not where it was; the message says where that is.
    """
    if not is_adapter(folder):
        return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    from peft import PeftModel

    base = AutoModelForCausalLM.from_pretrained(find_base(folder), dtype=dtype)
    return PeftModel.from_pretrained(base, str(folder)).merge_and_unload()


def is_adapter(folder: Path | str) -> bool:
    """Whether a policy's folder holds an adapter alone."""
    return (Path(folder) / ADAPTER_SETTINGS).is_file()


def find_base(folder: Path | str) -> Path:
    """The folder of the model that an adapter was trained on.

    Raises:
        FileNotFoundError: It is not there.
    """
    # An alias is a link: the path leads from where the adapter really is.
    own = Path(folder).resolve()
    name = json.loads((own / ADAPTER_SETTINGS).read_text())["base_model_name_or_path"]
    base = (own / name).resolve()
    if not (base / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder} is an adapter, and its base {name} is not at {base}; move policies together with the "
            "sft/policy of their study, or write whole models with lossgrid.training.policies.write_full_policy first"
        )
    return base


def write_full_policy(
    folder: Path | str, target: Path | str, dtype: torch.dtype | Literal["auto"] = "auto"
) -> None:
    """Write a policy as a whole model with its tokenizer, for programs that know no adapters.

    Args:
        folder: As for `load_policy`.
        target: Folder to write.
        dtype: As for `load_policy`.
    """
    load_policy(folder, dtype).save_pretrained(target)
    AutoTokenizer.from_pretrained(folder).save_pretrained(target)
