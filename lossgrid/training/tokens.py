"""From preference pairs in words to the token columns that training reads."""

from collections.abc import Sequence
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
    truncated_prompts: int = 0


def load_tokenizer(folder: Path):
    """The tokenizer of a model folder, without the traces of how it was loaded.

    Whether the hub was switched off would otherwise be saved with it, and the same study would write other
    files on a machine without a network.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for trace in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(trace, None)
    return tokenizer


def tokenise_pairs(
    pairs: Dataset, tokenizer, max_length: int, max_prompt_length: int | None = None
) -> tuple[Dataset, TokenCounts]:
    """Render and tokenise conversational pairs once, for every cell of a study.

    Args:
        pairs: Columns `prompt`, `chosen`, `rejected`, each a list of messages with `role` and `content`.
        tokenizer: A tokenizer with a chat template.
        max_length: Tokens that prompt and response may have together.
        max_prompt_length: As TRL had it before 1.0: where the prompt and the longer of the two responses exceed
            `max_length`, the prompt keeps its last so many tokens, and responses are cut off at `max_length` less
            this number where it is still too long. Unlike TRL, the first of the tokens that are kept is the
            beginning-of-sequence token where the prompt began with it. None leaves prompts whole and cuts the
            responses' ends off.

    Returns:
        A data set with columns `prompt_ids`, `chosen_ids`, `rejected_ids`, in the order of the pairs, and the
        counts. Dropped are pairs whose prompt fills `max_length` by itself (never with `max_prompt_length`) and
        pairs whose two responses are the same tokens: neither teaches anything.

    Raises:
        ValueError: Where no pair is left.
    """
    rows, truncated, short_prompts, long_prompts, identical = [], 0, 0, 0, 0
    ends = get_special_ids(tokenizer)
    for pair in pairs:
        prompt_ids, *responses = _tokenise(tokenizer, pair, ends)
        room = max_length - len(prompt_ids)
        if max_prompt_length and max(map(len, responses)) > room:
            whole = len(prompt_ids)
            prompt_ids = _cut_prompt(prompt_ids, max_prompt_length, tokenizer.bos_token_id)
            short_prompts += len(prompt_ids) < whole
            is_short = max(map(len, responses)) + len(prompt_ids) <= max_length
            room = max_length if is_short else max_length - max_prompt_length
        if room <= 0:
            long_prompts += 1
            continue
        truncated += sum(len(response) > room for response in responses)
        chosen_ids, rejected_ids = (response[:room] for response in responses)
        if chosen_ids == rejected_ids:
            identical += 1
            continue
        rows.append({"prompt_ids": prompt_ids, "chosen_ids": chosen_ids, "rejected_ids": rejected_ids})
    if not rows:
        raise ValueError(
            f"none of {len(pairs)} pairs is left: {long_prompts} prompts fill max_length={max_length}, "
            f"{identical} pairs have identical responses; raise training.max_length or look at the pairs"
        )
    counts = TokenCounts(len(pairs), len(rows), truncated, long_prompts, identical, short_prompts)
    return Dataset.from_list(rows), counts


def _cut_prompt(prompt_ids: list[int], length: int, beginning: int | None) -> list[int]:
    """The last tokens of a prompt, and before them the beginning of the sequence where it had one."""
    if len(prompt_ids) <= length:
        return prompt_ids
    start = prompt_ids[:1] if beginning is not None and prompt_ids[0] == beginning else []
    return start + prompt_ids[len(prompt_ids) - length + len(start) :]


def get_special_ids(tokenizer) -> frozenset[int]:
    """The tokens that are no text, one of which ends a response.

    It need not be the tokenizer's end-of-sequence token: Gemma's turns end with `<end_of_turn>`.
    """
    added = tokenizer.added_tokens_decoder.items()
    return frozenset(tokenizer.all_special_ids) | {number for number, token in added if token.special}


def _tokenise(tokenizer, pair, ends: frozenset[int]) -> tuple[list[int], list[int], list[int]]:
    prompt = _render(tokenizer, pair["prompt"], add_generation_prompt=True)
    with_chosen = _render(tokenizer, pair["prompt"] + pair["chosen"])
    with_rejected = _render(tokenizer, pair["prompt"] + pair["rejected"])
    # Some templates render a prompt alone differently from a prompt with its answer: the response starts
    # where the three part.
    shared = min(_common_prefix_length(prompt, with_chosen), _common_prefix_length(prompt, with_rejected))
    chosen, rejected = (
        _end_response(tokens[shared:], tokenizer, ends) for tokens in (with_chosen, with_rejected)
    )
    return prompt[:shared], chosen, rejected


def _end_response(response: list[int], tokenizer, ends: frozenset[int]) -> list[int]:
    """A response up to its end token: nobody generates what a template writes behind it, such as the line's end.

    Only blanks are cut off, so that a response whose template ends it otherwise is left as it is.
    """
    last = max((place for place, token in enumerate(response) if token in ends), default=len(response))
    return response if tokenizer.decode(response[last + 1 :]).strip() else response[: last + 1]


def _render(tokenizer, messages: Sequence[dict], add_generation_prompt: bool = False) -> list[int]:
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
