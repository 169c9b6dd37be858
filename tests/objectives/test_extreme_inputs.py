"""Accuracy in float32 over every margin that training can meet, against 50 digits of mpmath."""

import mpmath
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from mpmath import mpf

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.modulated import discopop_loss, dlrml_loss

from .cases import EVERY_CASE
from .log_probabilities import value_and_slope, value_and_slopes

LARGEST = torch.finfo(torch.float32).max
# What is lost to underflow may have had a factor of up to 100: z − log((1−ε)/ε) of EXO's σ(−89).
SMALLEST = 100 * torch.finfo(torch.float32).tiny

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


def softplus(x):
    return mpmath.log1p(mpmath.exp(x))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def clamped(x):
    return max(mpf(0), x)


# The terms of the loss of one pair, as functions of x = βr_w and y = βr_l, with margin z = x − y, and of ε. Where
# they cancel no float32 has a small relative error: a loss is as accurate as the sum of their magnitudes.
TERMS = {
    "dpo": [lambda x, y, eps: softplus(y - x)],
    "cdpo": [lambda x, y, eps: (1 - eps) * softplus(y - x), lambda x, y, eps: eps * softplus(x - y)],
    "robust_dpo": [lambda x, y, eps: softplus(y - x), lambda x, y, eps: eps / (1 - 2 * eps) * (y - x)],
    "exo": [
        lambda x, y, eps: -sigmoid(x - y) * (softplus(y - x) + mpmath.log(1 - eps)),
        lambda x, y, eps: -sigmoid(y - x) * (softplus(x - y) + mpmath.log(eps)),
    ],
    "exponential": [lambda x, y, eps: mpmath.exp(y - x)],
    "savage": [lambda x, y, eps: sigmoid(y - x) ** 2],
    "nca": [
        lambda x, y, eps: softplus(-x),
        lambda x, y, eps: softplus(x) / 2,
        lambda x, y, eps: softplus(y) / 2,
    ],
    "bco": [lambda x, y, eps: softplus(-x), lambda x, y, eps: softplus(y)],
    "apo_zero": [lambda x, y, eps: sigmoid(-x), lambda x, y, eps: sigmoid(y)],
    "apo_down": [lambda x, y, eps: sigmoid(x), lambda x, y, eps: sigmoid(y - x)],
    "kto": [
        lambda x, y, eps: sigmoid(clamped(y) - x) / 2,
        lambda x, y, eps: sigmoid(y - clamped(x)) / 2,
    ],
    "aot": [lambda x, y, eps: softplus(y - x)],
    "aot_unpaired": [lambda x, y, eps: softplus(y - x)],
}


@settings(max_examples=100)
@given(chosen=margins, rejected=margins, beta=betas, eps=st.floats(-4, -0.31).map(lambda power: 10.0**power))
@example(chosen=0.0, rejected=0.0, beta=0.1, eps=0.1)
@example(chosen=-1e4, rejected=1e4, beta=10.0, eps=0.1)
@example(chosen=1e4, rejected=-1e4, beta=10.0, eps=0.1)
@example(chosen=-50.0, rejected=30.0, beta=1.0, eps=1e-3)
@example(chosen=30.0, rejected=-50.0, beta=1.0, eps=1e-3)
@pytest.mark.parametrize("name", TERMS)
def test_smooth_losses_are_accurate(name, chosen, rejected, beta, eps):
    """A loss would lose well-learned pairs to underflow, badly ranked ones to a sigmoid rounded to 1.

    One pair, so that KTO's means and AOT's ranks are its own. The slopes by both log-ratios are compared too.
    """
    if name == "kto":
        assume(chosen != 0 and rejected != 0)  # its means have a kink there
    loss = CATALOGUE[name].load()
    smoothing = {"label_smoothing": eps} if "label_smoothing" in CATALOGUE[name].defaults() else {}
    computed = value_and_slopes(loss, [chosen], [rejected], torch.float32, beta=beta, **smoothing)
    with mpmath.workdps(50):
        for orders, result in zip(((0, 0), (1, 0), (0, 1)), computed, strict=True):
            terms = [
                mpmath.diff(
                    lambda win, lose, term=term: term(mpf(beta) * win, mpf(beta) * lose, mpf(eps)),
                    (mpf(chosen), mpf(rejected)),
                    orders,
                )
                for term in TERMS[name]
            ]
            if abs(sum(terms)) > LARGEST * (1 - ACCURACY):
                break  # an infinite loss has no gradient
            assert_accurate(result.item(), sum(terms), scale=sum(abs(term) for term in terms))


# The differences that a polynomial loss takes the power of: the difference itself, the sum of the magnitudes
# subtracted, and its slopes by the two log-ratios.
DIFFERENCES = {
    "hinge": lambda win, lose, beta: [
        (1 - beta * (win - lose), 1 + beta * (abs(win) + abs(lose)), -beta, beta),
    ],
    "squared": lambda win, lose, beta: [
        (beta * (win - lose) - 1, 1 + beta * (abs(win) + abs(lose)), beta, -beta),
    ],
    "ipo": lambda win, lose, beta: [
        (win - lose - 1 / (2 * beta), abs(win) + abs(lose) + 1 / (2 * beta), 1, -1),
    ],
    "sppo_hard": lambda win, lose, beta: [
        (win - 1 / (2 * beta), abs(win) + 1 / (2 * beta), 1, 0),
        (lose + 1 / (2 * beta), abs(lose) + 1 / (2 * beta), 0, 1),
    ],
}
DIFFERENCES |= {"truncated_quadratic": DIFFERENCES["hinge"], "ipo_averaged": DIFFERENCES["ipo"]}


@given(chosen=margins, rejected=margins, beta=betas)
@pytest.mark.parametrize("name", DIFFERENCES)
def test_polynomial_losses_are_accurate(name, chosen, rejected, beta):
    """IPO, SPPO or a hinge would drift at large margins.

    They subtract: the error is relative to the two numbers subtracted (and squared), not to their difference.
    """
    power = 1 if name == "hinge" else 2
    with mpmath.workdps(50):
        differences = DIFFERENCES[name](mpf(chosen), mpf(rejected), mpf(beta))
        if name in ("hinge", "truncated_quadratic"):
            differences = [(clamped(gap), *rest) for gap, *rest in differences]
        value, *slopes = value_and_slopes(
            CATALOGUE[name].load(), [chosen], [rejected], torch.float32, beta=beta
        )
        exact, scale = (sum(each[place] ** power for each in differences) for place in (0, 1))
        assert_accurate(value.item(), exact, scale)
        if name == "hinge":  # its slope is that of one side of the kink or the other
            return
        for place, slope in zip((2, 3), slopes, strict=True):
            exact = sum(2 * each[0] * each[place] for each in differences)
            scale = sum(2 * each[1] * abs(each[place]) for each in differences)
            assert_accurate(slope.item(), exact, scale)


FAR = (1e4, 1e10, 1e18, 1e30)
# What is truly beyond the largest float32, 3.4e38: an exponential (of DBAQL, half of it, where all margins are one),
# and the squares of more than 1.8e19.
OVERFLOWS = {
    **dict.fromkeys(("exponential", "cell", "dbaql"), lambda rho: rho < 0),
    **dict.fromkeys(("squared", "ipo", "ipo_averaged", "sppo_hard"), lambda rho: abs(rho) > 1e19),
    "truncated_quadratic": lambda rho: rho < -1e19,
}
# Those of their own test module (reference-free) and those that the published formula makes NaN (test_overflow.py).
FOUR_TENSORS = [case for case in EVERY_CASE.values() if not case.objective.reference_free]


@pytest.mark.parametrize(
    "case", [case for case in FOUR_TENSORS if case.keywords.get("evaluation") != "published"], ids=str
)
def test_no_finite_margin_gives_nan(case):
    """A run would die of the arithmetic where the loss itself is finite, or say NaN where it is infinite.

    Two pairs of one margin, up to a square root of the largest float32 and far beyond.
    """
    ratio = case.objective.get_mix_ratio({"tau": 1, **case.keywords}) if case.objective.modulation else None
    for rho in (sign * far for far in FAR for sign in (-1, 1)):
        loss, slope = value_and_slope(case, [rho, rho], torch.float32)
        assert not loss.isnan().any(), rho
        infinite = OVERFLOWS.get(case.objective.name, lambda rho: False)(rho)
        if ratio is not None and ratio < 1:  # an exponential tail
            infinite = rho < 0
        assert loss.isinf().all() == infinite, rho
        if not infinite:
            assert slope.isfinite().all(), rho


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
