"""The counts that the steps of the data leave behind, and what each means."""

import json
from collections.abc import Iterator
from pathlib import Path

from lossgrid.statistics.data_card.rows import Row, count

SUMMARY = "summary.json"
# What a world may count while it makes or reads the pairs. One that stands here under no name is shown by its own.
KNOWN = {
    "pairs": {
        "rows": "rows of the data set before anything was left out",
        "prompts": "prompts that two replies were sampled to",
        "pairs": "preference pairs",
        "ties": "prompts left out because their two replies are the same words",
        "rating_ties": "rows left out because both responses have the same rating",
        "labels_against_reward": "pairs whose chosen response has the lower true reward",
        "excluded_empty": "rows left out because a message is empty",
        "excluded_identical": "rows left out because their two responses are the same text",
        "excluded_wrong_turns": "rows left out because their roles do not alternate up to one response",
        "excluded_bad_encoding": "rows left out because their text is broken",
        "excluded_too_long": "rows left out because they are too long",
        "excluded_duplicates": "rows left out because they repeat an earlier one",
        "excluded_contaminated": "rows left out because their prompt overlaps with an evaluation",
        "folded_system_messages": "system messages that were put into the first message of the user",
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
            yield count(part, name, value, "", KNOWN[part].get(name, name))
