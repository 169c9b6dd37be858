"""The GPO family: functions of the scaled margin z = βρ that bound the 0-1 loss; all but Savage's are convex.

All take log-probabilities summed over response tokens.
"""

import torch
import torch.nn.functional as F
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


def exponential_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Exponential loss of the scaled margin, that of AdaBoost.

    .. math:: L = e^{-\beta\rho}

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1 at ρ=0; loss and slope grow as e^(−βρ) for ρ→−∞ and leave float32 at βρ = −88.7: one very wrong pair
    outweighs any batch.
    Reference: Tang et al. 2024, arXiv:2402.05749, Table 1.

    >>> zero = torch.zeros(1)
    >>> exponential_loss(zero, zero, zero, zero)
    tensor([1.])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return torch.exp(-beta * rho)


def truncated_quadratic_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Squared hinge of the scaled margin.

    .. math:: L = \max(0,\, 1 - \beta\rho)^2

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0; pairs beyond ρ=1/β give no gradient.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1 at ρ=0; zero from ρ=1/β on; quadratic below.
    Reference: Tang et al. 2024, arXiv:2402.05749, Table 1.

    >>> zero = torch.zeros(1)
    >>> truncated_quadratic_loss(zero, zero, zero, zero)
    tensor([1.])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return torch.relu(1 - beta * rho) ** 2


def squared_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Squared distance of the scaled margin from 1.

    .. math:: L = (\beta\rho - 1)^2

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0; the margin aimed at is 1/β nats.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1 at ρ=0; zero at ρ=1/β, growing again beyond it. It is β² times IPO of β/2: the same optimum and, at an
    optimiser that ignores the scale of the gradient, the same training.
    Reference: Tang et al. 2024, arXiv:2402.05749, Table 1.

    >>> zero = torch.zeros(1)
    >>> squared_loss(zero, zero, zero, zero)
    tensor([1.])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return (beta * rho - 1) ** 2


def savage_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Savage loss of the scaled margin, bounded so that no outlier dominates.

    .. math:: L = (1 + e^{\beta\rho})^{-2} = \sigma(-\beta\rho)^2

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1/4 at ρ=0; tends to 1 as ρ→−∞, where the slope −2σ(−z)²σ(z) in z vanishes: very wrong pairs are not
    learned. Concave for z < −log 2.
    Reference: Masnadi-Shirazi and Vasconcelos 2008, "On the design of loss functions for classification"; Tang et
    al. 2024, arXiv:2402.05749, Table 1.

    >>> zero = torch.zeros(1)
    >>> savage_loss(zero, zero, zero, zero)
    tensor([0.2500])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    # A sigmoid rounded to 1 has no gradient; its logarithm keeps that of very wrong pairs.
    return torch.exp(2 * F.logsigmoid(-beta * rho))
