"""The four log-probability tensors that the tests feed to the losses."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def with_margin(rho: Sequence[float], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Four tensors whose log-ratio margin is ρ to the last bit: the policy's chosen carries it alone."""
    chosen = torch.tensor(rho, dtype=dtype)
    return [chosen] + [torch.zeros_like(chosen) for _ in range(3)]


def value_and_slope(
    loss: Callable[..., Tensor], rho: Sequence[float], dtype: torch.dtype = torch.float64, **setting
) -> tuple[Tensor, Tensor]:
    """The loss of each pair at margin ρ, and its derivative by ρ."""
    tensors = with_margin(rho, dtype)
    chosen = tensors[0].requires_grad_()
    value = loss(*tensors, **setting)
    # Pairs are independent (test_invariants.py), so the gradient of the sum holds each pair's own slope.
    (slope,) = torch.autograd.grad(value.sum(), chosen)
    return value.detach(), slope
