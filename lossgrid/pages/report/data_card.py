"""What the report says of a study's data: its key numbers first, all of them on request."""

from pathlib import Path
from typing import Any

from lossgrid.pages.report.tables import list_records, read_table

# What a reader asks first, by part; an ending stands for every measure with it. Parts that are not named are sets
# of prompts.
KEYS = {
    "pairs": (
        "rows", "prompts", "pairs", "distinct_prompts", "repeated_pairs", "conflicting_pairs", "_equal",
        "_against_label",
    ),
    "reference": (
        "kept", "truncated_responses", "truncated_prompts", "dropped_long_prompts", "dropped_identical",
        "prompt_tokens_mean", "chosen_tokens_mean", "rejected_tokens_mean", "length_difference_mean", "chosen_longer",
        "same_length", "reference_prefers_chosen",
    ),
    "sft_chats": ("chats",),
}  # fmt: skip
EXCLUSIONS = "excluded_"
PROMPT_SET = (
    "chats",
    "same_as_pairs",
    "shares_words_with_pairs",
    "same_as_sft_chats",
    "shares_words_with_sft_chats",
)


def gather_data_card(tables: Path) -> list[dict[str, Any]]:
    """The rows of the table of the data; none where the study has none.

    Args:
        tables: Folder of the study's tables.

    Returns:
        For each: ``part``, ``measure``, ``value``, ``low`` and ``high`` where it is an estimate, ``n``, ``unit``,
        ``what``, and ``key``: whether it is among the first that a reader asks.
    """
    records = list_records(read_table(tables, "data"))
    return [{**record, "key": is_key(record["part"], record["measure"])} for record in records]


def is_key(part: str, measure: str) -> bool:
    """Whether a measure is among the first that a reader asks."""
    keys = KEYS.get(part, PROMPT_SET)
    return measure in keys or measure.startswith(EXCLUSIONS) or measure.endswith(_get_endings(keys))


def _get_endings(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in keys if key.startswith("_"))
