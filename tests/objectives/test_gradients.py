"""Automatic gradients against finite differences and against each other, in float64."""

import pytest
import torch

from .cases import BEYOND_THE_LOG_RATIOS, BEYOND_THE_MARGIN, CASES, EVERY_CASE
from .log_probabilities import TOKENS

# Those of log-ratios that are not of the margin; AOT has a test of its own.
OF_LOG_RATIOS = BEYOND_THE_MARGIN - BEYOND_THE_LOG_RATIOS - {"aot"}


def four_tensors(case, margins):
    """Log-probabilities of realistic size with the margins wanted, each a leaf with a gradient."""
    rho = torch.tensor(margins, dtype=torch.float64)
    steps = torch.arange(len(margins), dtype=torch.float64)
    rejected, reference_chosen, reference_rejected = -12.0 - steps, -41.0 + steps, -13.0 - 2.1 * steps
    chosen = rho + rejected + reference_chosen - reference_rejected
    scale = TOKENS if case.objective.length_normalised else 1
    tensors = (chosen, rejected, reference_chosen, reference_rejected)
    return [tensor.div(scale).requires_grad_() for tensor in tensors[: len(case.objective.arguments)]]


@pytest.mark.parametrize("case", EVERY_CASE.values(), ids=EVERY_CASE)
def test_gradient_agrees_with_finite_differences(case):
    """Training would follow another slope than the loss that is reported.

    All tensors are varied. Kinks (a hinge at 1, a rank, a mean of 0) and jumps, where no gradient exists, are
    further than a step of 1e-6 from every number here.
    """
    margins = [1.91, -9.0, 6.0, 0.013, -1.5, 2.13, 0.4]
    # Central differences with step 1e-6 err by 1e-12 times the third derivative (at most 1e4 here: a mix of slope
    # 20 in ρ) plus 1e-16/1e-6 of the value, which for SPPO's squares of 2500 nats is 6e6·1e-10.
    scale = max(1, case(*four_tensors(case, margins)).abs().max().item())
    assert torch.autograd.gradcheck(
        case, four_tensors(case, margins), eps=1e-6, atol=1e-7 + 1e-9 * scale, rtol=1e-7
    )


@pytest.mark.parametrize("name", [name for name in CASES if name not in BEYOND_THE_MARGIN])
def test_gradients_of_the_four_tensors_differ_in_sign_alone(name):
    """The policy would be pushed unequally on chosen and rejected: ρ = (w − l) − (ref w − ref l)."""
    for case in CASES[name]:
        tensors = four_tensors(case, [0.4, -9.0, -1.5, 0.013, 200.0])
        chosen, rejected, reference_chosen, reference_rejected = torch.autograd.grad(
            case(*tensors).sum(), tensors
        )
        assert torch.count_nonzero(chosen[:4]) == 4  # every loss moves these pairs (the hinge rests at ρ=200)
        # Multiplications by ±1: exact.
        assert torch.equal(rejected, -chosen)
        assert torch.equal(reference_chosen, -chosen)
        assert torch.equal(reference_rejected, chosen)


@pytest.mark.parametrize("name", sorted(OF_LOG_RATIOS))
def test_gradients_of_policy_and_reference_differ_in_sign_alone(name):
    """A response would be pushed by its likelihood, not by its log-ratio; here each has a push of its own."""
    for case in CASES[name]:
        tensors = four_tensors(case, [0.4, -9.0, 6.0, 0.013, -1.5])
        chosen, rejected, reference_chosen, reference_rejected = torch.autograd.grad(
            case(*tensors).sum(), tensors
        )
        assert not torch.allclose(chosen, -rejected)
        assert torch.equal(reference_chosen, -chosen)
        assert torch.equal(reference_rejected, -rejected)


def test_the_gradient_of_aot_is_shared_out_within_the_batch():
    """AOT would push the policy by more or less than it holds the reference: each loss has one margin of each.

    The pair's own policy margin takes its loss's slope; the reference's slopes are those of the same ranks.
    """
    for case in CASES["aot"]:
        tensors = four_tensors(case, [0.4, -9.0, 6.0, 0.013, -1.5])
        chosen, rejected, reference_chosen, reference_rejected = torch.autograd.grad(
            case(*tensors).sum(), tensors
        )
        assert torch.equal(rejected, -chosen)
        assert torch.equal(reference_rejected, -reference_chosen)
        order = (tensors[0] - tensors[1]).argsort()
        reference_order = (tensors[2] - tensors[3]).argsort()
        assert not torch.equal(order, reference_order)
        assert torch.equal(reference_chosen[reference_order], -chosen[order])
