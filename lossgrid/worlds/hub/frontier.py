"""Reward and KL divergence of every response of a policy of the hub world."""

import json
from pathlib import Path

from lossgrid.generation.classifier import score_texts
from lossgrid.worlds.hub.repositories import find_snapshot

# Of a response's line, what its scores keep as it is.
_KEPT = ("id", "turn", "tokens", "finished")


def score_frontier(study, responses: Path, scores: Path) -> int:
    r"""Score a policy's responses.

    The KL divergence of one response is estimated as in the reviews world, by
    :math:`\log\pi(y|x) - \log\pi_{ref}(y|x)` summed over its tokens. Its reward is the probability that the study's
    classifier gives to the label: of prompt and response together where the one continues the other, of the response
    alone in a chat.

    Args:
        study: The study, of the world `hub`, with its lock.
        responses: JSON lines written by `generate_responses`.
        scores: JSON lines to write, beside and renamed, one a response: `id`, `turn`, `kl` (nats), `tokens`,
            `finished`, and `reward` (a probability) where the study has a classifier.

    Returns:
        The number of responses.
    """
    lines = [json.loads(line) for line in responses.read_text(encoding="utf-8").splitlines()]
    rows = [
        {
            **{key: line[key] for key in _KEPT},
            "kl": line["policy_logp"] - line["reference_logp"],
            **{key: value for key, value in line.items() if key.startswith("kl_reference")},
        }
        for line in lines
    ]
    reward = study.world.reward
    if reward is not None:
        model = find_snapshot(reward.model.name, "models", study.lock.models[reward.model.name].revision)
        continues = study.world.rendering == "continuation"
        texts = [(line["prompt"][-1]["content"] if continues else "") + line["response"] for line in lines]
        for row, value in zip(rows, score_texts(model, texts, reward.label, reward.batch_size), strict=True):
            row["reward"] = value
    scores.parent.mkdir(parents=True, exist_ok=True)
    beside = scores.with_suffix(".beside")
    with beside.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    beside.rename(scores)
    return len(rows)
