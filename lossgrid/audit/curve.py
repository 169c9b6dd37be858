"""A loss sampled along its path, and the signs of its slope."""

from dataclasses import dataclass

import numpy as np

from lossgrid.audit.path import MarginLoss, get_unit

# In units of z, the smallest divided by r where a mix is r times as steep. Logarithmic in both directions, so that
# the mix is resolved as well as the tails: neighbours lie 6 % apart.
SMALLEST, LARGEST, PER_DECADE = 1e-7, 1e5, 40
# Nats in a unit of z, so that the squares of margins and slopes stay numbers.
UNITS = (1e-30, 1e30)
# What a slope must exceed to have a sign, relative to the largest around ρ=0: float64 leaves about 1e-16.
SIGNIFICANT = 1e-10


@dataclass(frozen=True)
class Curve:
    """Samples of a loss over the connected stretch of margins around 0 where it is finite in float64.

    Attributes:
        function: The loss.
        unit: Nats in one unit of z.
        rho: Margins in nats, ascending, shape (n,).
        loss: Shape (n,).
        slope: A nat, shape (n,).
        steepness: The largest slope within one unit of z around 0.
    """

    function: MarginLoss
    unit: float
    rho: np.ndarray
    loss: np.ndarray
    slope: np.ndarray
    steepness: float

    @property
    def signs(self) -> np.ndarray:
        """−1, 0 or 1 for each sample; 0 where the slope is within rounding of 0."""
        return np.sign(self.slope) * (np.abs(self.slope) > SIGNIFICANT * self.steepness)

    def get_sign(self, slope: float) -> int:
        """The sign of a slope, 0 within rounding of 0."""
        return int(np.sign(slope)) if abs(slope) > SIGNIFICANT * self.steepness else 0


def sample_curve(function: MarginLoss) -> Curve:
    """Sample a loss on both sides of ρ=0.

    Raises:
        ValueError: The loss is not finite at ρ=0, where every training starts, or its scale is beyond 1e±30 nats.
    """
    unit = get_unit(function.objective, function.setting)
    if not UNITS[0] <= unit <= UNITS[1]:
        raise ValueError(
            f"{spell_setting(function)}: its scale is {unit:.3g} nats, and the audit reads {UNITS[0]:g} to "
            f"{UNITS[1]:g}; correct the setting"
        )
    ratio = function.objective.get_mix_ratio(function.setting) or 1
    smallest = SMALLEST / float(min(max(ratio, 1), 1e30))
    decades = np.log10(LARGEST / smallest)
    positive = np.geomspace(smallest, LARGEST, round(decades * PER_DECADE)) * unit
    rho = np.concatenate([-positive[::-1], [0.0], positive])
    loss, slope = function.evaluate(rho)
    first, last = find_finite_stretch(np.isfinite(loss) & np.isfinite(slope), len(positive), function)
    rho, loss, slope = (values[first:last] for values in (rho, loss, slope))
    return Curve(function, unit, rho, loss, slope, np.abs(slope[np.abs(rho) <= unit]).max())


def find_finite_stretch(finite: np.ndarray, start: int, function: MarginLoss) -> tuple[int, int]:
    """The samples around the start that no other than finite ones separate from it, as a slice."""
    if not finite[start]:
        raise ValueError(
            f"{spell_setting(function)}: loss or slope is not finite at ρ=0, where every training starts; correct "
            "the setting or the formula"
        )
    broken = np.flatnonzero(~finite)
    left, right = broken[broken < start], broken[broken > start]
    return int(left[-1]) + 1 if left.size else 0, int(right[0]) if right.size else len(finite)


def spell_setting(function: MarginLoss) -> str:
    """The loss and its setting, for errors."""
    setting = ", ".join(f"{name} {value}" for name, value in function.setting.items())
    return f"objective {function.objective.name} ({setting})"
