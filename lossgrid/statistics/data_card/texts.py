"""The preference pairs as texts: repeated, contradictory and tied ones, lengths in characters, scores."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from datasets import Dataset, load_from_disk

from lossgrid.statistics.data_card.rows import Row, count, mean, share

PART = "pairs"
SIDES = ("chosen", "rejected")
BATCH = 1000
# Pairs of columns with such a name hold no score.
NO_SCORE = {"id", "index"}

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class PairTexts:
    """What is kept of the texts of n pairs.

    Attributes:
        prompts: The distinct prompts, as messages.
        places: Shape (n,): which of them each pair has.
        responses: Shape (n, 2): numbers of the texts of the chosen and the rejected response, equal for equal texts.
        characters: Shape (n, 2): their lengths.
        scores: Shape (n, 2) by name: what rated both responses, such as a reward; NaN for none.
    """

    prompts: list[Messages]
    places: np.ndarray
    responses: np.ndarray
    characters: np.ndarray
    scores: dict[str, np.ndarray]


def read_texts(folder: Path) -> PairTexts:
    """Read the data set of pairs, a batch at a time.

    Args:
        folder: A data set on disk with columns `prompt`, `chosen` and `rejected` (messages), and pairs of columns
            such as `reward_chosen` and `reward_rejected`, or `chosen_rating` and `rejected_rating`.
    """
    pairs = load_from_disk(folder)
    prompts: dict[bytes, int] = {}
    texts: dict[bytes, int] = {}
    distinct, places, responses, characters = [], [], [], []
    for batch in pairs.select_columns(["prompt", *SIDES]).iter(BATCH):
        for prompt, *both in zip(*(batch[name] for name in ("prompt", *SIDES)), strict=True):
            key = _hash(json.dumps([[message["role"], message["content"]] for message in prompt]))
            if key not in prompts:
                prompts[key] = len(prompts)
                distinct.append(prompt)
            places.append(prompts[key])
            said = ["\n".join(message["content"] for message in response) for response in both]
            responses.append([texts.setdefault(_hash(text), len(texts)) for text in said])
            characters.append([len(text) for text in said])
    return PairTexts(
        distinct,
        np.array(places, int),
        np.array(responses, int).reshape(-1, 2),
        np.array(characters, int).reshape(-1, 2),
        _read_scores(pairs),
    )


def describe_texts(texts: PairTexts) -> Iterator[Row]:
    """Repetitions, contradictions, ties, lengths in characters and scores."""
    clusters, chosen, rejected = texts.places.tolist(), *texts.responses.T
    n = len(clusters)
    counted = Counter(zip(clusters, chosen.tolist(), rejected.tolist(), strict=True))
    conflicting = sum(
        times
        for (prompt, one, other), times in counted.items()
        if one != other and (prompt, other, one) in counted
    )
    yield count(PART, "distinct_prompts", len(texts.prompts), "prompts", "prompts that differ", n)
    repeated = n - len(texts.prompts)
    yield count(PART, "repeated_prompts", repeated, "pairs", "pairs whose prompt an earlier pair has", n)
    yield count(PART, "repeated_pairs", n - len(counted), "pairs", "pairs that repeat an earlier pair", n)
    yield count(
        PART, "conflicting_pairs", conflicting, "pairs",
        "pairs whose two responses to the same prompt are labelled the other way round in another pair", n,
    )  # fmt: skip
    same = int((chosen == rejected).sum())
    yield count(PART, "same_texts", same, "pairs", "pairs whose two responses are the same text", n)

    for place, side in enumerate(SIDES):
        yield mean(
            PART, f"{side}_characters_mean", texts.characters[:, place], clusters, "characters",
            f"mean length of a {side} response",
        )  # fmt: skip
    yield mean(
        PART, "characters_difference_mean", texts.characters[:, 0] - texts.characters[:, 1], clusters,
        "characters", "mean of the length of the chosen minus that of the rejected response",
    )  # fmt: skip
    for name, scores in texts.scores.items():
        yield from _describe_scores(name, scores, clusters)


def _describe_scores(name: str, scores: np.ndarray, clusters: list[int]) -> Iterator[Row]:
    difference = scores[:, 0] - scores[:, 1]
    for place, side in enumerate(SIDES):
        yield mean(
            PART, f"{name}_{side}_mean", scores[:, place], clusters, "points",
            f"mean {name} of a {side} response",
        )  # fmt: skip
    yield mean(
        PART, f"{name}_difference_mean", difference, clusters, "points",
        f"mean {name} of the chosen minus that of the rejected response",
    )  # fmt: skip
    rated = np.isfinite(difference)
    of_rated = np.array(clusters)[rated].tolist()
    yield share(
        PART, f"{name}_equal", difference[rated] == 0, of_rated,
        f"share of pairs whose responses have the same {name}",
    )  # fmt: skip
    yield share(
        PART, f"{name}_against_label", difference[rated] < 0, of_rated,
        f"share of pairs whose chosen response has the lower {name}",
    )  # fmt: skip


def _read_scores(pairs: Dataset) -> dict[str, np.ndarray]:
    numbers = {
        name
        for name, feature in pairs.features.items()
        if str(getattr(feature, "dtype", "")).startswith(("int", "uint", "float"))
    }
    scores = {}
    for column in pairs.column_names:
        for spelling in ("{name}_{side}", "{side}_{name}"):
            name = column.removesuffix("_chosen") if spelling[1] == "n" else column.removeprefix("chosen_")
            columns = [spelling.format(name=name, side=side) for side in SIDES]
            if columns[0] == column and set(columns) <= numbers and name not in NO_SCORE:
                scores[name] = np.array([pairs[each] for each in columns], float).T
    return scores


def _hash(text: str) -> bytes:
    """Stands for a text, of which a data set holds gigabytes."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
