r"""Losses that a language model proposed beside DiscoPOP.

All take log-probabilities summed over response tokens. They follow the released code, which is a function of
z = βρ. Its weights are made of u = z/0.05: the run that discovered them, at β=0.05, took ρ itself. At β=0.05 u is
ρ; at another β the loss is the one of β=0.05 with ρ stretched by β/0.05, where that run's would change its shape.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lossgrid.objectives.pairs import log_ratio_margin

# β of the run that discovered these losses.
DISCOVERY_BETA = 0.05


def cell_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.05,
) -> Tensor:
    r"""Combined exponential and logistic loss (CELL), an equal mix of the two.

    .. math:: L = \tfrac12\,\mathrm{softplus}(-z) + \tfrac12\,e^{-z},\quad z=\beta\rho

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

    Limits: (log 2 + 1)/2 at ρ=0; grows as e^(−z)/2 for ρ→−∞, beyond float32 below z = −88.7.
    Reference: Lu et al. 2024, arXiv:2406.08414, App. E.5, Eq. 26.

    >>> zero = torch.zeros(1)
    >>> cell_loss(zero, zero, zero, zero)
    tensor([0.8466])
    """
    z = beta * log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return -0.5 * F.logsigmoid(z) + 0.5 * torch.exp(-z)


def padll_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.05,
) -> Tensor:
    r"""Performance adaptive decay logistic loss (PADLL): logistic, halved at negative margins.

    .. math:: L = 0.9\,\left(1 - \tfrac12\,\mathbf 1[\rho<0]\right)\mathrm{softplus}(-\beta\rho)

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

    Limits: jumps at ρ=0, from 0.45·log 2 just below up to 0.9·log 2, where training starts.
    Reference: Lu et al. 2024, arXiv:2406.08414, App. E.3, Eq. 18.

    >>> zero = torch.zeros(1)
    >>> padll_loss(zero, zero, zero, zero)
    tensor([0.6238])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    logistic = -F.logsigmoid(beta * rho)
    return torch.where(rho < 0, 0.45 * logistic, 0.9 * logistic)


def pfl_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.05,
) -> Tensor:
    r"""Policy focused loss (PFL): the policy's own order of a pair chooses between two losses of the margin.

    .. math:: L = \begin{cases}\tfrac12\,\mathrm{softplus}(-z) & \log\pi_w > \log\pi_l\\
              2\max(0,\, 1 - z) & \text{otherwise}\end{cases},\quad z=\beta\rho

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0; 1 for the loss of the discovery run, which had no β.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: jumps where the policy finds both responses equally likely; no function of the margin alone. Sums
    favour the shorter response, so a longer chosen one usually counts as wrongly ordered.
    Reference: Lu et al. 2024, arXiv:2406.08414, App. E.7, Eq. 29 without its division by τ=0.05.

    >>> zero = torch.zeros(1)
    >>> pfl_loss(zero, zero, zero, zero)
    tensor([2.])
    """
    z = beta * log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    is_ordered = policy_chosen_logps > policy_rejected_logps
    return torch.where(is_ordered, -0.5 * F.logsigmoid(z), 2 * torch.relu(1 - z))


def dbaql_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.05,
) -> Tensor:
    r"""Dynamic blended adaptive quantile loss (DBAQL): mixed by the micro-batch's spread.

    .. math:: L = c\,\mathrm{softplus}(-z/0.9) + (1-c)\,e^{-0.9z},\quad
              c=\sigma(\mathrm{Var}\,u),\quad z=\beta\rho,\quad u=z/0.05

    The variance is the unbiased one over the pairs given, and the gradient flows through it.

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens; batch is the micro-batch.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64; NaN for a micro-batch of one pair.

    Raises:
        ValueError: Where the shapes differ.

    Limits: (log 2 + 1)/2 where all ρ are 0; c ≥ ½. (1−c)·e^(−0.9z) is one exponential here, finite where the
    released code is 0·inf = NaN.
    Reference: Lu et al. 2024, arXiv:2406.08414, App. E.1, Eq. 9.

    >>> zeros = torch.zeros(2)
    >>> dbaql_loss(zeros, zeros, zeros, zeros)
    tensor([0.8466, 0.8466])
    """
    z = beta * log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    spread = (z / DISCOVERY_BETA).var()
    return -torch.sigmoid(spread) * F.logsigmoid(z / 0.9) + torch.exp(F.logsigmoid(-spread) - 0.9 * z)


def aql_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.05,
    weight_scale: float = 1.0,
) -> Tensor:
    r"""Adaptive quantile loss (AQL): logistic below a level that the micro-batch sets, hinge above it.

    .. math:: L = w\,\mathrm{softplus}(-z) + (1-w)\max(0,\, 1-z),\quad w=\sigma(-s(u-q)),\\
              z=\beta\rho,\quad u=z/0.05,\quad q=0.5+0.01\,(\sigma(\bar u)-0.5)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens; batch is the micro-batch.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.
        weight_scale: s, above 0, no unit: 1 is the released code, 0.05 the paper and the discovery run.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 0.8090 where all ρ are 0; there the slope in z is +0.750, the wrong sign, but −0.670 at s=0.05. Slope
    −β for ρ→−∞, vanishing for ρ→∞.
    Reference: Lu et al. 2024, arXiv:2406.08414, App. E.2, Eq. 11-13; released code for s=1.

    >>> zero = torch.zeros(1)
    >>> aql_loss(zero, zero, zero, zero)
    tensor([0.8090])
    """
    z = beta * log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    u = z / DISCOVERY_BETA
    level = 0.5 + 0.01 * (torch.sigmoid(u.mean()) - 0.5)
    logit = weight_scale * (level - u)
    return -torch.sigmoid(logit) * F.logsigmoid(z) + torch.sigmoid(-logit) * torch.relu(1 - z)


def aqfl_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.05,
) -> Tensor:
    r"""Adaptive quantile feedback loss (AQFL): logistic far from a level that the micro-batch sets.

    .. math:: L = w\,\mathrm{softplus}(-z) + (1-w)\max(0,\, 1-z),\quad w=\sigma(0.1\,|u-q|),\\
              z=\beta\rho,\quad u=z/0.05,\quad q=0.95\,\mathrm{std}\,u\,\overline{\sigma(-u)}+0.05\,\sigma(\bar u)

    The standard deviation is the unbiased one over the pairs given, and the gradient flows through q.

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens; batch is the micro-batch.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64; NaN for a micro-batch of one pair.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 0.8464 where all ρ are 0; w ≥ ½; both parts have slope −β for ρ→−∞.
    Reference: Lu et al. 2024, arXiv:2406.08414, App. E.4, its code; Eq. 24 writes the variance for its root.

    >>> zeros = torch.zeros(2)
    >>> aqfl_loss(zeros, zeros, zeros, zeros)
    tensor([0.8464, 0.8464])
    """
    z = beta * log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    u = z / DISCOVERY_BETA
    level = 0.95 * u.std() * torch.sigmoid(-u).mean() + 0.05 * torch.sigmoid(u.mean())
    logit = 0.1 * (u - level).abs()
    return -torch.sigmoid(logit) * F.logsigmoid(z) + torch.sigmoid(-logit) * torch.relu(1 - z)
