"""DPO and its kin: logistic losses of the scaled margin z = βρ.

All take log-probabilities summed over response tokens.
"""

import torch.nn.functional as F
from torch import Tensor

from lossgrid.objectives.pairs import log_ratio_margin


def dpo_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Direct preference optimisation: the logistic loss of the margin.

    .. math:: L = -\log\sigma(\beta\rho) = \mathrm{softplus}(-\beta\rho)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Strength of the KL regularisation in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Limits: log 2 at ρ=0; linear of slope −β as ρ→−∞; finite for every finite ρ.
    Reference: Rafailov et al. 2023, arXiv:2305.18290, Eq. 7.

    >>> zero = torch.zeros(1)
    >>> dpo_loss(zero, zero, zero, zero)
    tensor([0.6931])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return -F.logsigmoid(beta * rho)
