"""The GPO family against values worked out by hand, and the identities that place it among other losses."""

from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.objectives.gpo import (
    exponential_loss,
    hinge_loss,
    savage_loss,
    squared_loss,
    truncated_quadratic_loss,
)
from lossgrid.objectives.ipo import ipo_loss

from .log_probabilities import value_and_slope, with_margin

# float64 carries 16 digits; the few operations of a loss lose at most some units in the last place.
EXACT = {"rtol": 1e-14, "atol": 1e-14}

margins = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8)
betas = st.floats(1e-3, 10)


@pytest.mark.parametrize(
    ("function", "z", "loss", "slope_in_z"),
    [
        (hinge_loss, 0.0, 1.0, -1.0),
        (hinge_loss, -1.5, 2.5, -1.0),
        (hinge_loss, 0.5, 0.5, -1.0),
        (hinge_loss, 2.0, 0.0, 0.0),
        (hinge_loss, -500.0, 501.0, -1.0),
        (exponential_loss, 0.0, 1.0, -1.0),
        (exponential_loss, log(4), 0.25, -0.25),
        (exponential_loss, -log(4), 4.0, -4.0),
        (exponential_loss, -50.0, exp(50), -exp(50)),
        (truncated_quadratic_loss, 0.0, 1.0, -2.0),
        (truncated_quadratic_loss, -1.5, 6.25, -5.0),
        (truncated_quadratic_loss, 0.5, 0.25, -1.0),
        (truncated_quadratic_loss, 2.0, 0.0, 0.0),
        (truncated_quadratic_loss, -9.0, 100.0, -20.0),
        (squared_loss, 0.0, 1.0, -2.0),
        (squared_loss, -1.5, 6.25, -5.0),
        (squared_loss, 1.0, 0.0, 0.0),
        (squared_loss, 2.0, 1.0, 2.0),
        (squared_loss, 11.0, 100.0, 20.0),
        (savage_loss, 0.0, 1 / 4, -1 / 4),
        (savage_loss, log(4), 1 / 25, -8 / 125),
        (savage_loss, -log(4), 16 / 25, -32 / 125),
        (savage_loss, -log(2), 4 / 9, -8 / 27),
        (savage_loss, -50.0, 1.0, -2 * exp(-50)),
    ],
)
@pytest.mark.parametrize("beta", [0.1, 0.5, 2.5])
def test_gpo_by_hand(function, z, loss, slope_in_z, beta):
    """A loss of the family would push pairs too hard, too long or not at all.

    Hinge max(0, 1−z), slope −1 below z=1 and 0 above: 1; 1+1.5; 1−0.5; 0; 1+500.
    Exponential e^−z, slope −e^−z: 1; 1/4; 4; e^50.
    Truncated quadratic max(0, 1−z)², slope −2·max(0, 1−z): 1; 2.5², −5; 0.5², −1; 0; 10², −20.
    Squared (z−1)², slope 2(z−1): 1, −2; 2.5², −5; 0; 1, 2 beyond z=1; 10², 20.
    Savage s², s = 1/(1+e^z), slope −2s²(1−s). z=0: 1/4, −2/4/2. e^z=4: s=1/5: 1/25, −2/25·4/5.
    e^z=1/4: s=4/5: 16/25, −2·16/25/5. e^z=1/2: s=2/3: 4/9, −8/9/3. z=−50: 1, −2e^−50.
    """
    value, slope = value_and_slope(function, [z / beta], beta=beta)
    # |z| = 50 in an exponential turns roundings of 1e-16 into 50·3·1e-16.
    torch.testing.assert_close(value.item(), loss, rtol=3e-14, atol=1e-14)
    torch.testing.assert_close(slope.item(), beta * slope_in_z, rtol=3e-14, atol=0)


@given(rho=margins, beta=betas)
def test_squared_is_a_multiple_of_ipo(rho, beta):
    """The catalogue would hold one loss under two names without saying so: squared(β) = β²·IPO(β/2).

    (βρ − 1)² = β²(ρ − 1/β)², and IPO of β/2 aims at 1/(2·β/2) = 1/β. The differences that are squared are of the
    order of |βρ| + 1 and rounded three times at 1e-16.
    """
    tensors = with_margin(rho)
    scale = (beta * tensors[0].abs() + 1) ** 2
    torch.testing.assert_close(
        squared_loss(*tensors, beta=beta) / scale,
        beta**2 * ipo_loss(*tensors, beta=beta / 2) / scale,
        rtol=0,
        atol=1e-14,
    )


@given(rho=margins, beta=betas)
def test_truncated_quadratic_is_the_squared_hinge(rho, beta):
    """The loss would start to rest at another margin than the hinge, or be the square of something else."""
    tensors = with_margin(rho)
    hinge = hinge_loss(*tensors, beta=beta)
    assert torch.equal(truncated_quadratic_loss(*tensors, beta=beta), hinge**2)
    below = beta * tensors[0] < 1
    assert torch.equal(
        truncated_quadratic_loss(*tensors, beta=beta)[below], squared_loss(*tensors, beta=beta)[below]
    )


def test_savage_alone_is_not_convex():
    """The documentation says where Savage stops to pull harder at worse pairs: z = −log 2, below which it rests.

    f = s², f″ = 2s²(1−s)(2−3s) with s = σ(−z): of the sign of 2−3s, which is 0 at s = 2/3, e^z = 1/2.
    """
    z = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    for function in (exponential_loss, hinge_loss, truncated_quadratic_loss, squared_loss):
        slopes = value_and_slope(function, z.tolist(), beta=1.0)[1]
        assert (slopes.diff() >= -1e-12).all(), function
    slopes = value_and_slope(savage_loss, z.tolist(), beta=1.0)[1]
    steepest = z[slopes.argmin()].item()
    assert steepest == pytest.approx(-log(2), abs=0.01)  # the step of the grid
    assert (slopes.diff()[z[1:] < -log(2)] < 0).all()
    assert (slopes.diff()[z[:-1] > -log(2)] > 0).all()


def test_hinge_gradient_ends_at_its_kink():
    """Pairs past ρ=1/β would still be pushed, or pairs short of it not: slopes −β and 0, 1e-9 either side."""
    _, slope = value_and_slope(hinge_loss, [2 - 1e-9, 2 + 1e-9], beta=0.5)
    assert slope.tolist() == [-0.5, 0.0]


def test_defaults_are_the_documented_ones():
    """A study that names no β would silently train with another one: at β=0.1 and ρ=3, z=0.3."""
    expected = {
        hinge_loss: 0.7,
        exponential_loss: exp(-0.3),
        truncated_quadratic_loss: 0.49,
        squared_loss: 0.49,
        savage_loss: (1 + exp(0.3)) ** -2,
    }
    for function, loss in expected.items():
        torch.testing.assert_close(value_and_slope(function, [3.0])[0].item(), loss, **EXACT)
