"""Reward and KL divergence of every response of a policy of the hub world."""

import json
from pathlib import Path

import torch

from lossgrid.generation.classifier import score_texts
from lossgrid.generation.divergence import describe_divergence
from lossgrid.worlds.hub.repositories import find_snapshot


def score_frontier(study, responses: Path, scores: Path) -> int:
    """Score a policy's responses.

    The reward is the probability that the study's classifier gives to the label: of prompt and response together
    where the one continues the other, of the response alone in a chat.

    Args:
        study: The study, of the world `hub`, with its lock.
        responses: JSON lines written by `generate_responses`.
        scores: JSON lines to write, beside and renamed, one a response: `id`, `turn`, what `describe_divergence` says
            and, where the study has a classifier, `reward`, a probability.

    Returns:
        The number of responses.

    Raises:
        HubError: The classifier is not on this machine.
        ValueError: It has no such label.
    """
    lines = [json.loads(line) for line in responses.read_text(encoding="utf-8").splitlines()]
    rows = [{"id": line["id"], "turn": line["turn"], **describe_divergence(line)} for line in lines]
    if study.world.reward is not None:
        for row, probability in zip(rows, _classify(study, lines), strict=True):
            row["reward"] = probability
    scores.parent.mkdir(parents=True, exist_ok=True)
    beside = scores.with_suffix(".beside")
    with beside.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    beside.rename(scores)
    return len(rows)


def _classify(study, lines: list[dict]) -> list[float]:
    reward, continues = study.world.reward, study.world.rendering == "continuation"
    texts = [(line["prompt"][-1]["content"] if continues else "") + line["response"] for line in lines]
    classified = score_texts(
        find_snapshot(reward.model.name, "models", study.lock.models[reward.model.name].revision),
        texts,
        reward.label,
        reward.batch_size,
        "cuda" if torch.cuda.is_available() else "cpu",
    )
    if classified.truncated:
        print(f"{classified.truncated} of {len(texts)} texts were cut at {classified.max_length} tokens")
    return classified.probabilities
