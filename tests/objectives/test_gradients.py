"""Automatic gradients against finite differences and against each other, in float64."""

import pytest
import torch

from .cases import LOSSES


def four_tensors(margins):
    """Summed log-probabilities of realistic size with the margins wanted, each a leaf with a gradient."""
    rho = torch.tensor(margins, dtype=torch.float64)
    steps = torch.arange(len(margins), dtype=torch.float64)
    rejected, reference_chosen, reference_rejected = -12.0 - steps, -11.0 + steps, -13.0 - 2 * steps
    chosen = rho + rejected + reference_chosen - reference_rejected
    return [tensor.requires_grad_() for tensor in (chosen, rejected, reference_chosen, reference_rejected)]


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_agrees_with_finite_differences(name):
    """Training would follow another slope than the loss that is reported.

    All four tensors are varied. The hinge (β=0.5, kink at ρ=2) is tested at margins of at least 0.1 from its
    kink, where no gradient exists; a step of 1e-6 stays on its side.
    """
    margins = [-9.0, -1.5, 0.0, 0.4, 1.9, 2.1, 6.0]
    # Central differences with step 1e-6 err by 1e-12 times the third derivative (at most 1e3 here) plus
    # 1e-16/1e-6 of the value.
    assert torch.autograd.gradcheck(LOSSES[name], four_tensors(margins), eps=1e-6, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_the_four_tensors_differ_in_sign_alone(name):
    """The policy would be pushed unequally on chosen and rejected: ρ = (w − l) − (ref w − ref l)."""
    tensors = four_tensors([-9.0, -1.5, 0.0, 0.4, 6.0])
    chosen, rejected, reference_chosen, reference_rejected = torch.autograd.grad(
        LOSSES[name](*tensors).sum(), tensors
    )
    assert torch.count_nonzero(chosen[:4]) == 4  # every loss moves these pairs (the hinge rests at ρ=6)
    # Multiplications by ±1: exact.
    assert torch.equal(rejected, -chosen)
    assert torch.equal(reference_chosen, -chosen)
    assert torch.equal(reference_rejected, chosen)


def test_hinge_gradient_ends_at_its_kink():
    """Pairs past ρ=1/β would still be pushed, or pairs short of it not: slopes −β and 0, 1e-9 either side."""
    tensors = four_tensors([2 - 1e-9, 2 + 1e-9])
    (slope, *_) = torch.autograd.grad(LOSSES["hinge"](*tensors).sum(), tensors)
    assert slope.tolist() == [-0.5, 0.0]
