"""What a loss of pairs may depend on: each pair on itself, and on the margin alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from .cases import LOSSES
from .log_probabilities import with_margin

# Summed log-probabilities of responses of up to a thousand tokens.
logps = st.floats(-2000, 0)
pairs = st.lists(st.tuples(logps, logps, logps, logps), min_size=1, max_size=8)


def every_loss(test):
    """Run a property for each case: 50 draws of up to 8 pairs."""
    return pytest.mark.parametrize("name", LOSSES)(settings(max_examples=50)(test))


def columns(rows) -> list[torch.Tensor]:
    """One tensor per log-probability, from one row per pair."""
    return list(torch.tensor(rows, dtype=torch.float64).reshape(-1, 4).unbind(1))


@every_loss
@given(rows=pairs, shuffle=st.randoms(use_true_random=False))
def test_permuting_the_batch_permutes_the_losses(name, rows, shuffle):
    """A pair's loss would depend on its place in the batch, and so on the data order."""
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    shuffled = LOSSES[name](*columns([rows[each] for each in order]))
    # Vectorised and remainder kernels may round the last bit differently: a few units of 1e-16, grown by the
    # exponents (|z| ≤ 2000) of the exponential tail to 1e-12.
    torch.testing.assert_close(
        shuffled, LOSSES[name](*columns(rows))[order], rtol=1e-11, atol=0, equal_nan=True
    )


@every_loss
@given(rows=pairs)
def test_each_loss_is_that_of_its_pair_alone(name, rows):
    """The micro-batch would change the result, and gradient accumulation with it; masking a pair out would
    not be the same as leaving it out.
    """
    together = LOSSES[name](*columns(rows))
    alone = torch.cat([LOSSES[name](*columns([row])) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-11, atol=0, equal_nan=True)  # as above


@every_loss
@given(rows=st.lists(st.tuples(logps, logps, logps, logps), min_size=2, max_size=8), data=st.data())
def test_masked_pair_is_a_removed_pair(name, rows, data):
    """A pair of weight 0 would still move the parameters, or move the losses of the others."""
    masked = data.draw(st.integers(0, len(rows) - 1))
    weights = torch.ones(len(rows), dtype=torch.float64)
    weights[masked] = 0
    # 0·NaN is NaN: divided by 20, |z| ≤ 100 keeps the published formula finite in float64.
    tensors = [tensor.div(20).requires_grad_() for tensor in columns(rows)]
    kept = [tensor.detach()[weights > 0].requires_grad_() for tensor in tensors]
    gradients = torch.autograd.grad((weights * LOSSES[name](*tensors)).sum(), tensors)
    expected = torch.autograd.grad(LOSSES[name](*kept).sum(), kept)
    for gradient, of_kept in zip(gradients, expected, strict=True):
        assert gradient[masked] == 0
        torch.testing.assert_close(gradient[weights > 0], of_kept, rtol=1e-11, atol=1e-300)  # as above


@every_loss
@given(rows=pairs, shift=st.floats(-2000, 2000), response=st.sampled_from([0, 1]))
def test_shift_of_policy_and_reference_alike_changes_nothing(name, rows, shift, response):
    """The loss would reward a response for being likely, not for being likelier than under the reference.

    The same amount is added to policy and reference, of the chosen (0) or of the rejected (1) response.
    """
    # Multiples of 2^-20 below 2^13 add without rounding in float64: the margin is the same to the last bit.
    rows = [[round(each * 2**20) / 2**20 for each in row] for row in rows]
    shift = round(shift * 2**20) / 2**20
    moved = columns(rows)
    before = LOSSES[name](*moved)
    moved[response] = moved[response] + shift
    moved[response + 2] = moved[response + 2] + shift
    after = LOSSES[name](*moved)
    torch.testing.assert_close(after, before, rtol=0, atol=0, equal_nan=True)


@every_loss
@given(rows=pairs)
def test_loss_depends_on_the_margin_alone(name, rows):
    """Two pairs of one margin would have two losses, and no curve over ρ would describe training."""
    chosen, rejected, reference_chosen, reference_rejected = columns(rows)
    rho = (chosen - rejected) - (reference_chosen - reference_rejected)
    at_margin = LOSSES[name](*with_margin(rho.tolist()))
    torch.testing.assert_close(at_margin, LOSSES[name](*columns(rows)), rtol=0, atol=0, equal_nan=True)


@every_loss
@given(rows=pairs)
def test_swapping_chosen_and_rejected_negates_the_margin(name, rows):
    """A pair entered the wrong way round would not be the pair of the opposite margin."""
    chosen, rejected, reference_chosen, reference_rejected = columns(rows)
    rho = (chosen - rejected) - (reference_chosen - reference_rejected)
    swapped = LOSSES[name](rejected, chosen, reference_rejected, reference_chosen)
    # Negation is exact.
    torch.testing.assert_close(
        swapped, LOSSES[name](*with_margin((-rho).tolist())), rtol=0, atol=0, equal_nan=True
    )


@every_loss
@given(rho=st.lists(st.floats(-100, 100), min_size=1, max_size=8), broken=st.integers(0, 3), data=st.data())
def test_nan_stays_in_its_pair(name, rho, broken, data):
    """One broken pair would hide itself, or break the losses and gradients of the others."""
    at = data.draw(st.integers(0, len(rho) - 1))
    whole = with_margin(rho)
    tensors = [tensor.clone() for tensor in whole]
    tensors[broken][at] = float("nan")
    for tensor in (*whole, *tensors):
        tensor.requires_grad_()
    loss, sound = LOSSES[name](*tensors), LOSSES[name](*whole)
    slopes = torch.autograd.grad(loss.sum(), tensors)
    sound_slopes = torch.autograd.grad(sound.sum(), whole)
    others = torch.arange(len(rho)) != at
    assert loss[at].isnan()
    torch.testing.assert_close(loss[others], sound[others], rtol=0, atol=0)
    for slope, sound_slope in zip(slopes, sound_slopes, strict=True):
        torch.testing.assert_close(slope[others], sound_slope[others], rtol=0, atol=0)


@every_loss
@given(rho=st.lists(st.floats(-50, 50), min_size=2, max_size=8, unique=True))
def test_no_loss_is_negative(name, rho):
    """A negative loss would mean that a term has the wrong sign: all five are sums of positive parts."""
    assert (LOSSES[name](*with_margin(rho)) >= 0).all()
