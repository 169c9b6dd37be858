"""The shape of the modulated family in u = β_kl·ρ: slope at the start, trap, tail.

The documentation, the audit of a study and the figures state these numbers; here they are measured on the
loss itself, in float64.
"""

from functools import partial
from math import log

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, minimize_scalar

from lossgrid.objectives.modulated import discopop_loss, dlrml_loss

from .log_probabilities import value_and_slope


def of_ratio(ratio: float):
    """The loss of ratio r with β_kl=1, so that ρ=u."""
    return partial(dlrml_loss, beta_kl=1.0, beta_mix=ratio, tau=1.0)


def value(u: float, ratio: float) -> float:
    return value_and_slope(of_ratio(ratio), [u])[0].item()


def slope(u: float, ratio: float) -> float:
    return value_and_slope(of_ratio(ratio), [u])[1].item()


def steepest_rise(ratio: float) -> float:
    """The largest slope anywhere in u; above 0 the loss has a trap."""
    u = np.linspace(-0.5, 0.3, 801)
    slopes = value_and_slope(of_ratio(ratio), u)[1]
    at = int(slopes.argmax())
    found = minimize_scalar(
        lambda each: -slope(each, ratio),
        bounds=(u[max(at - 1, 0)], u[min(at + 1, len(u) - 1)]),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return -found.fun


@pytest.mark.parametrize("ratio", [0.08, 1.0, 2.0, 9.109, 9.777, 20.0, 80.0, 1000.0])
def test_slope_at_the_start_of_training(ratio):
    """The audit's verdict on the first step of training would be wrong.

    dL/du at u=0 with m=1/2, e^0=1, log(1+e^0)=log 2, σ(0)=1/2: −1/2·1/2 − 1/2 + r/4·(1 − log 2).
    """
    # One evaluation in float64: a few units of 1e-16 times r/4.
    torch.testing.assert_close(slope(0.0, ratio), -3 / 4 + ratio * (1 - log(2)) / 4, rtol=1e-13, atol=1e-14)


def test_slope_at_the_start_changes_sign_at_9_777():
    """Studies would be warned of the wrong start at another r than where it begins: r = 3/(1−log 2)."""
    crossing = brentq(lambda ratio: slope(0.0, ratio), 5, 15, xtol=1e-9)
    assert round(crossing, 3) == 9.777
    assert slope(0.0, 9.776) < 0 < slope(0.0, 9.777)


def test_published_discopop_starts_in_the_wrong_direction():
    """The statement that DiscoPOP first lowers the margin (slope +0.784 in z) would be false."""
    beta = 0.05
    start = value_and_slope(discopop_loss, [0.0], beta=beta, tau=0.05)[1].item() / beta
    assert round(start, 3) == 0.784


def test_default_dlrml_starts_in_the_wrong_direction():
    """The statement that (0.05, 0.20, 0.05) first lowers the margin (slope +5.39 in z) would be false."""
    start = value_and_slope(dlrml_loss, [0.0])[1].item() / 0.05
    assert round(start, 2) == 5.39


def test_temperature_where_discopop_turns_right():
    """DiscoPOP's docstring names τ = 0.1023 (1/9.777) as the temperature below which the start is wrong."""
    crossing = brentq(
        lambda tau: value_and_slope(discopop_loss, [0.0], beta=1.0, tau=tau)[1].item(), 0.05, 0.5
    )
    assert round(crossing, 4) == 0.1023


def test_loss_is_monotone_up_to_9_109():
    """The safe wedge of r would be drawn at the wrong border: some "safe" cells would have a trap."""
    border = brentq(steepest_rise, 8.5, 10, xtol=1e-7)
    assert round(border, 3) == 9.109


@pytest.mark.parametrize("ratio", [0.1, 1.0, 2.0, 5.0, 8.0, 9.0, 9.109])
def test_no_rise_anywhere_within_the_wedge(ratio):
    """A second trap away from u=0 would make the monotone threshold meaningless."""
    u = np.concatenate([np.linspace(-60, -3, 2000), np.linspace(-3, 3, 12001), np.linspace(3, 60, 2000)])
    slopes = value_and_slope(of_ratio(ratio), u)[1]
    assert slopes.max() < 0


def test_local_minimum_with_a_right_start():
    """Between 9.109 and 9.777 the start is right but a local minimum waits left of it; r=9.4 lies between."""
    assert slope(0.0, 9.4) < 0
    assert steepest_rise(9.4) > 0


@pytest.mark.parametrize(
    ("ratio", "minimum", "maximum"),
    [
        (20.0, (-0.1186, 0.7859), (0.0720, 0.8783)),
        (80.0, (-0.0486, 0.7244), (0.0389, 0.9496)),
    ],
)
def test_trap_of_the_published_settings(ratio, minimum, maximum):
    """The trap that the audit draws for DiscoPOP (r=20) and the default dLRML (r=80) would be elsewhere."""
    inside = minimize_scalar(
        value, bounds=(-0.4, 0), args=(ratio,), method="bounded", options={"xatol": 1e-10}
    )
    outside = minimize_scalar(
        lambda u: -value(u, ratio), bounds=(0, 0.4), method="bounded", options={"xatol": 1e-10}
    )
    assert (round(inside.x, 4), round(inside.fun, 4)) == minimum
    assert (round(outside.x, 4), round(-outside.fun, 4)) == maximum


def test_trap_of_the_default_in_nats():
    """The default's trap would be reported at other margins than ρ = −0.97 and +0.78 nats."""
    found = [
        brentq(lambda rho: value_and_slope(dlrml_loss, [rho])[1].item(), *bracket)
        for bracket in ((-2, -0.3), (0.3, 2))
    ]
    assert [round(rho, 2) for rho in found] == [-0.97, 0.78]


@pytest.mark.parametrize("ratio", [2.0, 20.0])
def test_left_tail_above_one_is_dpo(ratio):
    """For r>1 very wrong pairs would pull with more than DPO's bounded force.

    The exponential part is exp((r−1)u) → 0: at u=−50 exp(−50) or less, so L = log(1+e^50) = 50, slope −1.
    """
    loss, derivative = value_and_slope(of_ratio(ratio), [-50.0])
    # What is left of both parts is of order 50·e^−50, far below the 1e-14 of float64 at 50.
    torch.testing.assert_close(loss.item(), 50.0, rtol=1e-14, atol=0)
    torch.testing.assert_close(derivative.item(), -1.0, rtol=1e-14, atol=0)


def test_left_tail_at_one_is_dpo_plus_one():
    """At r=1, the border of the safe wedge, the exponential part would not tend to exp(0) = 1."""
    loss, derivative = value_and_slope(of_ratio(1.0), [-50.0])
    torch.testing.assert_close(loss.item(), 51.0, rtol=1e-14, atol=0)
    torch.testing.assert_close(derivative.item(), -1.0, rtol=1e-14, atol=0)


@pytest.mark.parametrize("ratio", [0.08, 0.5, 0.9])
def test_left_tail_below_one_explodes(ratio):
    """The one error of the audit, r<1, would be raised for a loss whose gradient is bounded.

    At u=−400: L ≈ e^(400(1−r)) + 400, slope ≈ −(1−r)·e^(400(1−r)) − 1.
    """
    loss, derivative = value_and_slope(of_ratio(ratio), [-400.0])
    explosion = np.exp(400 * (1 - ratio))
    # e^(400·0.1) = 2e17 beside 400; m = e^(−400r) differs from σ by a relative e^(−400·0.08) = 1e-14.
    torch.testing.assert_close(loss.item(), explosion + 400, rtol=1e-12, atol=0)
    torch.testing.assert_close(derivative.item(), -(1 - ratio) * explosion - 1, rtol=1e-12, atol=0)


def test_ratios_of_the_sweep_are_never_below_one():
    """The sweep β_kl ∈ [0.01, 0.5] × β_mix ∈ [0.05, 0.5] would hold cells of exponential tail.

    r runs from 0.05/(0.05·0.5) = 2 to 0.5/(0.05·0.01) = 1000: the slope at ρ = −100/β_kl stays −β_kl.
    """
    for beta_kl in (0.01, 0.5):
        for beta_mix in (0.05, 0.5):
            _, derivative = value_and_slope(dlrml_loss, [-100 / beta_kl], beta_kl=beta_kl, beta_mix=beta_mix)
            # 100·e^−100 is what is left of the mix: beyond float64.
            torch.testing.assert_close(derivative.item(), -beta_kl, rtol=1e-13, atol=0)
