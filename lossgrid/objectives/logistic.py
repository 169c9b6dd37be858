"""DPO and its kin: logistic losses of the scaled margin z = βρ.

All take log-probabilities summed over response tokens. ε is the share of pairs whose label is wrong: the
conservative loss aims at a margin that such labels leave, the robust one at the margin without them, EXO at the
conservative margin with the divergence the other way round.
"""

import math

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


def cdpo_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
    label_smoothing: float = 0.1,
) -> Tensor:
    r"""Conservative DPO: the logistic loss against a label that is right with probability 1−ε.

    .. math:: L = (1-\varepsilon)\,\mathrm{softplus}(-z) + \varepsilon\,\mathrm{softplus}(z),\quad z=\beta\rho

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Strength of the KL regularisation in 1/nat, above 0.
        label_smoothing: ε, the probability that a label is wrong, above 0 and below ½.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: log 2 at ρ=0; smallest at z = log((1−ε)/ε) (2.20 at ε=0.1), where it is the entropy of the label;
    linear of slope −(1−ε)β as ρ→−∞ and εβ as ρ→∞, so that the margin is bounded.
    Reference: Mitchell 2023, "A note on DPO with noisy preferences and relationship to IPO"; "cDPO" in
    Chowdhury et al. 2024, arXiv:2403.00409.

    >>> zero = torch.zeros(1)
    >>> cdpo_loss(zero, zero, zero, zero)
    tensor([0.6931])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    z = beta * rho
    return -F.logsigmoid(z) * (1 - label_smoothing) - F.logsigmoid(-z) * label_smoothing


def robust_dpo_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
    label_smoothing: float = 0.1,
) -> Tensor:
    r"""Robust DPO: the loss whose mean over labels flipped with probability ε is DPO's on the true labels.

    .. math:: L = \frac{(1-\varepsilon)\,\mathrm{softplus}(-z) - \varepsilon\,\mathrm{softplus}(z)}{1-2\varepsilon}
              = \mathrm{softplus}(-z) - \frac{\varepsilon}{1-2\varepsilon}\,z,\quad z=\beta\rho

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Strength of the KL regularisation in 1/nat, above 0.
        label_smoothing: ε, the probability that a label is flipped, above 0 and below ½.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: log 2 at ρ=0; falls everywhere, with a slope in z from −(1−ε)/(1−2ε) as ρ→−∞ to −ε/(1−2ε) as ρ→∞: it
    is unbounded below, and no margin is large enough for it.
    Reference: Chowdhury et al. 2024, arXiv:2403.00409, rDPO.

    >>> zero = torch.zeros(1)
    >>> robust_dpo_loss(zero, zero, zero, zero)
    tensor([0.6931])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    z = beta * rho
    # softplus(z) = z + softplus(−z); the difference of the two would lose its digits for ε near ½.
    return -F.logsigmoid(z) - label_smoothing / (1 - 2 * label_smoothing) * z


def exo_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
    label_smoothing: float = 0.001,
) -> Tensor:
    r"""EXO for pairs: the reverse KL divergence of the policy's preference from the smoothed label.

    .. math:: L = \sigma(z)\log\frac{\sigma(z)}{1-\varepsilon} + \sigma(-z)\log\frac{\sigma(-z)}{\varepsilon},\quad
              z=\beta\rho

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.
        label_smoothing: ε, the probability that a label is wrong, above 0 and below ½.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: −log 2 − ½·log(ε(1−ε)) at ρ=0; zero at z = log((1−ε)/ε) (6.91 at ε=0.001), rising beyond it to
    −log(1−ε); bounded by −log ε as ρ→−∞, where its slope σ(z)σ(−z)(z − log((1−ε)/ε)) vanishes: very wrong pairs are
    not learned.
    Reference: Ji et al. 2024, arXiv:2402.00856, Eq. 16.

    >>> zero = torch.zeros(1)
    >>> exo_loss(zero, zero, zero, zero)
    tensor([2.7612])
    """
    rho = log_ratio_margin(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    z = beta * rho
    from_target = z - math.log((1 - label_smoothing) / label_smoothing)
    # One function written for either sign of z, so that no two large terms cancel, in value or gradient.
    right = -torch.sigmoid(-z) * from_target + F.logsigmoid(z) - math.log1p(-label_smoothing)
    wrong = torch.sigmoid(z) * from_target + F.logsigmoid(-z) - math.log(label_smoothing)
    return torch.where(z < 0, wrong, right)
