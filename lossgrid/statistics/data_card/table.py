"""The table of a study's data."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from lossgrid.statistics.data_card.chats import (
    SFT_CHATS,
    describe_chats,
    describe_overlaps,
    read_evaluations,
    read_sft_chats,
)
from lossgrid.statistics.data_card.counts import read_counts
from lossgrid.statistics.data_card.rows import Row
from lossgrid.statistics.data_card.texts import PART as PAIRS
from lossgrid.statistics.data_card.texts import describe_texts, read_texts
from lossgrid.statistics.data_card.tokens import PART as REFERENCE
from lossgrid.statistics.data_card.tokens import describe_tokens, read_tokens


def describe_data(
    pairs: Path, reference: Path, corpus: Path, prompts: Path | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Describe what a study's cells are trained on and what they are asked.

    Args:
        pairs: Folder of the preference pairs, with `summary.json`.
        reference: Folder of their tokens with reference log-probabilities, with `summary.json`.
        corpus: Folder with the data set `heldout` and, where the world has them, `chats`.
        prompts: Folder of the prompts that a judge will see; None for a study without one.

    Returns:
        A row a number, with the columns of `Row`; and a row a pair that cells are trained on: the number of its
        prompt (`prompt`), and `prompt_tokens`, `chosen_tokens`, `rejected_tokens`.

    Raises:
        FileNotFoundError: A folder lacks its summary or a data set.
    """
    tokens = read_tokens(reference)
    rows = [
        *read_counts(pairs, PAIRS),
        *_describe_texts_and_chats(pairs, corpus, prompts),
        *read_counts(reference, REFERENCE),
        *describe_tokens(tokens),
    ]
    table = pd.DataFrame(rows).astype({"n": "Int64", "clusters": "Int64"})
    order = {part: place for place, part in enumerate(dict.fromkeys([PAIRS, REFERENCE, *table["part"]]))}
    return table.sort_values("part", key=lambda parts: parts.map(order), kind="stable"), tokens.lengths


def _describe_texts_and_chats(pairs: Path, corpus: Path, prompts: Path | None) -> Iterator[Row]:
    texts, sft_chats = read_texts(pairs), read_sft_chats(corpus)
    yield from describe_texts(texts)
    training = {PAIRS: texts.prompts}
    if sft_chats:
        yield from describe_chats(SFT_CHATS, sft_chats)
        training[SFT_CHATS] = sft_chats
    for part, chats in read_evaluations(corpus, prompts).items():
        yield from describe_chats(part, chats)
        for name, trained in training.items():
            yield from describe_overlaps(part, chats, name, trained)
