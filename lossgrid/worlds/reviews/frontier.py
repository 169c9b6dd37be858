"""True reward and KL of every response of a policy."""

import json
from pathlib import Path

from lossgrid.generation.divergence import describe_divergence
from lossgrid.worlds.reviews.reward import score_reply


def score_frontier(study, responses: Path, scores: Path) -> int:
    """Score a policy's responses.

    Args:
        study: Unused: the reward is the same in all studies of the world.
        responses: JSON lines written by `generate_responses`.
        scores: JSON lines to write, beside and renamed, one a response: `id`, `turn`, `aspect`, `reward`
            (points) and what `describe_divergence` says.

    Returns:
        The number of responses.
    """
    scores.parent.mkdir(parents=True, exist_ok=True)
    beside = scores.with_suffix(".beside")
    lines = responses.read_text().splitlines()
    with beside.open("w") as file:
        for line in lines:
            response = json.loads(line)
            aspect = response["aspects"][response["turn"] - 1]
            score = {
                "id": response["id"],
                "turn": response["turn"],
                "aspect": aspect,
                "reward": score_reply(response["response"], aspect).total,
                **describe_divergence(response),
            }
            file.write(json.dumps(score) + "\n")
    beside.rename(scores)
    return len(lines)
