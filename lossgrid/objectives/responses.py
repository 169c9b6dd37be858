"""Losses that weigh each response of a pair by its own log-ratio, r = log π/π_ref, not by their difference alone.

All take log-probabilities summed over response tokens. Where a formula reads 1−σ(x) or σ(x), the code exponentiates
its logarithm: a sigmoid rounded to 1 has no gradient, and float32 rounds it so from x = 17 on.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lossgrid.objectives.pairs import log_ratios


def nca_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.01,
) -> Tensor:
    r"""Noise contrastive alignment of a pair: it keeps the chosen response itself likely.

    .. math:: L = -\log\sigma(\beta r_w) - \tfrac12\log\sigma(-\beta r_w) - \tfrac12\log\sigma(-\beta r_l)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the log-ratios in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 2·log 2 at r_w=r_l=0; in r_w smallest at βr_w = log 2, with slopes of −β and β/2 far from it; growing in
    r_l. The two responses do not interact.
    Reference: Chen et al. 2024, arXiv:2402.05369, the NCA loss with K=2 and rewards 1 and 0.

    >>> zero = torch.zeros(1)
    >>> nca_loss(zero, zero, zero, zero)
    tensor([1.3863])
    """
    chosen, rejected = log_ratios(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    chosen, rejected = beta * chosen, beta * rejected
    return -F.logsigmoid(chosen) - 0.5 * F.logsigmoid(-chosen) - 0.5 * F.logsigmoid(-rejected)


def bco_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.01,
) -> Tensor:
    r"""Binary classifier optimisation of a pair: chosen is the class 1, rejected the class 0.

    .. math:: L = -\log\sigma(\beta r_w) - \log\sigma(-\beta r_l)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the log-ratios in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 2·log 2 at r_w=r_l=0; falling in r_w, growing in r_l, both linear where wrong. Never below DPO:
    (1+e^(−βr_w))(1+e^(βr_l)) ≥ 1+e^(−βρ).
    Reference: Jung et al. 2024, arXiv:2404.04656, with the reward shift δ=0.

    >>> zero = torch.zeros(1)
    >>> bco_loss(zero, zero, zero, zero)
    tensor([1.3863])
    """
    chosen, rejected = log_ratios(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return -F.logsigmoid(beta * chosen) - F.logsigmoid(-beta * rejected)


def sppo_hard_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.001,
) -> Tensor:
    r"""Self-play preference optimisation with the winner's probability set to 1.

    .. math:: L = \left(r_w - \frac{1}{2\beta}\right)^2 + \left(r_l + \frac{1}{2\beta}\right)^2

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: The paper's 1/η in 1/nat, above 0; the log-ratios aimed at are ±1/(2β) nats.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1/(2β²) at r_w=r_l=0; zero at r_w = 1/(2β), r_l = −1/(2β), growing again beyond.
    Reference: Wu et al. 2024, arXiv:2405.00675, Eq. 4.7 with η = 1/β, P = 1 for the winner and 0 for the loser.

    >>> zero = torch.zeros(1)
    >>> sppo_hard_loss(zero, zero, zero, zero)
    tensor([500000.])
    """
    chosen, rejected = log_ratios(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return (chosen - 0.5 / beta) ** 2 + (rejected + 0.5 / beta) ** 2


def apo_zero_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Anchored preference optimisation for chosen responses better than the policy's own.

    .. math:: L = \bigl(1 - \sigma(\beta r_w)\bigr) + \sigma(\beta r_l)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the log-ratios in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1 at r_w=r_l=0; between 0 and 2; pushes the chosen response up and the rejected one down, each with a
    slope of at most β/4 that vanishes on both sides: very wrong responses are not learned.
    Reference: D'Oosterlinck et al. 2024, arXiv:2408.06266, Eq. 7.

    >>> zero = torch.zeros(1)
    >>> apo_zero_loss(zero, zero, zero, zero)
    tensor([1.])
    """
    chosen, rejected = log_ratios(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return torch.exp(F.logsigmoid(-beta * chosen)) + torch.exp(F.logsigmoid(beta * rejected))


def apo_down_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Anchored preference optimisation for chosen responses worse than the policy's own.

    .. math:: L = \sigma(\beta r_w) + \bigl(1 - \sigma(\beta(r_w - r_l))\bigr)

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the log-ratios in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1 at r_w=r_l=0; between 0 and 2; pushes both responses down, the rejected one further. At r_w=r_l=0 the
    two pushes on the chosen one cancel.
    Reference: D'Oosterlinck et al. 2024, arXiv:2408.06266, Eq. 8.

    >>> zero = torch.zeros(1)
    >>> apo_down_loss(zero, zero, zero, zero)
    tensor([1.])
    """
    chosen, rejected = log_ratios(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return torch.exp(F.logsigmoid(beta * chosen)) + torch.exp(F.logsigmoid(-beta * (chosen - rejected)))
