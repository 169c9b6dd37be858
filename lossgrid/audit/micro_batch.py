"""Whether a loss couples the pairs of its micro-batch, measured and not read off its flag."""

import warnings

import numpy as np
import torch

from lossgrid.audit.path import COMPANIONS, REFERENCE_MARGINS, MarginLoss, compute_each, get_unit

# Margins of the pair, in units of z and in nats.
OWN_MARGINS = np.concatenate([[0.0], *([-size, size] for size in np.geomspace(1e-3, 1e2, 51))])
# Spreads of the other pairs' margins in units of z: the statistics of some losses saturate where they are wide.
SPREADS = (1e-4, 1e-3, 1e-2, 0.1, 1.0)
# What float64 makes of another order of the same sum.
ROUNDING = 1e-9


def measure_coupling(function: MarginLoss) -> bool:
    """Whether a pair's loss changes when the margins or the reference margins of the others do."""
    unit = get_unit(function.objective, function.setting)
    margins = torch.as_tensor(np.concatenate([OWN_MARGINS, OWN_MARGINS * unit]))
    groups = [(COMPANIONS * spread * unit, REFERENCE_MARGINS * spread * unit) for spread in SPREADS]
    groups += [(COMPANIONS, REFERENCE_MARGINS), (unit * (3 * COMPANIONS + 1), unit * REFERENCE_MARGINS)]
    losses = [
        compute_each(lambda own, group=group: function.apply_within(own, *group)[0], margins)
        for group in groups
    ]
    size = losses[0].abs().clamp(min=1)
    return any(bool(((other - losses[0]).abs() > ROUNDING * size).any()) for other in losses[1:])


def is_nan_alone(function: MarginLoss) -> bool:
    """Whether loss or gradient of a micro-batch of one pair is not finite."""
    with warnings.catch_warnings():
        # What torch says of the standard deviation of one number.
        warnings.simplefilter("ignore")
        for own in (-3.0, -0.5, 0.0, 0.5, 3.0):
            point = torch.tensor([own], dtype=torch.float64, requires_grad=True)
            loss = function.apply(point)
            (slope,) = torch.autograd.grad(loss.sum(), point)
            if not (loss.isfinite().all() and slope.isfinite().all()):
                return True
    return False
