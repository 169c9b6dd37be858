"""The four log-probability tensors that the tests feed to the losses."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Averages over tokens are this much smaller than sums; a power of two, so that dividing rounds nothing.
TOKENS = 128


def with_margin(rho: Sequence[float], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Four tensors whose log-ratio margin is ρ to the last bit: the policy's chosen carries it alone."""
    chosen = torch.tensor(rho, dtype=dtype)
    return [chosen] + [torch.zeros_like(chosen) for _ in range(3)]


def with_log_ratios(
    chosen: Sequence[float], rejected: Sequence[float], dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    """Four tensors whose log-ratios are the numbers given to the last bit: the reference is 0."""
    policy = [torch.tensor(each, dtype=dtype) for each in (chosen, rejected)]
    return policy + [torch.zeros_like(each) for each in policy]


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


def value_and_slopes(
    loss: Callable[..., Tensor],
    chosen: Sequence[float],
    rejected: Sequence[float],
    dtype: torch.dtype = torch.float64,
    **setting,
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of each pair at these log-ratios, and the derivatives of the sum of losses by either."""
    tensors = with_log_ratios(chosen, rejected, dtype)
    of_policy = [each.requires_grad_() for each in tensors[:2]]
    value = loss(*tensors, **setting)
    return value.detach(), *torch.autograd.grad(value.sum(), of_policy)
