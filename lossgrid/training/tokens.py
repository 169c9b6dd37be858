"""From preference pairs in words to the token columns that training reads."""

from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset
from transformers import AutoTokenizer


@dataclass(frozen=True)
class TokenCounts:
    """What tokenising did to the pairs; every pair is in exactly one of `kept` and the two `dropped_*`."""

    pairs: int
    kept: int
    truncated_responses: int
    dropped_long_prompts: int
    dropped_identical: int


def load_tokenizer(folder: Path):
    """The tokenizer of a model folder, without the traces of how it was loaded.

    Whether the hub was switched off would otherwise be saved with it, and the same study would write other
    files on a machine without a network.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for trace in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(trace, None)
    return tokenizer


def tokenise_pairs(pairs: Dataset, tokenizer, max_length: int) -> tuple[Dataset, TokenCounts]:
    """Render and tokenise conversational pairs once, for every cell of a study.

    Args:
        pairs: Columns `prompt`, `chosen`, `rejected`, each a list of messages with `role` and `content`.
        tokenizer: A tokenizer with a chat template.
        max_length: Tokens that prompt and response may have together; the response's end is cut off.

    Returns:
        A data set with columns `prompt_ids`, `chosen_ids`, `rejected_ids`, in the order of the pairs, and the
        counts. Dropped are pairs whose prompt fills `max_length` by itself and pairs whose two responses are
        the same tokens: neither teaches anything.

    Raises:
        ValueError: Where no pair is left.
    """
    rows, truncated, long_prompts, identical = [], 0, 0, 0
    for pair in pairs:
        prompt_ids, chosen_ids, rejected_ids = _tokenise(tokenizer, pair)
        room = max_length - len(prompt_ids)
        if room <= 0:
            long_prompts += 1
            continue
        truncated += (len(chosen_ids) > room) + (len(rejected_ids) > room)
        chosen_ids, rejected_ids = chosen_ids[:room], rejected_ids[:room]
        if chosen_ids == rejected_ids:
            identical += 1
            continue
        rows.append({"prompt_ids": prompt_ids, "chosen_ids": chosen_ids, "rejected_ids": rejected_ids})
    if not rows:
        raise ValueError(
            f"none of {len(pairs)} pairs is left: {long_prompts} prompts fill max_length={max_length}, "
            f"{identical} pairs have identical responses; raise training.max_length or look at the pairs"
        )
    return Dataset.from_list(rows), TokenCounts(len(pairs), len(rows), truncated, long_prompts, identical)


def _tokenise(tokenizer, pair) -> tuple[list[int], list[int], list[int]]:
    prompt = _render(tokenizer, pair["prompt"], add_generation_prompt=True)
    with_chosen = _render(tokenizer, pair["prompt"] + pair["chosen"])
    with_rejected = _render(tokenizer, pair["prompt"] + pair["rejected"])
    # Some templates render a prompt alone differently from a prompt with its answer: the response starts
    # where the three part.
    shared = min(_common_prefix_length(prompt, with_chosen), _common_prefix_length(prompt, with_rejected))
    return prompt[:shared], with_chosen[shared:], with_rejected[shared:]


def _render(tokenizer, messages, add_generation_prompt: bool = False) -> list[int]:
    return tokenizer.apply_chat_template(
        messages, add_generation_prompt=add_generation_prompt, tokenize=True, return_dict=True
    )["input_ids"]


def _common_prefix_length(first: list[int], second: list[int]) -> int:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length
