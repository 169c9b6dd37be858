"""Losses of the scaled margin z = βρ alone: DPO, IPO and the hinge.

All take log-probabilities summed over response tokens.
"""

import torch
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


def ipo_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Identity preference optimisation: a squared distance of the margin from 1/(2β).

    .. math:: L = \left(\rho - \frac{1}{2\beta}\right)^2

    Sums over tokens, as the paper writes it and as the DPO and DiscoPOP code do. TRL's ``loss_type="ipo"``
    averages over tokens instead: another loss, with another scale of β.

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: The paper's τ in 1/nat, above 0; the margin aimed at is 1/(2β) nats.

    Returns:
        One loss a pair in nats², shape (batch,), float32 or float64.

    Limits: 1/(4β²) at ρ=0; zero at ρ=1/(2β); grows again beyond it, so the margin is bounded.
    Reference: Azar et al. 2023, arXiv:2310.12036, Eq. 17.

    >>> zero = torch.zeros(1)
    >>> ipo_loss(zero, zero, zero, zero, beta=0.25)
    tensor([4.])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return (rho - 1 / (2 * beta)) ** 2


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
