"""What the data say of one claim, before the other claims of the study are looked at."""

from dataclasses import dataclass, field

import numpy as np

LEVEL = 0.05


@dataclass(frozen=True)
class Finding:
    """What is known of a claim from its own runs.

    Attributes:
        leaning: Where the interval, or the rule of a claim without one, lies: supported, refuted or inconclusive.
        detail: The numbers in a sentence, without its full stop.
        numbers: Columns of the table of claims.
        p: p-value of the claim's test; NaN where there is none.
    """

    leaning: str
    detail: str
    numbers: dict = field(default_factory=dict)
    p: float = np.nan


def lean(agrees: bool, opposes: bool) -> str:
    """Supported, refuted or, with neither, inconclusive."""
    return "supported" if agrees else "refuted" if opposes else "inconclusive"


def say(value: float, sign: str = "") -> str:
    """A number in three digits."""
    return f"{value:{sign}.3g}".replace("-", "−")


def percent(share: float) -> str:
    """A share in three digits."""
    return f"{100 * share:.3g} %"


def count(runs: int) -> str:
    """So many runs."""
    return f"{runs} run{'' if runs == 1 else 's'}"


def say_p(p: float) -> str:
    """A p-value after its letter."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
