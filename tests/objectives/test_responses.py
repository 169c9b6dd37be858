"""Losses that weigh each response by its own log-ratio, against values worked out by hand."""

from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.objectives.logistic import dpo_loss
from lossgrid.objectives.responses import apo_down_loss, apo_zero_loss, bco_loss, nca_loss, sppo_hard_loss

from .log_probabilities import value_and_slopes, with_log_ratios

# float64 carries 16 digits; the few operations of a loss lose at most some units in the last place.
EXACT = {"rtol": 1e-14, "atol": 1e-14}

ratios = st.floats(-1e4, 1e4)


@pytest.mark.parametrize(
    ("function", "chosen", "rejected", "loss", "slopes"),
    [
        (nca_loss, 0.0, 0.0, 2 * log(2), (-1 / 4, 1 / 4)),
        (nca_loss, log(2), -log(3), log(1.5) + log(3) / 2 + log(4 / 3) / 2, (0.0, 1 / 8)),
        (nca_loss, -log(3), log(3), log(4) + log(4 / 3) / 2 + log(4) / 2, (-5 / 8, 3 / 8)),
        (nca_loss, 1000.0, 1000.0, 1000.0, (1 / 2, 1 / 2)),
        (nca_loss, -1000.0, -1000.0, 1000.0, (-1.0, 0.0)),
        (bco_loss, 0.0, 0.0, 2 * log(2), (-1 / 2, 1 / 2)),
        (bco_loss, log(3), log(4), log(4 / 3) + log(5), (-1 / 4, 4 / 5)),
        (bco_loss, -log(3), -log(4), log(4) + log(5 / 4), (-3 / 4, 1 / 5)),
        (bco_loss, -1000.0, 1000.0, 2000.0, (-1.0, 1.0)),
        (apo_zero_loss, 0.0, 0.0, 1.0, (-1 / 4, 1 / 4)),
        (apo_zero_loss, log(3), -log(4), 1 / 4 + 1 / 5, (-3 / 16, 4 / 25)),
        (apo_zero_loss, -log(3), log(4), 3 / 4 + 4 / 5, (-3 / 16, 4 / 25)),
        (apo_down_loss, 0.0, 0.0, 1.0, (0.0, 1 / 4)),
        (apo_down_loss, log(3), log(3) - log(4), 3 / 4 + 1 / 5, (3 / 16 - 4 / 25, 4 / 25)),
        (apo_down_loss, -log(3), -log(3) + log(4), 1 / 4 + 4 / 5, (3 / 16 - 4 / 25, 4 / 25)),
    ],
)
@pytest.mark.parametrize("beta", [0.1, 1.0, 2.5])
def test_responses_by_hand(function, chosen, rejected, loss, slopes, beta):
    """A wrong sign or weight of one response would push what the data prefers down, or the other one up.

    At x = βr_w, y = βr_l with e^x, e^y whole numbers or their inverses; s(x) = 1/(1+e^−x).
    NCA: log(1+e^−x) + ½log(1+e^x) + ½log(1+e^y); slopes −s(−x) + ½s(x) and ½s(y).
        0: 2·log 2; −1/2 + 1/4, 1/4. e^x=2, its optimum: log 3/2 + ½log 3; −1/3 + ½·2/3; e^y=1/3: ½log 4/3; ½/4.
        e^x=1/3: log 4 + ½log 4/3; −3/4 + 1/8; e^y=3: ½log 4; ½·3/4. ±1000: 500 + 500 and 1000, the linear parts.
    BCO: log(1+e^−x) + log(1+e^y); −s(−x) and s(y). e^x=3, e^y=4: log 4/3 + log 5; −1/4, 4/5; then inverted.
    APO-zero: s(−x) + s(y); −s(x)s(−x) and s(y)s(−y). e^x=3, e^y=1/4: 1/4 + 1/5; −3/16, 4/25; then inverted.
    APO-down, d = x − y: s(x) + s(−d); s(x)s(−x) − s(d)s(−d) and s(d)s(−d). 0: ½ + ½; ¼ − ¼, ¼.
        e^x=3, e^d=4: 3/4 + 1/5; 3/16 − 4/25, 4/25; then inverted.
    """
    value, *computed = value_and_slopes(function, [chosen / beta], [rejected / beta], beta=beta)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close([each.item() for each in computed], [beta * each for each in slopes], **EXACT)


@pytest.mark.parametrize(
    ("chosen", "rejected", "loss", "slopes"),
    [
        (0.0, 0.0, 8.0, (-4.0, 4.0)),
        (2.0, -2.0, 0.0, (0.0, 0.0)),
        (3.0, -2.0, 1.0, (2.0, 0.0)),
        (-1.0, 1.0, 18.0, (-6.0, 6.0)),
        (1000.0, -500.0, 998.0**2 + 498.0**2, (1996.0, -996.0)),
    ],
)
def test_sppo_by_hand(chosen, rejected, loss, slopes):
    """The targets of winner and loser exchanged, or scaled by β instead of 1/β, would be another equilibrium.

    β=1/4: L = (r_w − 2)² + (r_l + 2)², slopes 2(r_w − 2), 2(r_l + 2). (0, 0): 4 + 4; −4, 4. (2, −2): 0.
    (3, −2): 1; 2, 0. (−1, 1): 9 + 9; −6, 6. (1000, −500): 998² + 498²; 1996, −996. Whole numbers: exact.
    """
    value, *computed = value_and_slopes(sppo_hard_loss, [chosen], [rejected], beta=0.25)
    assert value.item() == loss
    assert tuple(each.item() for each in computed) == slopes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_saturated_responses_keep_their_gradient(dtype):
    """Responses far on the wrong side would be given up for the arithmetic's sake: σ(50) is 1 in any format.

    β=1. APO-zero at r_w=−50, r_l=50: 1 + 1, slopes −e^−50 and e^−50. APO-down at r_w=50, r_l=120: σ(50) of slope
    e^−50, and 1−σ(−70) of slopes ∓e^−70. |x| = 50 rounded at 6e-8 is 3e-6 of e^−50, 70 is 4e-6.
    """
    value, *slopes = value_and_slopes(apo_zero_loss, [-50.0], [50.0], dtype, beta=1.0)
    assert value.item() == 2.0
    assert [each.item() for each in slopes] == pytest.approx([-exp(-50), exp(-50)], rel=1e-5)
    value, *slopes = value_and_slopes(apo_down_loss, [50.0], [120.0], dtype, beta=1.0)
    assert value.item() == 2.0
    assert [each.item() for each in slopes] == pytest.approx([exp(-50) - exp(-70), exp(-70)], rel=1e-5)


@given(pairs=st.lists(st.tuples(ratios, ratios), min_size=1, max_size=8), beta=st.floats(1e-3, 10))
def test_bco_is_never_below_dpo(pairs, beta):
    """BCO would not be the upper bound of DPO that its paper builds on.

    (1+e^−x)(1+e^y) ≥ 1+e^(y−x). The three logarithms are rounded at 1e-16 of up to 2e5.
    """
    tensors = with_log_ratios(*zip(*pairs, strict=True))
    excess = bco_loss(*tensors, beta=beta) - dpo_loss(*tensors, beta=beta)
    assert (excess >= -1e-9).all()


def test_defaults_are_the_documented_ones():
    """A study that names no β would silently train with another one, tenfold or hundredfold.

    β=0.01, e^x=3 and e^y=4 for NCA and BCO, β=0.1 for APO; SPPO at β=0.001 aims at ±500: (400−500)² + (500−400)².
    """
    for function, beta, loss in (
        (nca_loss, 0.01, log(4 / 3) + log(4) / 2 + log(5) / 2),
        (bco_loss, 0.01, log(4 / 3) + log(5)),
        (apo_zero_loss, 0.1, 1 / 4 + 4 / 5),
        (apo_down_loss, 0.1, 3 / 4 + 1 / (1 + 3 / 4)),
    ):
        tensors = with_log_ratios([log(3) / beta], [log(4) / beta])
        torch.testing.assert_close(function(*tensors).item(), loss, **EXACT)
    assert sppo_hard_loss(*with_log_ratios([400.0], [-400.0])).item() == 20000.0
