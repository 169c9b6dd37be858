"""The log-ratio modulated family: a mix of logistic and exponential loss that the margin itself sets.

DiscoPOP (LRML) uses one β for the scale of the margin and for the mix; dLRML has one for each.

Two evaluations of the same function are offered:

- ``published`` multiplies the mix coefficient m by exp(−z), as the papers' code does. For large negative
  margins that is 0·inf = NaN, in value and gradient: from z < −88.72 on in float32 (log of its largest
  number), that is ρ < −1774 at β=0.05 and ρ < −17.7 at β=5.
- ``log_space`` writes the product as exp(log σ(·) − z), finite wherever the true value is.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lossgrid.objectives.pairs import log_ratio_margin


def discopop_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.05,
    tau: float = 0.05,
    *,
    evaluation: str = "log_space",
) -> Tensor:
    r"""DiscoPOP, the log-ratio modulated loss (LRML).

    .. math:: L = (1-m)\,\mathrm{softplus}(-z) + m\,e^{-z},\quad z=\beta\rho,\quad m=\sigma(z/\tau)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.
        tau: Temperature of the mix, above 0, no unit.
        evaluation: ``log_space`` or ``published``, see the module.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: For an unknown evaluation, or where the shapes differ.

    Limits: (log 2 + 1)/2 at ρ=0; there the slope in z is −3/4 + (1 − log 2)/(4τ), which is positive (training
    first *lowers* the margin) for τ < 0.1023: +0.784 at the published τ=0.05.
    Reference: Lu et al. 2024, arXiv:2406.08414, Eq. 5 (Eq. 4 has a slip of sign).

    >>> zero = torch.zeros(1)
    >>> discopop_loss(zero, zero, zero, zero)
    tensor([0.8466])
    """
    return dlrml_loss(
        policy_chosen_logps,
        policy_rejected_logps,
        reference_chosen_logps,
        reference_rejected_logps,
        beta_kl=beta,
        beta_mix=beta,
        tau=tau,
        evaluation=evaluation,
    )


def dlrml_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta_kl: float = 0.05,
    beta_mix: float | Tensor = 0.20,
    tau: float = 0.05,
    *,
    evaluation: str = "log_space",
) -> Tensor:
    r"""Decoupled log-ratio modulated loss (dLRML).

    .. math:: L = (1-m)\,\mathrm{softplus}(-z) + m\,e^{-z},\quad
              z=\beta_{kl}\rho,\quad m=\sigma(\beta_{mix}\rho/\tau)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta_kl: Scale of the margin in both branches in 1/nat, above 0.
        beta_mix: Scale of the margin in the mix coefficient in 1/nat, above 0; a tensor of one number where it
            is trained.
        tau: Temperature of the mix, above 0, no unit; β_mix and τ act only through β_mix/τ.
        evaluation: ``log_space`` or ``published``, see the module.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: For an unknown evaluation, or where the shapes differ.

    Limits: ``beta_mix = beta_kl`` is DiscoPOP. As a function of z only r = β_mix/(τβ_kl) shapes the loss:
    monotone for r ≤ 9.109, wrong sign of the slope at ρ=0 from r = 9.777 on, exponential growth for ρ→−∞
    below r = 1. The default has r = 80.
    Reference: Eq. 5 of arXiv:2406.08414 with β split in two.

    >>> zero = torch.zeros(1)
    >>> dlrml_loss(zero, zero, zero, zero)
    tensor([0.8466])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    z = beta_kl * rho
    mix_logit = beta_mix * rho / tau
    logistic = -F.logsigmoid(z)
    if evaluation == "log_space":
        # For ρ<0, log σ(x) = x + log σ(−x), and the slopes are subtracted before they meet ρ: the difference
        # of two large float32 products would cost up to 0.6 % of the loss where r is just below 1.
        log_product = torch.where(
            rho < 0,
            (beta_mix / tau - beta_kl) * rho + F.logsigmoid(-mix_logit),
            F.logsigmoid(mix_logit) - z,
        )
        return torch.sigmoid(-mix_logit) * logistic + torch.exp(log_product)
    if evaluation == "published":
        mix = torch.sigmoid(mix_logit)
        return (1 - mix) * logistic + mix * torch.exp(-z)
    raise ValueError(f"evaluation: {evaluation!r} is unknown; use 'log_space' or 'published'")
