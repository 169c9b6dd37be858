"""The landscape of a loss: where training starts, what may trap it, at what it aims."""

from math import inf

import numpy as np

from lossgrid.audit.breaks import find_jumps, find_plateau
from lossgrid.audit.curve import Curve
from lossgrid.audit.extrema import find_stationary_points
from lossgrid.audit.report import Landscape, StationaryPoint

STARTS = {-1: "right", 0: "flat", 1: "wrong"}


def describe_landscape(curve: Curve) -> Landscape:
    """Extrema of a loss and their roles."""
    start_slope = curve.function.get_slope(0.0)
    stationary = find_stationary_points(curve)
    minima = [*find_bottomless_trap(curve), *(each for each in stationary if each.kind == "minimum")]
    maxima = [each for each in stationary if each.kind == "maximum"]
    traps = [each for each in minima if each.rho < 0 or any(top.rho > each.rho for top in maxima)]
    trap = choose_trap(traps)
    return Landscape(
        start=STARTS[curve.get_sign(start_slope)],
        start_loss=curve.function.get_loss(0.0),
        start_slope=start_slope,
        monotone=not (curve.signs > 0).any() and not stationary,
        stationary=stationary,
        trap=trap,
        barrier=next((top for top in maxima if trap and top.rho > trap.rho), None),
        target=next((each for each in minima if each not in traps), None),
        jumps=find_jumps(curve),
        plateau=find_plateau(curve),
    )


def find_bottomless_trap(curve: Curve) -> list[StationaryPoint]:
    """The bottom at −∞ of a loss that falls towards ever smaller margins."""
    significant = curve.signs[np.flatnonzero(curve.signs)]
    falls_leftwards = significant.size and significant[0] > 0
    return [StationaryPoint("minimum", -inf, float(curve.loss[0]))] if falls_leftwards else []


def choose_trap(traps: list[StationaryPoint]) -> StationaryPoint | None:
    """The trap nearest to the left of ρ=0, or the first on the right where there is none."""
    left = [trap for trap in traps if trap.rho < 0]
    return left[-1] if left else next(iter(traps), None)
