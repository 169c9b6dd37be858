"""Losses of the policy's own log-probabilities: no reference model is needed.

SimPO and ORPO take log-probabilities averaged over response tokens, CPO and SLiC-HF sum them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lossgrid.objectives.pairs import raise_precision


def simpo_loss(
    policy_chosen_logps: Tensor, policy_rejected_logps: Tensor, beta: float = 2.0, gamma: float = 1.0
) -> Tensor:
    r"""Simple preference optimisation: the logistic loss of the averaged log-probabilities, less a margin.

    .. math:: L = \mathrm{softplus}\left(-(\beta\,(\bar\ell_w - \bar\ell_l) - \gamma)\right)

    Args:
        policy_chosen_logps: Shape (batch,), nats per token, averaged over response tokens.
        policy_rejected_logps: Shape (batch,), nats per token, averaged.
        beta: Scale of the implicit reward in tokens/nat, above 0.
        gamma: Margin wanted between the two rewards, above 0, no unit. The authors' code takes γ/β instead.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: log(1 + e^γ) where both responses are equally likely; linear of slope −β below.
    Reference: Meng et al. 2024, arXiv:2405.14734, Eq. 6.

    >>> mean = torch.tensor([-1.0])
    >>> simpo_loss(mean, mean)
    tensor([1.3133])
    """
    chosen, rejected = raise_precision(
        policy_chosen_logps=policy_chosen_logps, policy_rejected_logps=policy_rejected_logps
    )
    return -F.logsigmoid(beta * (chosen - rejected) - gamma)


def orpo_loss(policy_chosen_logps: Tensor, policy_rejected_logps: Tensor, odds_weight: float = 0.1) -> Tensor:
    r"""Odds ratio preference optimisation: likelihood, and the odds of the chosen over the rejected response.

    .. math:: L = -\bar\ell_w + \lambda\,\mathrm{softplus}\left(-\log\frac{o_w}{o_l}\right),\quad
              o = \frac{e^{\bar\ell}}{1 - e^{\bar\ell}}

    Args:
        policy_chosen_logps: Shape (batch,), nats per token, averaged over response tokens, at most 0.
        policy_rejected_logps: Shape (batch,), nats per token, averaged, at most 0.
        odds_weight: λ, weight of the odds ratio, above 0, no unit.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: −ℓ̄ + λ·log 2 where both responses are equally likely; 0 where the chosen response is certain
    (ℓ̄_w = 0); infinite where the rejected one is, and NaN where both are.
    Reference: Hong et al. 2024, arXiv:2403.07691, Eq. 4, 6 and 7.

    >>> mean = torch.tensor([-1.0])
    >>> orpo_loss(mean, mean)
    tensor([1.0693])
    """
    chosen, rejected = raise_precision(
        policy_chosen_logps=policy_chosen_logps, policy_rejected_logps=policy_rejected_logps
    )
    # log(1 − e^ℓ̄) has no finite slope at 0. There 1/o_w = e^(−ℓ̄) − 1 enters as it is, elsewhere it overflows.
    is_likely = chosen > -1
    # Each form sees its own pairs alone: a NaN slope of the form not taken would pass torch.where.
    likely, unlikely = torch.where(is_likely, chosen, -1.0), torch.where(is_likely, -2.0, chosen)
    rejected_log_odds = rejected - torch.log(-torch.expm1(rejected))
    odds_ratio = torch.where(
        is_likely,
        torch.log1p(torch.expm1(-likely) * torch.exp(rejected_log_odds)),
        F.softplus(rejected_log_odds - unlikely + torch.log1p(-torch.exp(unlikely))),
    )
    return -chosen + odds_weight * odds_ratio


def cpo_loss(
    policy_chosen_logps: Tensor, policy_rejected_logps: Tensor, beta: float = 0.1, nll_weight: float = 1.0
) -> Tensor:
    r"""Contrastive preference optimisation: DPO under a uniform reference, and a likelihood.

    .. math:: L = \mathrm{softplus}\left(-\beta\,(\ell_w - \ell_l)\right) - \lambda\,\ell_w

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        beta: Scale of the margin in 1/nat, above 0.
        nll_weight: λ, weight of the negative log-likelihood in 1/nat, above 0.

    Returns:
        One loss a pair, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: log 2 − λℓ where both responses are equally likely; the second term grows with the length.
    Reference: Xu et al. 2024, arXiv:2401.08417, Eq. 3 and the objective built on it.

    >>> total = torch.tensor([-10.0])
    >>> cpo_loss(total, total)
    tensor([10.6931])
    """
    chosen, rejected = raise_precision(
        policy_chosen_logps=policy_chosen_logps, policy_rejected_logps=policy_rejected_logps
    )
    return -F.logsigmoid(beta * (chosen - rejected)) - nll_weight * chosen


def slic_hf_loss(
    policy_chosen_logps: Tensor, policy_rejected_logps: Tensor, margin: float = 1.0, nll_weight: float = 0.1
) -> Tensor:
    r"""Sequence likelihood calibration (SLiC-HF): a hinge, and the likelihood of the chosen response.

    .. math:: L = \max(0,\, \delta - \ell_w + \ell_l) - \lambda\,\ell_w

    Args:
        policy_chosen_logps: Shape (batch,), nats, summed over response tokens.
        policy_rejected_logps: Shape (batch,), nats, summed.
        margin: δ, margin from which on a pair's order counts as learned, in nats, above 0.
        nll_weight: λ, weight of the negative log-likelihood, above 0, no unit.

    Returns:
        One loss a pair in nats, shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: δ − λℓ where both responses are equally likely; from ℓ_w = ℓ_l + δ on the likelihood term alone.
    Reference: Zhao et al. 2023, arXiv:2305.10425, Sec. 2, with the chosen response as the one to keep likely.

    >>> total = torch.tensor([-10.0])
    >>> slic_hf_loss(total, total)
    tensor([2.])
    """
    chosen, rejected = raise_precision(
        policy_chosen_logps=policy_chosen_logps, policy_rejected_logps=policy_rejected_logps
    )
    return torch.relu(margin - chosen + rejected) - nll_weight * chosen
