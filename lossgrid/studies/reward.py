"""Whether a study has a reward, and what its unit is: the one place that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Worlds that have a reward only where their key `reward` names a classifier; any other knows that of every response.
OPTIONAL = ("hub",)


@dataclass(frozen=True)
class RewardWords:
    """What figures, tables and sentences call a study's reward.

    Attributes:
        name: As an axis or a table calls it.
        unit: Its unit; of a classifier the probability that it gives.
        meaning: What is measured, in a line.
    """

    name: str
    unit: str
    meaning: str


KNOWN_REWARD = RewardWords("true reward", "points", "true reward of answers to held-out prompts")


def has_reward(study: Any) -> bool:
    """Whether every response has a reward, from the world or from a classifier that it names.

    Args:
        study: A study, its `model_dump()`, or its keys as the file spells them; without a sound world, which is a
            mistake of its own, there is one.
    """
    world = _get(study, "world")
    return _get(world, "kind") not in OPTIONAL or _get(world, "reward") is not None


def describe_reward(study: Any) -> RewardWords | None:
    """The words for a study's reward; None without one.

    Args:
        study: As for `has_reward`.

    Examples:
        >>> world = {"kind": "hub", "reward": {"label": "POSITIVE"}}
        >>> describe_reward({"world": world}).unit
        'P(POSITIVE)'
    """
    if not has_reward(study):
        return None
    classifier = _get(_get(study, "world"), "reward")
    if classifier is None:
        return KNOWN_REWARD
    unit = f"P({_get(classifier, 'label')})"
    return RewardWords("reward", unit, f"{unit} of prompt and answer by the classifier of the study")


def _get(block: Any, key: str) -> Any:
    return block.get(key) if isinstance(block, Mapping) else getattr(block, key, None)
