"""The counts that the steps of the data leave behind, and what each means."""

import json
from collections.abc import Iterator
from pathlib import Path

from lossgrid.statistics.data_card.rows import Row, count

SUMMARY = "summary.json"
# What a world counts in its held-out split has the same names behind this.
HELDOUT = "heldout_"
# What a world may count while it makes or reads the pairs. One that stands here under no name is shown by its own.
KNOWN = {
    "pairs": {
        "rows": "rows of the data set before anything was left out",
        "prompts": "prompts that two replies were sampled to",
        "pairs": "preference pairs",
        "ties": "prompts left out because their two replies are the same words",
        "rating_ties": "pairs whose two responses have the same rating in the data; they are kept",
        "labels_against_reward": "pairs whose chosen response has the lower true reward",
        "excluded_empty": "rows left out because a message is empty",
        "excluded_identical": "rows left out because their two responses are the same text",
        "excluded_wrong_turns": "rows left out because their roles do not alternate up to one response",
        "excluded_bad_encoding": "rows left out because their text is broken",
        "excluded_too_long": "rows left out because they are too long",
        "excluded_duplicates": "rows left out because they repeat an earlier one",
        "excluded_different_prompts": "rows left out because their two conversations have other prompts",
        "excluded_wrong_choice": "rows left out because they have not two responses and the place of one",
        "excluded_overlap": "rows left out because their prompt overlaps with an evaluation",
        "overlapping": "pairs whose prompt overlaps with an evaluation; they are kept",
        "folded_system_messages": "system messages that were put into the first message of the user",
        "cut_prefixes": "responses whose prefix was cut off",
        "heldout_prompts": "different prompts of the held-out split",
        "heldout_chosen": "prompts of it that every run answers",
    },
    "reference": {
        "pairs": "pairs that were tokenised",
        "kept": "pairs that cells are trained on",
        "truncated_responses": "responses whose end was cut at the longest sequence",
        "truncated_prompts": "prompts that were cut at the longest sequence",
        "dropped_long_prompts": "pairs left out because their prompt alone fills the longest sequence",
        "dropped_identical": "pairs left out because their two responses are the same tokens",
    },
}


def read_counts(folder: Path, part: str) -> Iterator[Row]:
    """Every whole number of a step's summary, in its order; means are computed anew, with intervals.

    Args:
        folder: What the step wrote.
        part: `pairs` or `reference`.

    Raises:
        FileNotFoundError: The folder has no summary.
    """
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    for name, value in summary.items():
        if isinstance(value, int) and not isinstance(value, bool):
            yield count(part, name, value, "", _describe(part, name))


def _describe(part: str, name: str) -> str:
    if name in KNOWN[part]:
        return KNOWN[part][name]
    of_heldout = name.removeprefix(HELDOUT)
    return f"of the held-out split: {KNOWN[part].get(of_heldout, of_heldout)}" if of_heldout != name else name
