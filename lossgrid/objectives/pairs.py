"""What every preference loss starts from: the log-ratio margin of a pair, or the log-ratios of its responses."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

_UPCASTS = ContextVar("upcasts", default=True)


def log_ratio_margin(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
) -> Tensor:
    r"""The margin ρ of the policy's log-ratio over the reference's.

    .. math:: \rho = (\log\pi_w - \log\pi_l) - (\log\pi^{ref}_w - \log\pi^{ref}_l)

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
    chosen, rejected, reference_chosen, reference_rejected = raise_precision(
        policy_chosen_logps=policy_chosen_logps,
        policy_rejected_logps=policy_rejected_logps,
        reference_chosen_logps=reference_chosen_logps,
        reference_rejected_logps=reference_rejected_logps,
    )
    return (chosen - rejected) - (reference_chosen - reference_rejected)


def log_ratios(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    reference_chosen_logps: Tensor,
    reference_rejected_logps: Tensor,
) -> tuple[Tensor, Tensor]:
    r"""The log-ratio of each response of a pair, :math:`\log\pi/\pi^{ref}`; their difference is the margin ρ.

    Args:
        policy_chosen_logps: Shape (batch,), nats.
        policy_rejected_logps: Shape (batch,), nats.
        reference_chosen_logps: Shape (batch,), nats.
        reference_rejected_logps: Shape (batch,), nats.

    Returns:
        Those of the chosen and of the rejected responses in nats, each of shape (batch,), float32 (float64
        where an input is float64).

    Raises:
        ValueError: Where the four shapes differ.

    >>> one = torch.ones(2)
    >>> log_ratios(3 * one, one, one, 2 * one)
    (tensor([2., 2.]), tensor([-1., -1.]))
    """
    chosen, rejected, reference_chosen, reference_rejected = raise_precision(
        policy_chosen_logps=policy_chosen_logps,
        policy_rejected_logps=policy_rejected_logps,
        reference_chosen_logps=reference_chosen_logps,
        reference_rejected_logps=reference_rejected_logps,
    )
    return chosen - reference_chosen, rejected - reference_rejected


def raise_precision(**logps: Tensor) -> list[Tensor]:
    """The tensors with half-precision ones raised to float32, in the order given.

    A sum of a hundred log-probabilities leaves bfloat16 a resolution of half a nat.

    Args:
        **logps: Log-probabilities by the name of their argument, each of shape (batch,).

    Raises:
        ValueError: Where the shapes differ (broadcasting would mix pairs).

    >>> raise_precision(chosen=torch.ones(1, dtype=torch.bfloat16))
    [tensor([1.])]
    """
    if len({tensor.shape for tensor in logps.values()}) > 1:
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in logps.items())
        raise ValueError(f"the log-probability tensors need one shape, one value a pair; got {shapes}")
    half = (torch.float16, torch.bfloat16) if _UPCASTS.get() else ()
    return [tensor.float() if tensor.dtype in half else tensor for tensor in logps.values()]


@contextmanager
def native_precision() -> Iterator[None]:
    """Within this context the losses compute in the precision of their inputs, as other implementations do.

    The audit shows with it where a formula overflows in half precision; no training runs in it.

    >>> half = torch.ones(1, dtype=torch.float16)
    >>> with native_precision():
    ...     log_ratio_margin(half, half, half, half).dtype
    torch.float16
    """
    token = _UPCASTS.set(False)
    try:
        yield
    finally:
        _UPCASTS.reset(token)
