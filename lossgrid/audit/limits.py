"""Where the computation of a loss stops being finite, in each precision and evaluation.

Measured on the loss itself in native precision: half precision computes in half precision. Training here raises
half-precision log-probabilities to float32 before its losses, so that float32's limits apply to it; code that
computes the same formula in half precision has that precision's.
"""

from dataclasses import replace

import numpy as np
import torch

from lossgrid.audit.path import MarginLoss, get_unit
from lossgrid.audit.report import Limit
from lossgrid.objectives.specification import Objective

PRECISIONS = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
# No pair of responses has a margin as large: 1e6 tokens of 1000 nats.
LARGEST_MARGIN = 1e9
PER_DECADE = 16


def find_limits(function: MarginLoss) -> tuple[Limit, ...]:
    """The limits of a loss in every evaluation that it offers, by bisection."""
    return tuple(
        Limit(evaluation, name, find_limit(variant, dtype, -1), find_limit(variant, dtype, +1))
        for evaluation in get_evaluations(function.objective)
        for variant in [select_evaluation(function, evaluation)]
        for name, dtype in PRECISIONS.items()
    )


def get_evaluations(objective: Objective) -> tuple[str, ...]:
    """The ways in which a loss can be computed; one empty word where there is no choice."""
    choices = [each.choices for each in objective.hyperparameters if each.name == "evaluation"]
    return choices[0] if choices else ("",)


def select_evaluation(function: MarginLoss, evaluation: str) -> MarginLoss:
    """The same loss computed in another way."""
    if not evaluation:
        return function
    return replace(function, setting={**function.setting, "evaluation": evaluation})


def find_limit(function: MarginLoss, dtype: torch.dtype, side: int) -> float | None:
    """The margin nearest to 0 on one side where loss or slope is infinite or not a number.

    Returns:
        The margin, to six digits or those of the precision; 0 where not even ρ=0 is finite; None where everything
        is finite up to 1e9 nats or to the largest number of the precision.
    """
    if not is_finite(function, [0.0], dtype)[0]:
        return 0.0
    smallest = 1e-6 * min(1.0, get_unit(function.objective, function.setting))
    largest = min(torch.finfo(dtype).max, LARGEST_MARGIN)
    sizes = np.geomspace(smallest, largest, round((np.log10(largest) - np.log10(smallest)) * PER_DECADE))
    finite = is_finite(function, side * sizes, dtype)
    if finite.all():
        return None
    first = int(np.argmin(finite))
    inside, outside = (sizes[first - 1] if first else 0.0), sizes[first]
    while outside - inside > 1e-7 * outside:
        middle = (inside + outside) / 2
        if is_finite(function, [side * middle], dtype)[0]:
            inside = middle
        else:
            outside = middle
    return float(side * outside)


def is_finite(function: MarginLoss, rho: np.ndarray | list[float], dtype: torch.dtype) -> np.ndarray:
    """Whether loss and slope are finite, for each margin."""
    loss, slope = function.evaluate(rho, dtype)
    return np.isfinite(loss) & np.isfinite(slope)
