"""Each difference between our losses and the installed TRL's that the catalogue names.

Whoever compares runs of the two would otherwise compare two losses under one name.
"""

from math import exp, log, log1p

import pytest
import torch
from hypothesis import given, settings

from lossgrid.objectives.ipo import ipo_loss
from lossgrid.objectives.logistic import cdpo_loss, dpo_loss
from lossgrid.objectives.modulated import discopop_loss
from lossgrid.objectives.responses import apo_down_loss, apo_zero_loss, bco_loss

from .log_probabilities import with_log_ratios, with_margin
from .trl_stand_in import assert_same_bits, assert_within, betas, four_logps, of_pair, smoothings


def test_trl_ipo_averages_over_tokens_where_ours_sums(trl_loss):
    """IPO results would be compared with TRL's under one name though they are two losses.

    Chosen 4 tokens, log-ratio +2; rejected 2 tokens, log-ratio −1; β=0.25, target 1/(2β) = 2.
    Ours, summed: ρ = 2 − (−1) = 3, (3−2)² = 1. TRL's, averaged: 2/4 − (−1/2) = 1, (1−2)² = 1 again; so also
    β=0.5, target 1: ours (3−1)² = 4, TRL's (1−1)² = 0.
    """
    pair = of_pair([-10.0, -9.0, -12.0, -8.0])
    for beta, ours, theirs in ((0.25, 1.0, 1.0), (0.5, 4.0, 0.0)):
        assert ipo_loss(*pair, beta=beta).item() == ours
        assert trl_loss("ipo", pair, beta, lengths=(4, 2)).item() == theirs


@settings(max_examples=60)
@given(logps=four_logps, beta=betas, eps=smoothings)
def test_trl_has_no_conservative_dpo_but_in_aot(trl_loss, logps, beta, eps):
    """The catalogue says that TRL's `sigmoid` ignores `label_smoothing`: someone comparing runs would look there.

    AOT of one pair is DPO, and TRL smooths its label: conservative DPO. The loss is the same bit for bit; the
    gradient multiplies by β before or after adding its two terms.
    """
    plain, smoothed = of_pair(logps), of_pair(logps)
    assert_same_bits(
        dpo_loss(*plain, beta=beta), trl_loss("sigmoid", smoothed, beta, label_smoothing=eps), plain, smoothed
    )
    ours, theirs = of_pair(logps), of_pair(logps)
    assert_within(
        0,
        1e-6 * beta,
        cdpo_loss(*ours, beta=beta, label_smoothing=eps),
        trl_loss("aot", theirs, beta, label_smoothing=eps),
        ours,
        theirs,
    )


def test_trl_apo_gives_up_responses_that_are_far_too_likely(trl_loss):
    """The catalogue says that TRL's APO has no gradient where βr > 17: ours would not be worth its difference.

    β=1. APO-zero at r_l=20, a rejected response that is far too likely: σ(20) is 1 in float32, of slope 0 for TRL and
    e^−20 for us. APO-down at r_w=20, r_l=60: the chosen's slope is e^−20 − e^−40 and pushes it down; TRL has lost the
    first part, and pushes it up.
    """
    for loss_type, loss, logps, place, trl_slope in (
        ("apo_zero", apo_zero_loss, [0.0, 20.0, 0.0, 0.0], 1, 0.0),
        ("apo_down", apo_down_loss, [20.0, 60.0, 0.0, 0.0], 0, -exp(-40)),
    ):
        ours, theirs = of_pair(logps), of_pair(logps)
        (expected,) = torch.autograd.grad(trl_loss(loss_type, theirs, 1.0), theirs[place])
        (found,) = torch.autograd.grad(loss(*ours, beta=1.0), ours[place])
        # |x| of 20 and 40 rounded at 6e-8.
        torch.testing.assert_close(found.item(), exp(-20), rtol=1e-5, atol=0)
        torch.testing.assert_close(expected.item(), trl_slope, rtol=1e-5, atol=0)


def test_trl_bco_subtracts_no_running_mean(trl_loss):
    """The catalogue says that TRL 1.16 has δ = 0: its BCO would not be ours, but the DiscoPOP code's.

    β=1, r_w = log 3, r_l = log 2: log 4/3 + log 3. With δ = log √6, the mean reward of this pair, it would be
    log(1+√6/3) + log(1+2/√6), 0.035 less.
    """
    ours = bco_loss(*with_log_ratios([log(3)], [log(2)]), beta=1.0).item()
    theirs = trl_loss("bco_pair", with_log_ratios([log(3)], [log(2)]), 1.0).item()
    assert ours == theirs == pytest.approx(log(4 / 3) + log(3), rel=1e-14)
    assert abs(theirs - log1p(6**0.5 / 3) - log1p(2 / 6**0.5)) > 0.01


def test_trl_has_no_kto_of_pairs(trl_loss):
    """The catalogue says that TRL's DPOTrainer has `kto_pair` no longer: there is nothing to be compared with."""
    with pytest.raises(ValueError, match="Unknown loss type: kto_pair"):
        trl_loss("kto_pair", with_margin([1.0]), 0.1)


@pytest.mark.parametrize(
    ("dtype", "inside", "outside"),
    [
        (torch.float16, -11.0859375, -11.09375),  # neighbours on float16's grid of 1/128
        (torch.bfloat16, -88.5, -89.0),  # neighbours on bfloat16's grid of 1/2
        (torch.float32, -88.72, -88.73),
        (torch.float64, -709.78, -709.79),
    ],
)
def test_trl_discopop_overflows_where_the_published_formula_does(trl_loss, dtype, inside, outside):
    """The report that TRL's discopop turns NaN (z below −88.72, −11.09 in float16) would accuse it wrongly.

    β=1, so z=ρ; finite just inside, NaN in loss and gradient just outside, where log_space is right.
    """
    for z, finite in ((inside, True), (outside, False)):
        pair = of_pair([z, 0.0, 0.0, 0.0], dtype)
        loss = trl_loss("discopop", pair, 1.0, 0.05)
        (slope,) = torch.autograd.grad(loss, pair[0])
        assert (loss.isfinite().item(), slope.isfinite().item()) == (finite, finite)
        ours = discopop_loss(*pair, beta=1.0)
        # τ=0.05 leaves e^(19z) of the mix, that is log(1+e^−z) = −z + log(1+e^z); float32 rounds −z itself.
        torch.testing.assert_close(ours.item(), -z + log1p(exp(z)), rtol=1e-6, atol=0)
