"""The preference pairs as tokens, which is what cells are trained on: lengths, and what the reference prefers."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset, load_from_disk

from lossgrid.statistics.data_card.rows import Row, mean, share, statistic

PART = "reference"
PROMPT, CHOSEN, REJECTED = COLUMNS = ("prompt", "chosen", "rejected")
NAMES = {PROMPT: "prompt", CHOSEN: "chosen response", REJECTED: "rejected response"}
# Pairs are trained in a shuffled order; that of the file tells of data sets put together from several.
TENTH = 10


@dataclass(frozen=True)
class PairTokens:
    """What is kept of the tokens of n pairs.

    Attributes:
        lengths: A row a pair: `prompt`, the number of its prompt, equal for equal ones, and `prompt_tokens`,
            `chosen_tokens`, `rejected_tokens`.
        same_first: Shape (n,): whether the two responses begin with the same token.
        same_last: Shape (n,): whether they end with the same one, as two finished responses do.
        logps: Shape (n, 2): log-probabilities of the chosen and the rejected response under the reference, nats,
            summed over tokens.
    """

    lengths: pd.DataFrame
    same_first: np.ndarray
    same_last: np.ndarray
    logps: np.ndarray


def read_tokens(folder: Path) -> PairTokens:
    """Read the data set of reference log-probabilities.

    Args:
        folder: A data set on disk with columns `prompt_ids`, `chosen_ids`, `rejected_ids`, `ref_chosen_logps` and
            `ref_rejected_logps`.
    """
    reference = load_from_disk(folder)
    lengths, ends = {PROMPT: _number_prompts(reference)}, {}
    for column in COLUMNS:
        values, offsets = _read_lists(reference, f"{column}_ids")
        lengths[f"{column}_tokens"] = np.diff(offsets)
        ends[column] = values[offsets[:-1]], values[offsets[1:] - 1]
    same_first, same_last = (
        chosen == rejected for chosen, rejected in zip(ends[CHOSEN], ends[REJECTED], strict=True)
    )
    logps = [reference[f"ref_{column}_logps"] for column in (CHOSEN, REJECTED)]
    return PairTokens(pd.DataFrame(lengths), same_first, same_last, np.array(logps, float).T)


def describe_tokens(tokens: PairTokens) -> Iterator[Row]:
    """Lengths, what differs in length, and what the reference prefers already."""
    lengths, clusters = tokens.lengths, tokens.lengths[PROMPT].tolist()
    for column, name in NAMES.items():
        values = lengths[f"{column}_tokens"]
        yield mean(PART, f"{column}_tokens_mean", values, clusters, "tokens", f"mean length of a {name}")
        for measure, compute, word in (
            ("median", np.median, "median"),
            ("q05", lambda array: np.quantile(array, 0.05), "5 % quantile of the"),
            ("q95", lambda array: np.quantile(array, 0.95), "95 % quantile of the"),
            ("longest", np.max, "largest"),
        ):
            yield statistic(
                PART, f"{column}_tokens_{measure}", values, compute, "tokens", f"{word} length of a {name}"
            )

    difference = (lengths["chosen_tokens"] - lengths["rejected_tokens"]).to_numpy()
    said = "length of the chosen minus that of the rejected response"
    yield mean(PART, "length_difference_mean", difference, clusters, "tokens", f"mean of the {said}")
    yield statistic(
        PART, "length_difference_median", difference, np.median, "tokens", f"median of the {said}"
    )
    yield statistic(
        PART,
        "length_difference_sd",
        difference,
        _get_deviation,
        "tokens",
        f"standard deviation of the {said}",
    )
    longer = difference > 0
    yield share(PART, "chosen_longer", longer, clusters, "share of pairs whose chosen response is longer")
    yield share(
        PART, "rejected_longer", difference < 0, clusters, "share of pairs whose rejected response is longer"
    )
    yield share(PART, "same_length", difference == 0, clusters, "share of pairs with responses of one length")
    tenth = max(1, len(longer) // TENTH)
    for name, part in (("first", slice(tenth)), ("last", slice(len(longer) - tenth, None))):
        yield share(
            PART, f"chosen_longer_{name}_tenth", longer[part], clusters[part],
            f"the same share of the {name} tenth of the file: the two differ where its order has a meaning",
        )  # fmt: skip
    for name, hits in (("begin", tokens.same_first), ("end", tokens.same_last)):
        yield share(
            PART,
            f"{name}_alike",
            hits,
            clusters,
            f"share of pairs whose responses {name} with the same token",
        )
    yield from _describe_preference(tokens, clusters)


def _describe_preference(tokens: PairTokens, clusters: list[int]) -> Iterator[Row]:
    """The margin that the reference gives a pair before any training."""
    margins = tokens.logps[:, 0] - tokens.logps[:, 1]
    counts = np.maximum(tokens.lengths[["chosen_tokens", "rejected_tokens"]].to_numpy(), 1)
    per_token = tokens.logps / counts
    said = "log-probability of the chosen minus that of the rejected response under the reference"
    yield mean(PART, "reference_margin_mean", margins, clusters, "nats", f"mean of the {said}")
    yield statistic(
        PART, "reference_margin_sd", margins, _get_deviation, "nats", f"standard deviation of the {said}"
    )
    yield share(
        PART, "reference_prefers_chosen", margins > 0, clusters,
        "share of pairs whose chosen response is the more probable under the reference",
    )  # fmt: skip
    yield share(
        PART, "reference_prefers_chosen_per_token", per_token[:, 0] > per_token[:, 1], clusters,
        "share of pairs whose chosen response is the more probable per token under the reference",
    )  # fmt: skip


def _get_deviation(values: np.ndarray) -> float:
    return values.std(ddof=1) if len(values) > 1 else np.nan


def _number_prompts(reference: Dataset) -> list[int]:
    """The number of each pair's prompt, in the order in which they first occur."""
    values, offsets = _read_lists(reference, f"{PROMPT}_ids")
    numbers: dict[bytes, int] = {}
    return [
        numbers.setdefault(blake2b(values[start:stop].tobytes(), digest_size=16).digest(), len(numbers))
        for start, stop in pairwise(offsets)
    ]


def _read_lists(data: Dataset, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all lists in one array, and where each starts and the last one stops."""
    lists = data.with_format("arrow")[:][column].combine_chunks()
    return lists.values.to_numpy(), lists.offsets.to_numpy()
