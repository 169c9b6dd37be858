"""The GPO family: any convex function of the scaled margin z = βρ.

All take log-probabilities summed over response tokens.
"""

import torch
from torch import Tensor

from lossgrid.objectives.pairs import log_ratio_margin


def hinge_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Hinge loss of the scaled margin (what TRL and the DiscoPOP paper call SLiC).

    .. math:: L = \max(0,\, 1 - \beta\rho)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0; pairs beyond ρ=1/β give no gradient.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Limits: 1 at ρ=0; zero from ρ=1/β on; linear of slope −β below.
    Reference: Zhao et al. 2023, arXiv:2305.10425, with the reference's margin as in Liu et al. 2023,
    arXiv:2309.06657, Sec. 3.

    >>> zero = torch.zeros(1)
    >>> hinge_loss(zero, zero, zero, zero)
    tensor([1.])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return torch.relu(1 - beta * rho)
