"""Where the slope of a loss changes its sign."""

from itertools import pairwise

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from lossgrid.audit.curve import Curve
from lossgrid.audit.report import StationaryPoint

# A local extremum of the slope that stands out of its neighbours by less is rounding.
PROMINENCE = 1e-8


def find_stationary_points(curve: Curve) -> tuple[StationaryPoint, ...]:
    """All minima and maxima of a loss, from the left to the right.

    The slope's sign is read off the samples; where the slope merely comes near 0 between samples of one sign, its
    own extremum is polished first, so that a pair of extrema as close as they come is found.
    """
    rho, slope = add_turning_points(curve)
    signs = np.array([curve.get_sign(each) for each in slope])
    significant = np.flatnonzero(signs)
    points = []
    for left, right in pairwise(significant):
        if signs[left] != signs[right]:
            root = brentq(
                curve.function.get_slope, rho[left], rho[right], xtol=1e-14 * curve.unit, rtol=1e-14
            )
            kind = "minimum" if signs[left] < 0 else "maximum"
            points.append(StationaryPoint(kind, round_to_zero(root, curve), curve.function.get_loss(root)))
    return tuple(points)


def add_turning_points(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """The samples with those extrema of the slope that may reach across 0 between two of them."""
    before, here, after = curve.slope[:-2], curve.slope[1:-1], curve.slope[2:]
    sign = curve.signs[1:-1]
    prominence = PROMINENCE * curve.steepness
    towards_zero = (sign * (before - here) > prominence) & (sign * (after - here) > prominence)
    added = []
    for index in np.flatnonzero(towards_zero) + 1:
        found = minimize_scalar(
            lambda rho, sign=curve.signs[index]: sign * curve.function.get_slope(rho),
            bounds=(curve.rho[index - 1], curve.rho[index + 1]),
            method="bounded",
            options={"xatol": 1e-9 * abs(curve.rho[index])},
        )
        added.append((found.x, curve.signs[index] * found.fun))
    if not added:
        return curve.rho, curve.slope
    rho = np.concatenate([curve.rho, [each[0] for each in added]])
    slope = np.concatenate([curve.slope, [each[1] for each in added]])
    order = np.argsort(rho, kind="stable")
    return rho[order], slope[order]


def round_to_zero(rho: float, curve: Curve) -> float:
    """The margin, or 0 where it lies between 0 and the sample next to it."""
    return 0.0 if abs(rho) < np.abs(curve.rho[curve.rho != 0]).min() else rho
