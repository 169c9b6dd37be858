"""Accuracy in float32 over every margin that training can meet, against 50 digits of mpmath."""

import mpmath
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mpmath import mpf

from lossgrid.objectives.gpo import hinge_loss
from lossgrid.objectives.ipo import ipo_loss
from lossgrid.objectives.logistic import dpo_loss
from lossgrid.objectives.modulated import discopop_loss, dlrml_loss

from .log_probabilities import value_and_slope

LARGEST = torch.finfo(torch.float32).max
SMALLEST = torch.finfo(torch.float32).tiny

# A representable loss has exponents |x| ≤ 88.8 (103 where it is subnormal). Each of at most six float32
# operations on the way to an exponent rounds by 6e-8, so the exponential is off by 88.8·6·6e-8 = 3.2e-5.
ACCURACY = 1e-4

margins = st.one_of(
    st.floats(-1e4, 1e4, width=32),
    st.floats(-100, 100, width=32),
    st.floats(-1, 1, width=32),
)
betas = st.floats(-3, 1).map(lambda power: 10.0**power)
ratios = st.one_of(st.floats(-1, 3).map(lambda power: 10.0**power), st.floats(0.95, 1.05))


def exactly(rho, beta_kl, beta_mix, tau):
    """Loss, slope in ρ and the sum of the magnitudes of the slope's terms, in 50 digits."""
    with mpmath.workdps(50):
        rho, beta_kl, beta_mix, tau = (mpf(each) for each in (rho, beta_kl, beta_mix, tau))
        z, mix_slope = beta_kl * rho, beta_mix / tau
        mix = 1 / (1 + mpmath.exp(-mix_slope * rho))
        rest = 1 / (1 + mpmath.exp(mix_slope * rho))
        logistic = mpmath.log1p(mpmath.exp(-z))
        product = mix * mpmath.exp(-z)
        terms = (
            -rest * beta_kl / (1 + mpmath.exp(z)),
            (mix_slope * rest - beta_kl) * product,
            -mix_slope * mix * rest * logistic,
        )
        return rest * logistic + product, sum(terms), sum(abs(term) for term in terms)


def assert_accurate(computed: float, exact: mpf, scale: mpf):
    """Within ACCURACY of the scale where that is a normal float32, infinite only next to the largest one."""
    if abs(exact) > LARGEST * (1 - ACCURACY):
        return
    assert computed == pytest.approx(float(exact), rel=0, abs=ACCURACY * float(scale) + SMALLEST)


@settings(max_examples=1000)
@given(rho=margins, beta_kl=betas, ratio=ratios, tau=st.sampled_from([0.01, 0.05, 0.1, 1.0]))
@example(rho=0.0, beta_kl=0.05, ratio=80.0, tau=0.05)
@example(rho=-1e4, beta_kl=10.0, ratio=0.9995, tau=0.05)
@example(rho=-8777.0, beta_kl=10.0, ratio=0.9995, tau=0.05)
@example(rho=-1723.0, beta_kl=10.0, ratio=0.998, tau=0.05)
@example(rho=-98.0, beta_kl=1.0, ratio=0.1, tau=1.0)
@example(rho=1e4, beta_kl=0.008, ratio=0.1, tau=1.0)
def test_modulated_loss_is_accurate_wherever_it_is_representable(rho, beta_kl, ratio, tau):
    """High β would fail for the arithmetic's sake, and the study would blame the loss for it.

    The loss is compared relative to itself, the slope relative to the sum of its terms' magnitudes (where
    they cancel, at an extremum, no float32 slope has a small relative error).
    """
    beta_mix = ratio * tau * beta_kl
    loss, slope, slope_terms = exactly(rho, beta_kl, beta_mix, tau)
    computed, derivative = value_and_slope(
        dlrml_loss, [rho], torch.float32, beta_kl=beta_kl, beta_mix=beta_mix, tau=tau
    )
    assert_accurate(computed.item(), loss, scale=loss)
    if loss < LARGEST * (1 - ACCURACY):  # an infinite loss has no gradient
        assert_accurate(derivative.item(), slope, scale=slope_terms)


@settings(max_examples=500)
@given(rho=margins, beta=betas, tau=st.floats(-2, 0).map(lambda power: 10.0**power))
def test_discopop_is_accurate_wherever_it_is_representable(rho, beta, tau):
    """DiscoPOP at β=2.5 and 5, where the papers' formula fails, would not be trainable here either."""
    loss, slope, slope_terms = exactly(rho, beta, beta, tau)
    computed, derivative = value_and_slope(discopop_loss, [rho], torch.float32, beta=beta, tau=tau)
    assert_accurate(computed.item(), loss, scale=loss)
    assert_accurate(derivative.item(), slope, scale=slope_terms)


@given(rho=margins, beta=betas)
def test_dpo_is_accurate(rho, beta):
    """DPO would lose well-learned pairs to underflow, or badly ranked ones to overflow."""
    computed, derivative = value_and_slope(dpo_loss, [rho], torch.float32, beta=beta)
    with mpmath.workdps(50):
        z = mpf(beta) * mpf(rho)
        loss = mpmath.log1p(mpmath.exp(-z))
        slope = -mpf(beta) / (1 + mpmath.exp(z))
    assert_accurate(computed.item(), loss, scale=loss)
    assert_accurate(derivative.item(), slope, scale=abs(slope))


@given(rho=margins, beta=betas)
def test_ipo_and_hinge_are_accurate(rho, beta):
    """IPO or the hinge would drift at large margins.

    Both subtract: the error is relative to the two numbers subtracted (and squared), not to their difference.
    """
    rho_exact, beta_exact = mpf(rho), mpf(beta)
    z = beta_exact * rho_exact
    gap = rho_exact - 1 / (2 * beta_exact)
    span = abs(rho_exact) + 1 / (2 * beta_exact)
    computed, derivative = value_and_slope(ipo_loss, [rho], torch.float32, beta=beta)
    assert_accurate(computed.item(), gap**2, scale=span**2)
    assert_accurate(derivative.item(), 2 * gap, scale=2 * span)
    computed, _ = value_and_slope(hinge_loss, [rho], torch.float32, beta=beta)
    assert_accurate(computed.item(), max(mpf(0), 1 - z), scale=1 + abs(z))


def test_the_grid_of_the_published_imdb_runs_is_finite_and_right():
    """Whether DiscoPOP itself fails at β=2.5 and 5 could not be asked: the formula would fail first.

    At τ=0.05 (r=20) and ρ from −1000 to −20 the loss is log(1+e^−z) = −βρ to all digits of float32.
    """
    rho = torch.linspace(-1000, -20, 50)
    for beta in (1.0, 2.5, 5.0):
        loss, slope = value_and_slope(discopop_loss, rho.tolist(), torch.float32, beta=beta)
        # e^(19·(−20)) and smaller is left of the mix: two roundings of float32 remain.
        torch.testing.assert_close(loss, -beta * rho, rtol=3e-7, atol=0)
        torch.testing.assert_close(slope, torch.full_like(slope, -beta), rtol=3e-7, atol=0)
