"""Losses of a pair that depend on the other pairs of its micro-batch.

The micro-batch is what the function is given: gradient accumulation and the number of devices change these losses.
All take log-probabilities summed over response tokens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lossgrid.objectives.pairs import log_ratios, raise_precision


def kto_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""Kahneman-Tversky optimisation of pairs: each response against the mean log-ratio of the other kind.

    .. math:: L = \tfrac12\bigl(1 - \sigma(\beta(r_w - K_l))\bigr) +
                  \tfrac12\bigl(1 - \sigma(\beta(K_w - r_l))\bigr),\quad
              K_w = \max(0, \overline{r_w}),\; K_l = \max(0, \overline{r_l})

    with r the log-ratio of a response and the bar the mean over the micro-batch.

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

    Limits: ½ at r_w=r_l=0; between 0 and 1; the slope vanishes on both sides. The means are differentiated: where one
    is at least 0, as both are at the start of training, it carries as much gradient as the log-ratios themselves. A
    micro-batch of one pair compares its responses with each other: σ(−βρ) where both log-ratios are positive. A pair
    that is NaN makes the losses of all pairs NaN.
    Reference: Ethayarajh et al. 2024, arXiv:2402.01306, Sec. 4, with the estimate of the KL divergence that the
    DiscoPOP code takes over pairs, and the mean of its two values a pair.

    >>> zero = torch.zeros(1)
    >>> kto_loss(zero, zero, zero, zero)
    tensor([0.5000])
    """
    chosen, rejected = log_ratios(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    chosen_kl = chosen.mean().clamp(min=0)
    rejected_kl = rejected.mean().clamp(min=0)
    # 1−σ(x) as exp(log σ(−x)), since 1−σ(x) is rounded to multiples of 6e-8 in float32, and its gradient too.
    of_chosen = torch.exp(F.logsigmoid(-beta * (chosen - rejected_kl)))
    of_rejected = torch.exp(F.logsigmoid(-beta * (chosen_kl - rejected)))
    return (of_chosen + of_rejected) / 2


def aot_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.01,
) -> Tensor:
    r"""Alignment via optimal transport (AOT): the policy's margins against the reference's of the same rank.

    .. math:: L_i = \mathrm{softplus}\bigl(-\beta(m_i - m^{ref}_{(\mathrm{rank}\,m_i)})\bigr),\quad
              m = \log\pi_w - \log\pi_l

    A pair's own loss is the one that holds its policy's margin m_i; the reference's margin in it is the one of the
    same rank within the micro-batch, of whichever pair.

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        reference_chosen_logps: Shape (batch,), nats, summed.
        reference_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margins in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: a pair alone has the DPO loss; so have pairs whose margins lie in the same order under policy and
    reference. The sum over the batch does not depend on which pair a reference margin came from. A NaN counts as
    the largest margin: one in the policy stays in its pair, one in the reference is met by the pair of the largest
    margin; no batch hides it.
    Reference: Melnyk et al. 2024, arXiv:2406.05882, for paired data.

    >>> zero = torch.zeros(2)
    >>> aot_loss(torch.tensor([3.0, 1.0]), zero, torch.tensor([0.0, 1.0]), zero, beta=1.0)
    tensor([0.1269, 0.3133])
    """
    chosen, rejected, reference_chosen, reference_rejected = raise_precision(
        policy_chosen_logps=policy_chosen_logps,
        policy_rejected_logps=policy_rejected_logps,
        reference_chosen_logps=reference_chosen_logps,
        reference_rejected_logps=reference_rejected_logps,
    )
    margin = chosen - rejected
    return -F.logsigmoid(beta * (margin - match_ranks(margin, reference_chosen - reference_rejected)))


def aot_unpaired_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.01,
) -> Tensor:
    r"""AOT without pairs: the chosen log-ratios against the rejected ones of the same rank.

    .. math:: L_i = \mathrm{softplus}\bigl(-\beta(r_{w,i} - r_{l,(\mathrm{rank}\,r_{w,i})})\bigr)

    A pair's own loss is the one that holds its chosen response's log-ratio; the rejected log-ratio in it is the one
    of the same rank within the micro-batch, of whichever pair.

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

    Limits: a pair alone has the DPO loss. A NaN counts as the largest log-ratio: one in a chosen response stays in
    its pair, one in a rejected response is met by the largest chosen one; no batch hides it.
    Reference: Melnyk et al. 2024, arXiv:2406.05882, for unpaired data.

    >>> zero = torch.zeros(2)
    >>> aot_unpaired_loss(torch.tensor([3.0, 1.0]), torch.tensor([0.0, 1.0]), zero, zero, beta=1.0)
    tensor([0.1269, 0.3133])
    """
    chosen, rejected = log_ratios(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
    )
    return -F.logsigmoid(beta * (chosen - match_ranks(chosen, rejected)))


def match_ranks(of: Tensor, values: Tensor) -> Tensor:
    """For each element the one of `values` that has the same rank; among equals, the earlier has the lower rank.

    Args:
        of: Shape (batch,).
        values: Shape (batch,).

    Returns:
        `values` rearranged, shape (batch,). NaN ranks highest.

    >>> match_ranks(torch.tensor([30.0, 10.0, 20.0]), torch.tensor([1.0, 2.0, 3.0]))
    tensor([3., 1., 2.])
    """
    ranks = of.argsort(dim=0, stable=True).argsort(dim=0)
    return values.sort(dim=0, stable=True).values.gather(0, ranks)
