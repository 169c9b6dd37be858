"""How the gradient behaves for ρ→±∞, measured as its power of |ρ| between doublings of the margin."""

import numpy as np

from lossgrid.audit.curve import Curve
from lossgrid.audit.report import Tails

# In units of z. Beyond 2^40 the rounding of r = 1 would show as an exponential.
DOUBLINGS = np.arange(2, 41)
# A constant slope has the power 0; a power within this of it is no trend.
TREND = 0.05
# An exponential exp(a|z|) has the power a|z|, some 500 before it overflows; a polynomial has its degree.
LARGEST_POWER = 30
# Below, a slope is what rounding or underflow left of a vanishing one.
SMALLEST = 1e-200


def describe_tails(curve: Curve) -> Tails:
    """Classify both tails of a loss."""
    left, left_power, left_sign = measure_tail(curve, -1)
    right, right_power, right_sign = measure_tail(curve, +1)
    names = {"bounded": "constant", "polynomial": "growing", "exponential": "growing"}
    return Tails(
        left_slope=left,
        right_slope=names.get(right, right),
        bounded_below=not any(
            falls and power > -1 - TREND
            for falls, power in ((left_sign > 0, left_power), (right_sign < 0, right_power))
        ),
    )


def measure_tail(curve: Curve, side: int) -> tuple[str, float, float]:
    """One tail's class, the last power of |ρ| by which its slope grows, and the sign of the slope."""
    rho = side * curve.unit * 2.0**DOUBLINGS
    loss, slope = curve.function.evaluate(rho)
    finite = np.isfinite(loss) & np.isfinite(slope)
    count = len(finite) if finite.all() else int(np.argmin(finite))
    slope = slope[:count]
    size = np.abs(slope) / curve.steepness if curve.steepness else np.abs(slope)
    if size[-1] < SMALLEST:
        return "vanishing", -np.inf, 0.0
    power = float(np.log2(size[-1] / size[-2])) if size[-2] else np.inf
    if power < -TREND:
        kind = "vanishing"
    elif power <= TREND:
        kind = "bounded"
    else:
        kind = "polynomial" if power <= LARGEST_POWER else "exponential"
    return kind, power, float(np.sign(slope[-1]))
