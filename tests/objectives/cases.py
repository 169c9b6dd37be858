"""Every loss of the catalogue at several settings, for the tests that all of them run through."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from torch import Tensor

from lossgrid.objectives.catalogue import OBJECTIVES
from lossgrid.objectives.specification import Objective

# A loss has every property that is tested, unless it is named here.
# What its margin ρ does not determine: losses of single responses, of ranks, of the policy's own order.
BEYOND_THE_MARGIN = {
    *("nca", "bco", "sppo_hard", "apo_zero", "apo_down", "kto", "aot", "aot_unpaired", "pfl"),
    *(objective.name for objective in OBJECTIVES if objective.reference_free),
}
# A shift of policy and reference alike changes the loss.
BEYOND_THE_LOG_RATIOS = {"pfl", *(objective.name for objective in OBJECTIVES if objective.reference_free)}
# The variance of a single pair's margin is 0/0.
NAN_FOR_ONE_PAIR = {"dbaql", "aqfl"}
# DPO less a linear term.
UNBOUNDED_BELOW = {"robust_dpo"}
# Every number of the default setting times each of these.
FACTORS = (1, 5, 0.2)
# Of an exponential tail, r = 0.1/(1·0.3) < 1, and of r > 1 where the factors leave it as it is.
FURTHER = {
    "dlrml": (
        {"beta_kl": 0.3, "beta_mix": 0.1, "tau": 1.0, "evaluation": "log_space"},
        {"beta_kl": 0.3, "beta_mix": 0.1, "tau": 0.1, "evaluation": "log_space"},
    )
}


@dataclass(frozen=True)
class Case:
    """A loss of the catalogue at one setting.

    Attributes:
        objective: The loss.
        keywords: What it takes beside log-probabilities.
    """

    objective: Objective
    keywords: Mapping[str, float | str]

    def __call__(self, *logps: Tensor) -> Tensor:
        """The losses from the four tensors, of which one without reference takes two."""
        return self.objective.load()(*logps[: len(self.objective.arguments)], **self.keywords)

    def __str__(self) -> str:
        values = (value if isinstance(value, str) else f"{value:g}" for value in self.keywords.values())
        return "-".join([self.objective.name, *values])


def get_cases(objective: Objective) -> list[Case]:
    """The default setting, stronger and weaker ones, and each in every evaluation."""
    parameters = objective.hyperparameters
    words = [parameter for parameter in parameters if parameter.choices]
    settings = list(FURTHER.get(objective.name, ()))
    for factor, *choices in product(FACTORS, *(parameter.choices for parameter in words)):
        numbers = {
            parameter.name: min(factor * parameter.default, 0.9 * parameter.below)
            for parameter in parameters
            if not parameter.choices
        }
        chosen = dict(zip((parameter.name for parameter in words), choices, strict=True))
        settings.append({parameter.name: (numbers | chosen)[parameter.name] for parameter in parameters})
    return [Case(objective, objective.get_keywords(setting)) for setting in settings]


CASES = {objective.name: get_cases(objective) for objective in OBJECTIVES}
EVERY_CASE = {str(case): case for cases in CASES.values() for case in cases}
