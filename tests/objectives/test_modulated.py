"""The modulated family (DiscoPOP, dLRML): values by hand and the identities between its members."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.objectives.modulated import discopop_loss, dlrml_loss

from .log_probabilities import value_and_slope, with_margin

EVALUATIONS = ("log_space", "published")
# float64 carries 16 digits; exp and log1p of arguments of order 1 lose a few units in the last place.
EXACT = {"rtol": 1e-13, "atol": 1e-13}

betas = st.floats(1e-3, 10)
taus = st.floats(0.01, 10)
margins = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8)


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("beta", [0.05, 1.0])
@pytest.mark.parametrize(
    ("tau", "z", "loss", "slope_in_z"),
    [
        (0.5, 0.0, (log(2) + 1) / 2, -3 / 4 + 2 * (1 - log(2)) / 4),
        (0.5, log(2), 0.2 * log(1.5) + 0.4, -0.2 / 3 - 0.4 + 0.32 * (0.5 - log(1.5))),
        (0.5, -log(2), 0.8 * log(3) + 0.4, -1.6 / 3 - 0.4 + 0.32 * (2 - log(3))),
        (0.25, log(2), log(1.5) / 17 + 8 / 17, -1 / 51 - 8 / 17 + 64 / 289 * (0.5 - log(1.5))),
        (0.25, -log(2), 16 * log(3) / 17 + 2 / 17, -32 / 51 - 2 / 17 + 64 / 289 * (2 - log(3))),
    ],
)
def test_discopop_by_hand(evaluation, beta, tau, z, loss, slope_in_z):
    """A wrong mix, sign or temperature would make DiscoPOP, the comparator of the study, another loss.

    L = (1−m)·log(1+e^−z) + m·e^−z, m = σ(z/τ);
    dL/dz = −(1−m)·σ(−z) − m·e^−z + m(1−m)/τ·(e^−z − log(1+e^−z)).
    z=0: m=1/2: (log 2 + 1)/2; −1/4 − 1/2 + (1 − log 2)/(4τ).
    τ=1/2, e^z=2: m = 4/(1+4) = 0.8, e^−z = 1/2, σ(−z) = 1/3:
        0.2·log 1.5 + 0.8/2 = 0.4811; −0.2/3 − 0.4 + 0.16·2·(0.5 − log 1.5) = −0.4364.
    τ=1/2, e^z=1/2: m=0.2, e^−z=2, σ(−z)=2/3: 0.8·log 3 + 0.4 = 1.2789;
        −0.8·2/3 − 0.4 + 0.16·2·(2 − log 3) = −0.6449.
    τ=1/4, e^z=2: m = 16/17: log(1.5)/17 + 8/17 = 0.4944; −1/51 − 8/17 + 4·16/289·(0.5 − log 1.5) = −0.4693.
    τ=1/4, e^z=1/2: m=1/17: 16·log(3)/17 + 2/17 = 1.1516; −32/51 − 2/17 + 4·16/289·(2 − log 3) = −0.5455.
    """
    value, slope = value_and_slope(discopop_loss, [z / beta], beta=beta, tau=tau, evaluation=evaluation)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(slope.item(), beta * slope_in_z, **EXACT)


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize(
    ("setting", "rho", "loss", "slope"),
    [
        ((1.0, 0.3, 0.1), log(2), log(1.5) / 9 + 4 / 9, -1 / 27 - 4 / 9 + 24 / 81 * (0.5 - log(1.5))),
        ((1.0, 0.3, 0.1), -log(2), 8 * log(3) / 9 + 2 / 9, -16 / 27 - 2 / 9 + 24 / 81 * (2 - log(3))),
        ((1.0, 0.5, 1.0), -log(4), 2 * log(5) / 3 + 4 / 3, -8 / 15 - 4 / 3 + (4 - log(5)) / 9),
        ((0.5, 0.5, 0.5), log(4), 0.2 * log(1.5) + 0.4, -0.1 / 3 - 0.2 + 0.16 * (0.5 - log(1.5))),
        ((0.05, 0.2, 0.05), 0.0, (log(2) + 1) / 2, -0.0375 + (1 - log(2))),
    ],
)
def test_dlrml_by_hand(evaluation, setting, rho, loss, slope):
    """A wrong role of β_kl, β_mix or τ would make every cell of the sweep a cell of another one.

    z = β_kl·ρ, m = σ(β_mix·ρ/τ);
    dL/dρ = β_kl·[−(1−m)·σ(−z) − m·e^−z] + β_mix/τ·m(1−m)·(e^−z − log(1+e^−z)).
    (1, 0.3, 0.1), mix slope 3: e^ρ=2: m = 8/9, e^−z = 1/2, σ(−z) = 1/3: log(1.5)/9 + 4/9 = 0.4895;
        −1/27 − 4/9 + 3·8/81·(0.5 − log 1.5) = −0.4535.
        e^ρ=1/2: m=1/9, e^−z=2, σ(−z)=2/3: 8·log(3)/9 + 2/9 = 1.1988;
        −16/27 − 2/9 + 3·8/81·(2 − log 3) = −0.5477.
    (1, 0.5, 1), mix slope 0.5: e^ρ=1/4: m = (1/2)/(3/2) = 1/3, e^−z=4, σ(−z)=4/5: 2·log(5)/3 + 4/3 = 2.4063;
        −(2/3)(4/5) − 4/3 + 0.5·(2/9)·(4 − log 5) = −1.6010.
    (0.5, 0.5, 0.5), mix slope 1: e^ρ=4: m=4/5, e^−z=1/2: 0.2·log 1.5 + 0.4;
        0.5·(−0.2/3 − 0.4) + 0.16·(0.5 − log 1.5).
    The default (0.05, 0.2, 0.05), mix slope 4, at ρ=0: m=1/2: (log 2 + 1)/2; 0.05·(−3/4) + 4/4·(1 − log 2).
    """
    beta_kl, beta_mix, tau = setting
    value, derivative = value_and_slope(
        dlrml_loss, [rho], beta_kl=beta_kl, beta_mix=beta_mix, tau=tau, evaluation=evaluation
    )
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(derivative.item(), slope, **EXACT)


@pytest.mark.parametrize(
    ("loss", "written_out"),
    [
        (discopop_loss, {"beta": 0.05, "tau": 0.05, "evaluation": "log_space"}),
        (dlrml_loss, {"beta_kl": 0.05, "beta_mix": 0.20, "tau": 0.05, "evaluation": "log_space"}),
    ],
)
def test_defaults_are_the_published_ones(loss, written_out):
    """A study that names no setting would train another cell than the paper's (compared bit for bit)."""
    tensors = with_margin([-3000.0, -7.0, -0.5, 0.0, 0.5, 7.0, 3000.0], torch.float32)
    assert torch.equal(loss(*tensors), loss(*tensors, **written_out))


@given(rho=margins, beta=betas, tau=taus, evaluation=st.sampled_from(EVALUATIONS))
def test_equal_betas_are_discopop_bit_for_bit(rho, beta, tau, evaluation):
    """The decoupled loss would not contain DiscoPOP, and the sweep would have no control on its diagonal."""
    tensors = with_margin(rho, torch.float32)
    decoupled = dlrml_loss(*tensors, beta_kl=beta, beta_mix=beta, tau=tau, evaluation=evaluation)
    discopop = discopop_loss(*tensors, beta=beta, tau=tau, evaluation=evaluation)
    # As integers, so that NaN (published, large negative margins) compares equal to NaN.
    assert torch.equal(decoupled.view(torch.int32), discopop.view(torch.int32))


@given(
    rho=st.lists(st.floats(-1000, 1000), min_size=1, max_size=8),
    beta_kl=st.floats(0.01, 0.5),
    beta_mix=st.floats(0.05, 0.5),
    tau=st.floats(0.02, 1),
    evaluation=st.sampled_from(EVALUATIONS),
)
def test_dlrml_is_discopop_of_another_temperature(rho, beta_kl, beta_mix, tau, evaluation):
    """β_mix and τ would be two degrees of freedom, and the grid's duplicates would not be duplicates.

    dLRML(β_kl, β_mix, τ) = DiscoPOP(β_kl, τ′ = τ·β_kl/β_mix), because z/τ′ = β_kl·ρ·β_mix/(τ·β_kl).
    Tolerance: |z| ≤ 500, and exponents near 500 turn the 4 roundings of the mix logit (500·4·1e-16) into
    2e-13 of the value; for r<1, mix logits up to 1000/0.02·0.5 saturate and carry no weight.
    """
    tensors = with_margin(rho)
    decoupled = dlrml_loss(*tensors, beta_kl=beta_kl, beta_mix=beta_mix, tau=tau, evaluation=evaluation)
    rescaled = discopop_loss(*tensors, beta=beta_kl, tau=tau * beta_kl / beta_mix, evaluation=evaluation)
    torch.testing.assert_close(decoupled, rescaled, rtol=1e-11, atol=1e-300)


@given(
    u=st.lists(st.floats(-300, 300), min_size=1, max_size=8),
    ratio=st.floats(0.1, 1000),
    scales=st.tuples(st.floats(0.01, 5), st.floats(0.01, 5)),
    taus=st.tuples(taus, taus),
)
def test_only_the_ratio_shapes_the_loss(u, ratio, scales, taus):
    """Two cells of one r = β_mix/(τβ_kl) would be different losses of u = β_kl·ρ, and r no axis of a figure.

    Tolerance: |u| ≤ 300 is rounded 3 times on its way, so an exponent is off by 300·3·1e-16 = 1e-13; the mix
    logit matters where it is below 700: 700·5·1e-16 = 4e-13.
    """
    values = []
    for beta_kl, tau in zip(scales, taus, strict=True):
        tensors = with_margin([each / beta_kl for each in u])
        values.append(dlrml_loss(*tensors, beta_kl=beta_kl, beta_mix=ratio * tau * beta_kl, tau=tau))
    torch.testing.assert_close(*values, rtol=1e-11, atol=1e-300)


@given(
    rho=st.lists(st.floats(-700, 700), min_size=1, max_size=8),
    beta_kl=st.floats(0.01, 1),
    beta_mix=st.floats(0.01, 1),
    tau=st.floats(0.02, 5),
)
def test_both_evaluations_are_one_function(rho, beta_kl, beta_mix, tau):
    """Switching the evaluation would change the loss also where the published formula does not overflow.

    |z| ≤ 700 keeps e^−z finite in float64. Tolerance: exponents up to 1e5 (beyond, the mix is saturated) are
    rounded at 1e-16, relative 1e-11; 1−σ(x) cancels to an absolute 1e-16 times a logistic part of at most
    700, absolute 1e-13.
    """
    tensors = with_margin(rho)
    setting = {"beta_kl": beta_kl, "beta_mix": beta_mix, "tau": tau}
    torch.testing.assert_close(
        dlrml_loss(*tensors, **setting, evaluation="log_space"),
        dlrml_loss(*tensors, **setting, evaluation="published"),
        rtol=1e-11,
        atol=1e-13,
    )


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("rho", [-6.0, -0.5, 0.0, 0.5, 6.0])
def test_gradient_of_a_learned_mix(evaluation, rho):
    """A trained β_mix would move the wrong way.

    dL/dβ_mix = (ρ/τ)·m(1−m)·(e^−z − log(1+e^−z)), and e^−z > log(1+e^−z): positive margins push β_mix down
    (the derivative is positive), negative ones up, none at ρ=0.
    """
    beta_kl, tau = 0.5, 0.25
    beta_mix = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    tensors = with_margin([rho])
    dlrml_loss(*tensors, beta_kl=beta_kl, beta_mix=beta_mix, tau=tau, evaluation=evaluation).sum().backward()
    exponential = torch.tensor(-beta_kl * rho, dtype=torch.float64).exp()
    mix = torch.tensor(0.3 * rho / tau, dtype=torch.float64).sigmoid()
    by_hand = rho / tau * mix * (1 - mix) * (exponential - exponential.log1p())
    torch.testing.assert_close(beta_mix.grad, by_hand, **EXACT)
    assert torch.sign(beta_mix.grad) == torch.sign(torch.tensor(rho))


@pytest.mark.parametrize("loss", [discopop_loss, dlrml_loss])
def test_unknown_evaluation_names_value_and_fix(loss):
    """A misspelt evaluation would train with whichever formula happens to be the fallback."""
    with pytest.raises(ValueError, match="'logspace' is unknown; use 'log_space' or 'published'"):
        loss(*with_margin([0.0]), evaluation="logspace")
