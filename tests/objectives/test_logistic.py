"""DPO and its kin against values worked out by hand, and the identities between them."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.objectives.logistic import cdpo_loss, dpo_loss, exo_loss, robust_dpo_loss

from .log_probabilities import value_and_slope, with_margin

# float64 carries 16 digits; the few operations of a loss lose at most some units in the last place.
EXACT = {"rtol": 1e-14, "atol": 1e-14}

margins = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8)
smoothings = st.floats(1e-4, 0.4999)


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
    ("smoothing", "z", "loss", "slope_in_z"),
    [
        (0.1, 0.0, log(2), -0.4),
        (0.1, log(3), 0.9 * log(4 / 3) + 0.1 * log(4), -0.15),
        (0.1, -log(3), 0.9 * log(4) + 0.1 * log(4 / 3), -0.65),
        (0.25, log(3), 0.75 * log(4 / 3) + 0.25 * log(4), 0.0),
        (0.25, 1000.0, 250.0, 0.25),
        (0.25, -1000.0, 750.0, -0.75),
    ],
)
@pytest.mark.parametrize("beta", [0.05, 2.5])
def test_conservative_dpo_by_hand(smoothing, z, loss, slope_in_z, beta):
    """Smoothing the wrong label, or none, would let the margin grow without end, or shrink.

    L = (1−ε)·log(1+e^−z) + ε·log(1+e^z); dL/dz = −(1−ε)/(1+e^z) + ε/(1+e^−z).
    z=0: log 2; −0.45 + 0.05. e^z=3, ε=0.1: 0.9·log 4/3 + 0.1·log 4; −0.9/4 + 0.1·3/4 = −0.15.
    e^z=1/3: 0.9·log 4 + 0.1·log 4/3; −0.9·3/4 + 0.1/4 = −0.65.
    ε=1/4, e^z=3 = (1−ε)/ε, the optimum: the entropy of (3/4, 1/4); −0.75/4 + 0.25·3/4 = 0.
    z=±1000: ε·1000 of slope ε, and (1−ε)·1000 of slope −(1−ε).
    """
    value, slope = value_and_slope(cdpo_loss, [z / beta], beta=beta, label_smoothing=smoothing)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(slope.item(), beta * slope_in_z, **EXACT)


@pytest.mark.parametrize(
    ("smoothing", "z", "loss", "slope_in_z"),
    [
        (0.1, 0.0, log(2), -0.625),
        (0.1, log(3), (0.9 * log(4 / 3) - 0.1 * log(4)) / 0.8, -0.375),
        (0.25, log(3), 1.5 * log(4 / 3) - 0.5 * log(4), -0.75),
        (0.25, -log(3), 1.5 * log(4) - 0.5 * log(4 / 3), -1.25),
        (0.25, 1000.0, -500.0, -0.5),
        (0.25, -1000.0, 1500.0, -1.5),
    ],
)
@pytest.mark.parametrize("beta", [0.05, 2.5])
def test_robust_dpo_by_hand(smoothing, z, loss, slope_in_z, beta):
    """A wrong correction would train on labels more, or less, noisy than the study says.

    L = [(1−ε)·log(1+e^−z) − ε·log(1+e^z)]/(1−2ε); dL/dz = −[(1−ε)/(1+e^z) + ε/(1+e^−z)]/(1−2ε).
    z=0: log 2·(1−2ε)/(1−2ε); −(1/2)/0.8. ε=0.1, e^z=3: −(0.9/4 + 0.1·3/4)/0.8 = −0.375.
    ε=1/4, over 1/2: e^z=3: −2·(0.75/4 + 0.25·3/4) = −0.75; e^z=1/3: −2·(0.75·3/4 + 0.25/4) = −1.25.
    z=1000: −0.25·1000/0.5 = −500, below 0, slope −0.25/0.5; z=−1000: 0.75·1000/0.5, −0.75/0.5.
    """
    value, slope = value_and_slope(robust_dpo_loss, [z / beta], beta=beta, label_smoothing=smoothing)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(slope.item(), beta * slope_in_z, **EXACT)


@pytest.mark.parametrize(
    ("smoothing", "z", "loss", "slope_in_z"),
    [
        (0.1, 0.0, 0.5 * log(5 / 9) + 0.5 * log(5), -log(9) / 4),
        (0.1, log(3), 0.75 * log(7.5 / 9) + 0.25 * log(2.5), -3 / 16 * log(3)),
        (0.1, -log(3), 0.25 * log(2.5 / 9) + 0.75 * log(7.5), -3 / 16 * log(27)),
        (0.1, log(9), 0.0, 0.0),
        (0.25, log(9), 0.9 * log(1.2) + 0.1 * log(0.4), 0.09 * log(3)),
        (0.25, 1000.0, log(4 / 3), 0.0),
        (0.25, -1000.0, log(4), 0.0),
    ],
)
@pytest.mark.parametrize("beta", [0.05, 2.5])
def test_exo_by_hand(smoothing, z, loss, slope_in_z, beta):
    """The divergence taken the other way round would be conservative DPO under another name.

    With q = σ(z): L = q·log(q/(1−ε)) + (1−q)·log((1−q)/ε); dL/dz = q(1−q)·(z − log((1−ε)/ε)).
    ε=0.1, log 9 in the slope. z=0: ½·log(0.5/0.9) + ½·log(0.5/0.1); −log(9)/4.
    q=3/4: 0.75·log(0.75/0.9) + 0.25·log(0.25/0.1); 3/16·(log 3 − log 9).
    q=1/4: 0.25·log(0.25/0.9) + 0.75·log(0.75/0.1); 3/16·(−log 3 − log 9). q=0.9, the label's own: 0, 0.
    ε=1/4, q=0.9: 0.9·log(0.9/0.75) + 0.1·log(0.1/0.25); 0.09·(log 9 − log 3).
    z=±1000: −log(1−ε) = log 4/3 and −log ε = log 4, both flat.
    """
    value, slope = value_and_slope(exo_loss, [z / beta], beta=beta, label_smoothing=smoothing)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(slope.item(), beta * slope_in_z, **EXACT)


@given(rho=margins, smoothing=smoothings)
def test_robust_dpo_is_dpo_in_the_mean_over_flipped_labels(rho, smoothing):
    """The loss would not be what makes it robust: with labels flipped at rate ε its mean is DPO's on true ones.

    (1−ε)·L(z) + ε·L(−z) = log(1+e^−z). For ε near ½ both are larger than DPO by 1/(1−2ε), up to 5000: their
    roundings of 1e-16 are compared with that.
    """
    setting = {"beta": 0.1, "label_smoothing": smoothing}
    tensors, flipped = with_margin(rho), with_margin([-each for each in rho])
    mean = (1 - smoothing) * robust_dpo_loss(*tensors, **setting) + smoothing * robust_dpo_loss(
        *flipped, **setting
    )
    scale = (1 + tensors[0].abs()) / (1 - 2 * smoothing)
    torch.testing.assert_close(mean / scale, dpo_loss(*tensors, beta=0.1) / scale, rtol=0, atol=1e-14)


@given(rho=margins, smoothing=smoothings)
def test_smoothing_is_dpo_and_a_linear_term(rho, smoothing):
    """The audit's slopes far from 0 would be wrong: cDPO is DPO + εz, robust DPO is DPO − εz/(1−2ε)."""
    tensors = with_margin(rho)
    setting = {"beta": 0.1, "label_smoothing": smoothing}
    dpo, z = dpo_loss(*tensors, beta=0.1), 0.1 * tensors[0]
    # Sums of terms of 1000 and, for ε near ½, 5e6: compared with the terms, four roundings of 1e-16.
    atol = 1e-15 * (1 + z.abs().max().item()) / (1 - 2 * smoothing)
    torch.testing.assert_close(cdpo_loss(*tensors, **setting), dpo + smoothing * z, rtol=1e-15, atol=atol)
    expected = dpo - smoothing / (1 - 2 * smoothing) * z
    torch.testing.assert_close(robust_dpo_loss(*tensors, **setting), expected, rtol=1e-15, atol=atol)


def test_exo_has_one_slope_where_its_two_forms_meet():
    """Training starts at ρ=0, where the code passes from one way of writing the loss to another.

    dL/dz = ¼·(0 − log((1−ε)/ε)) on both sides and between; 1e-9 to either side it changes by 1e-9 at most.
    """
    _, slopes = value_and_slope(exo_loss, [-1e-9, 0.0, 1e-9], beta=1.0, label_smoothing=0.001)
    torch.testing.assert_close(slopes, torch.full((3,), -log(999) / 4).double(), rtol=0, atol=1e-6)
    assert slopes[1].item() == pytest.approx(-log(999) / 4, rel=1e-14)


def test_defaults_are_the_documented_ones():
    """A study that names no β or ε would silently train with another one than the documentation says.

    β=0.1 at ρ = 10 ln 3, that is e^z=3, and ρ = 10 ln 9: DPO log 4/3; with ε=0.1 cDPO and robust DPO as above; EXO
    at ε=0.001 0.9·log(0.9/0.999) + 0.1·log(0.1/0.001).
    """
    at = {
        loss: value_and_slope(loss, [10 * log(3)])[0].item()
        for loss in (dpo_loss, cdpo_loss, robust_dpo_loss)
    }
    torch.testing.assert_close(at[dpo_loss], log(4 / 3), **EXACT)
    torch.testing.assert_close(at[cdpo_loss], 0.9 * log(4 / 3) + 0.1 * log(4), **EXACT)
    torch.testing.assert_close(at[robust_dpo_loss], (0.9 * log(4 / 3) - 0.1 * log(4)) / 0.8, **EXACT)
    exo = value_and_slope(exo_loss, [10 * log(9)])[0].item()
    torch.testing.assert_close(exo, 0.9 * log(0.9 / 0.999) + 0.1 * log(100), **EXACT)
