"""IPO: a squared distance of the margin from its target."""

from torch import Tensor

from lossgrid.objectives.pairs import log_ratio_margin


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


def ipo_averaged_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
    beta: float = 0.1,
) -> Tensor:
    r"""IPO of log-probabilities averaged over response tokens.

    .. math:: L = \left(\bar\rho - \frac{1}{2\beta}\right)^2,\quad \bar\rho = \frac{\rho_w}{n_w} - \frac{\rho_l}{n_l}

    with ρ_w and ρ_l the log-ratios of the two responses and n_w and n_l their numbers of tokens. The function is
    that of `ipo_loss`; the caller divides the policy's and the reference's sums by the response's tokens.

    Args:
        policy_chosen_logps: Shape (batch,), nats a token, averaged over response tokens.
        policy_rejected_logps: Shape (batch,), nats a token, averaged.
        reference_chosen_logps: Shape (batch,), nats a token, averaged.
        reference_rejected_logps: Shape (batch,), nats a token, averaged.
        beta: The paper's τ in tokens a nat, above 0; the margin aimed at is 1/(2β) nats a token.

    Returns:
        One loss a pair in (nats a token)², shape (batch,), float32 or float64.

    Raises:
        ValueError: Where the shapes differ.

    Limits: 1/(4β²) at ρ̄=0; zero at ρ̄=1/(2β), growing again beyond it. A target of 5 nats a token (β=0.1) is beyond
    what a policy reaches: the loss is then nearly linear, of slope −1/β.
    Reference: Azar et al. 2023, arXiv:2310.12036, Eq. 17, with the average that TRL's ``loss_type="ipo"`` takes.

    >>> zero = torch.zeros(1)
    >>> ipo_averaged_loss(zero, zero, zero, zero, beta=0.25)
    tensor([4.])
    """
    return ipo_loss(
        policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps, beta
    )
