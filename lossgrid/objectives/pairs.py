"""What every preference loss starts from: the log-ratio margin of a pair."""

import torch
from torch import Tensor


def log_ratio_margin(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
) -> Tensor:
    r"""The margin ρ of the policy's log-ratio over the reference's.

    .. math:: \rho = (\log\pi_w - \log\pi_l) - (\log\pi^{ref}_w - \log\pi^{ref}_l)

    Half-precision inputs are raised to float32 first, because a sum of a hundred log-probabilities leaves
    bfloat16 a resolution of half a nat.

    Args:
        policy_chosen_logps: Shape (batch,). Log-probability of the chosen response in nats, summed over its
            tokens, under the policy.
        policy_rejected_logps: Shape (batch,). The same for the rejected response.
        reference_chosen_logps: Shape (batch,). The same for the chosen response under the frozen reference.
        reference_rejected_logps: Shape (batch,). The same for the rejected response.

    Returns:
        ρ in nats, shape (batch,), float32 (float64 where an input is float64).

    Raises:
        ValueError: Where the four shapes differ (broadcasting would mix pairs).

    Reference: Rafailov et al. 2023, arXiv:2305.18290, Eq. 7.

    >>> one = torch.ones(2)
    >>> log_ratio_margin(3 * one, one, one, one)
    tensor([2., 2.])
    """
    logps = {
        "policy_chosen_logps": policy_chosen_logps,
        "policy_rejected_logps": policy_rejected_logps,
        "reference_chosen_logps": reference_chosen_logps,
        "reference_rejected_logps": reference_rejected_logps,
    }
    if len({tensor.shape for tensor in logps.values()}) > 1:
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in logps.items())
        raise ValueError(f"the four log-probability tensors need one shape, one value a pair; got {shapes}")
    chosen, rejected, reference_chosen, reference_rejected = (
        tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
        for tensor in logps.values()
    )
    return (chosen - rejected) - (reference_chosen - reference_rejected)
