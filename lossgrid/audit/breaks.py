"""Where a loss jumps, and where its gradient is exactly 0."""

from math import inf

import numpy as np

from lossgrid.audit.curve import Curve
from lossgrid.audit.extrema import round_to_zero
from lossgrid.audit.report import Jump

# In units of the largest slope by z around 0, and as a share of the loss, of which rounding moves 1e-16.
SMALLEST_JUMP, ROUNDING = 1e-6, 1e-12
# Relative distance from the edge of a plateau at which the slope must be larger than rounding makes it.
INSIDE = 1e-3


def find_jumps(curve: Curve) -> tuple[Jump, ...]:
    """The discontinuities of the value: where it changes by more than its slopes on both sides explain."""
    rises = np.diff(curve.loss)
    steepest = np.maximum(np.abs(curve.slope[:-1]), np.abs(curve.slope[1:]))
    rounding = ROUNDING * (np.abs(curve.loss) + abs(curve.function.others_at_zero))
    smallest = np.maximum(SMALLEST_JUMP * curve.steepness * curve.unit, rounding[:-1] + rounding[1:])
    with np.errstate(over="ignore"):
        unexplained = np.abs(rises) - 4 * steepest * np.diff(curve.rho)
    jumps = []
    for index in np.flatnonzero(unexplained > smallest):
        jump = halve(curve, curve.rho[index], curve.rho[index + 1])
        if abs(jump.height) > smallest[index]:
            jumps.append(jump)
    return tuple(jumps)


def halve(curve: Curve, left: float, right: float) -> Jump:
    """Follow the larger rise of an interval down to neighbouring numbers."""
    low, high = curve.function.get_loss(left), curve.function.get_loss(right)
    while left < (middle := (left + right) / 2) < right and right - left > 1e-12 * curve.unit:
        value = curve.function.get_loss(middle)
        if abs(value - low) > abs(high - value):
            right, high = middle, value
        else:
            left, low = middle, value
    return Jump(round_to_zero((left + right) / 2, curve), high - low)


def find_plateau(curve: Curve) -> tuple[float, float] | None:
    """The interval where the gradient is exactly 0, with an infinite end where it never ends.

    A slope that falls below what float64 can hold is 0 as well; a plateau is told from it by its edge, beside
    which the slope is larger than rounding makes it.
    """
    flat = np.flatnonzero(curve.slope == 0)
    runs = np.split(flat, np.flatnonzero(np.diff(flat) > 1) + 1)
    for run in runs:
        if len(run) < 2:
            continue
        first, last = int(run[0]), int(run[-1])
        start = -inf if first == 0 else find_edge(curve, curve.rho[first], curve.rho[first - 1])
        end = inf if last == len(curve.rho) - 1 else find_edge(curve, curve.rho[last], curve.rho[last + 1])
        if start is not None and end is not None and (start, end) != (-inf, inf):
            return start, end
    return None


def find_edge(curve: Curve, flat: float, sloping: float) -> float | None:
    """Where a slope of exactly 0 ends; None where it ends in rounding."""
    beside = sloping
    while (middle := (flat + sloping) / 2) not in (flat, sloping):
        if curve.function.get_slope(middle) == 0:
            flat = middle
        else:
            sloping = middle
    inside = sloping + np.sign(beside - flat) * min(INSIDE * curve.unit, abs(beside - sloping))
    return float(sloping) if curve.get_sign(curve.function.get_slope(inside)) else None
