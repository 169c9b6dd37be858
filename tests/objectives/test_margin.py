"""The losses of the margin alone (DPO, IPO, hinge) against values worked out by hand."""

from math import log

import pytest
import torch

from lossgrid.objectives.gpo import hinge_loss
from lossgrid.objectives.ipo import ipo_loss
from lossgrid.objectives.logistic import dpo_loss
from lossgrid.objectives.pairs import log_ratio_margin

from .log_probabilities import value_and_slope

# float64 carries 16 digits; the few operations of a loss lose at most some units in the last place.
EXACT = {"rtol": 1e-14, "atol": 1e-14}


@pytest.mark.parametrize(
    ("z", "loss", "slope_in_z"),
    [
        (0.0, log(2), -1 / 2),
        (log(3), log(4 / 3), -1 / 4),
        (-log(3), log(4), -3 / 4),
        (log(99), log(100 / 99), -1 / 100),
        (-log(99), log(100), -99 / 100),
        (-1000.0, 1000.0, -1.0),
    ],
)
@pytest.mark.parametrize("beta", [0.05, 0.1, 2.5])
def test_dpo_by_hand(z, loss, slope_in_z, beta):
    """A wrong DPO value or gradient would make the baseline of every comparison another method.

    L = log(1+e^−z), dL/dρ = −β/(1+e^z), at margins z = βρ where e^z is a whole number:
    z=0: log 2, −β/2. e^z=3: log(1+1/3) = log 4/3, −β/4. e^z=1/3: log(1+3) = log 4, −β·3/4.
    e^z=99: log(100/99), −β/100. e^z=1/99: log 100, −β·99/100. z=−1000: e^−1000 is 0, so 1000, −β.
    """
    value, slope = value_and_slope(dpo_loss, [z / beta], beta=beta)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(slope.item(), beta * slope_in_z, **EXACT)


@pytest.mark.parametrize(
    ("beta", "rho", "loss", "slope"),
    [
        (0.25, 0.0, 4.0, -4.0),
        (0.25, 2.0, 0.0, 0.0),
        (0.25, 3.0, 1.0, 2.0),
        (0.25, -1.0, 9.0, -6.0),
        (0.1, -20.0, 625.0, -50.0),
        (2.5, 0.7, 0.25, 1.0),
    ],
)
def test_ipo_by_hand(beta, rho, loss, slope):
    """A wrong target margin or scale would train IPO towards another optimum.

    L = (ρ − 1/(2β))², dL/dρ = 2(ρ − 1/(2β)).
    β=0.25, target 2: ρ=0: (−2)²=4, −4. ρ=2: 0, 0. ρ=3: 1²=1, 2. ρ=−1: (−3)²=9, −6.
    β=0.1, target 5: ρ=−20: (−25)²=625, −50. β=2.5, target 0.2: ρ=0.7: 0.5²=0.25, 1.
    """
    value, derivative = value_and_slope(ipo_loss, [rho], beta=beta)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(derivative.item(), slope, **EXACT)


@pytest.mark.parametrize(
    ("beta", "rho", "loss", "slope"),
    [
        (0.5, 0.0, 1.0, -0.5),
        (0.5, -3.0, 2.5, -0.5),
        (0.5, 1.0, 0.5, -0.5),
        (0.5, 4.0, 0.0, 0.0),
        (0.1, -500.0, 51.0, -0.1),
        (2.5, 1.0, 0.0, 0.0),
    ],
)
def test_hinge_by_hand(beta, rho, loss, slope):
    """A hinge at another margin would stop pushing pairs too early or too late.

    L = max(0, 1−βρ), dL/dρ = −β below ρ=1/β and 0 above.
    β=0.5: ρ=0: 1−0=1. ρ=−3: 1+1.5=2.5. ρ=1: 1−0.5=0.5. ρ=4: 1−2<0, so 0.
    β=0.1: ρ=−500: 1+50=51. β=2.5: ρ=1: 1−2.5<0, so 0.
    """
    value, derivative = value_and_slope(hinge_loss, [rho], beta=beta)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(derivative.item(), slope, **EXACT)


def test_margin_by_hand():
    """A wrong sign of one of the four terms would reward what the data rejects.

    (−10 − −12) − (−11 − −11.5) = 2 − 0.5 = 1.5; (−300 − −280) − (−290 − −295) = −20 − 5 = −25.
    """
    rho = log_ratio_margin(
        torch.tensor([-10.0, -300.0]),
        torch.tensor([-12.0, -280.0]),
        torch.tensor([-11.0, -290.0]),
        torch.tensor([-11.5, -295.0]),
    )
    assert rho.tolist() == [1.5, -25.0]  # sums of halves: exact in float32


def test_defaults_are_the_documented_ones():
    """A study that names no β would silently train with another one than the documentation says.

    With β=0.1 at ρ=10 ln 3 DPO is log 4/3, at ρ=3 IPO is (3−5)² = 4, at ρ=3 the hinge is 1−0.3 = 0.7.
    """
    torch.testing.assert_close(value_and_slope(dpo_loss, [10 * log(3)])[0].item(), log(4 / 3), **EXACT)
    torch.testing.assert_close(value_and_slope(ipo_loss, [3.0])[0].item(), 4.0, **EXACT)
    torch.testing.assert_close(value_and_slope(hinge_loss, [3.0])[0].item(), 0.7, **EXACT)
