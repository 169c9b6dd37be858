"""The losses against the installed TRL's own code, where both have the same convention."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.objectives.batch import aot_loss, aot_unpaired_loss
from lossgrid.objectives.gpo import hinge_loss
from lossgrid.objectives.ipo import ipo_averaged_loss, ipo_loss
from lossgrid.objectives.logistic import dpo_loss, exo_loss, robust_dpo_loss
from lossgrid.objectives.modulated import discopop_loss
from lossgrid.objectives.responses import apo_down_loss, apo_zero_loss, bco_loss, nca_loss, sppo_hard_loss

from .log_probabilities import with_margin
from .trl_stand_in import assert_same_bits, assert_within, betas, four_logps, of_pair, of_pairs, smoothings

any_logp = st.floats(-500, 0, width=32)
taus = st.sampled_from([0.02, 0.05, 0.1023, 0.5, 1.0, 5.0])


@settings(max_examples=60)
@given(logps=four_logps, beta=betas)
@pytest.mark.parametrize(
    ("loss_type", "loss"),
    [
        ("sigmoid", dpo_loss),
        ("hinge", hinge_loss),
        ("nca_pair", nca_loss),
        ("bco_pair", bco_loss),
        ("sppo_hard", sppo_hard_loss),
        ("aot", aot_loss),
        ("aot_unpaired", aot_unpaired_loss),
    ],
)
def test_losses_are_trl_s_bit_for_bit(trl_loss, loss_type, loss, logps, beta):
    """The baselines would not be the ones that the field reports: same operations, same bits."""
    ours, theirs = of_pair(logps), of_pair(logps)
    assert_same_bits(loss(*ours, beta=beta), trl_loss(loss_type, theirs, beta), ours, theirs)


@settings(max_examples=60)
@given(
    logps=four_logps,
    beta=betas,
    eps=smoothings,
)
def test_robust_dpo_and_exo_are_trl_s(trl_loss, logps, beta, eps):
    """A baseline would be another loss: both are evaluated differently from TRL's, to keep digits.

    Robust DPO: TRL divides a difference of two logistic losses of up to |z| + 1 by 1−2ε, each rounded at 1e-7.
    EXO: terms of up to 1 − log ε, six roundings at 1e-7; far out TRL loses its gradient, which is below 1e-7.
    """
    z = beta * abs((logps[0] - logps[1]) - (logps[2] - logps[3]))
    for loss_type, loss, scale in (
        ("robust", robust_dpo_loss, (1 + z) / (1 - 2 * eps)),
        ("exo_pair", exo_loss, 1 - log(eps)),
    ):
        ours, theirs = of_pair(logps), of_pair(logps)
        of_gradient = 1e-6 * beta / (1 - 2 * eps) if loss_type == "robust" else 1e-6 * beta * scale
        assert_within(
            1e-6 * scale,
            of_gradient,
            loss(*ours, beta=beta, label_smoothing=eps),
            trl_loss(loss_type, theirs, beta, label_smoothing=eps),
            ours,
            theirs,
        )


@settings(max_examples=60)
@given(logps=four_logps, beta=betas)
@pytest.mark.parametrize(("loss_type", "loss"), [("apo_zero", apo_zero_loss), ("apo_down", apo_down_loss)])
def test_apo_is_trl_s_but_for_its_rounding(trl_loss, loss_type, loss, logps, beta):
    """A baseline would be another loss.

    TRL's 1−σ is a multiple of 6e-8, and so is its gradient over β; log σ of up to 16 rounds ours by 16·6e-8.
    """
    ours, theirs = of_pair(logps), of_pair(logps)
    assert_within(1e-6, 1e-6 * beta, loss(*ours, beta=beta), trl_loss(loss_type, theirs, beta), ours, theirs)


@settings(max_examples=60)
@given(rows=st.lists(four_logps, min_size=2, max_size=6), beta=betas)
@pytest.mark.parametrize(("loss_type", "loss"), [("aot", aot_loss), ("aot_unpaired", aot_unpaired_loss)])
def test_aot_of_a_batch_is_trl_s(trl_loss, loss_type, loss, rows, beta):
    """The order in which we return AOT's losses would change more than their order.

    TRL sums in the order of the margins, we in that of the batch: six numbers of up to 4e4, rounded at 6e-8. The
    gradients are the same bits, unless equal margins are paired off in another order: TRL's sort is not stable.
    """
    ours, theirs = of_pairs(rows), of_pairs(rows)
    loss_of_ours, loss_of_theirs = loss(*ours, beta=beta), trl_loss(loss_type, theirs, beta)
    torch.testing.assert_close(loss_of_ours.mean(), loss_of_theirs, rtol=1e-6, atol=0)
    keys = [row[0] - row[1 if loss_type == "aot" else 2] for row in rows]
    others = [row[1] - row[3] for row in rows] if loss_type == "aot_unpaired" else keys
    if len(set(keys)) == len(set(others)) == len(rows):
        gradients = torch.autograd.grad(loss_of_ours.mean(), ours[:2])
        expected = torch.autograd.grad(loss_of_theirs, theirs[:2])
        torch.testing.assert_close(gradients, expected, rtol=0, atol=0)


@settings(max_examples=60)
@given(
    logps=four_logps,
    beta=betas,
    lengths=st.tuples(st.sampled_from([1, 2, 8, 64]), st.sampled_from([1, 4, 128])),
)
def test_averaged_ipo_is_trl_s(trl_loss, logps, beta, lengths):
    """Our averaged IPO would average otherwise than TRL's `ipo`: over prompt tokens, or after the difference.

    Numbers of tokens that are powers of two divide without rounding: the same bits.
    """
    ours, theirs = of_pair(logps), of_pair(logps)
    averages = [each / tokens for each, tokens in zip(ours, lengths * 2, strict=True)]
    assert_same_bits(
        ipo_averaged_loss(*averages, beta=beta), trl_loss("ipo", theirs, beta, lengths=lengths), ours, theirs
    )


@settings(max_examples=60)
@given(logps=four_logps, beta=betas)
def test_trl_ipo_is_summed_ipo_for_responses_of_one_token(trl_loss, logps, beta):
    """The two would differ in more than the average over tokens: with one token they are one loss."""
    ours, theirs = of_pair(logps), of_pair(logps)
    assert_same_bits(ipo_loss(*ours, beta=beta), trl_loss("ipo", theirs, beta, lengths=(1, 1)), ours, theirs)


@settings(max_examples=100)
@given(logps=four_logps, beta=betas, tau=taus)
def test_published_discopop_is_trl_s(trl_loss, logps, beta, tau):
    """`evaluation="published"` would not be the formula people train with, overflow included.

    The loss is the same to the last bit. The gradient adds its terms in another order: TRL multiplies by β
    after adding the mix's share to the branches', we before. The terms are at most β(1 + 1/τ)(1 + L), and ten
    roundings of 6e-8 are within 1e-6 of that.
    """
    ours, theirs = of_pair(logps), of_pair(logps)
    loss = discopop_loss(*ours, beta=beta, tau=tau, evaluation="published").squeeze()
    expected = trl_loss("discopop", theirs, beta, tau)
    torch.testing.assert_close(loss, expected, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(
        torch.autograd.grad(loss, ours[:2]),
        torch.autograd.grad(expected, theirs[:2]),
        rtol=0,
        atol=1e-6 * beta * (1 + 1 / tau) * (1 + loss.nan_to_num().item()),
        equal_nan=True,
    )


@settings(max_examples=60)
@given(logps=st.tuples(any_logp, any_logp, any_logp, any_logp), tau=st.sampled_from([0.05, 0.1, 0.5]))
@pytest.mark.parametrize("loss_type", ["sigmoid", "hinge", "discopop"])
def test_losses_are_trl_s_at_any_log_probability(trl_loss, loss_type, logps, tau):
    """Agreement would end where sums round: TRL subtracts the reference per response, we subtract pairs.

    Numbers up to 1000 round by 3e-5 in float32, three of them by at most 1e-4 nats in ρ; at β=0.05 and r ≤ 20
    the slope is at most 0.05·(1 + 20/4) = 0.3 a nat: 3e-5 absolute; the loss itself rounds by 1e-6.
    """
    ours = {
        "sigmoid": lambda *each: dpo_loss(*each, beta=0.05),
        "hinge": lambda *each: hinge_loss(*each, beta=0.05),
        "discopop": lambda *each: discopop_loss(*each, beta=0.05, tau=tau),  # log_space
    }[loss_type]
    pair = of_pair(logps)
    torch.testing.assert_close(
        ours(*pair).squeeze(), trl_loss(loss_type, pair, 0.05, tau).squeeze(), rtol=1e-5, atol=1e-4
    )


def test_defaults_of_discopop_are_trl_s(trl_loss):
    """τ=0.05 would not be the temperature that TRL trains DiscoPOP with when nobody sets one."""
    assert trl_loss.defaults.discopop_tau == 0.05
    assert discopop_loss.__defaults__[1] == trl_loss.defaults.discopop_tau
    assert dpo_loss.__defaults__[0] == trl_loss.defaults.beta


def test_the_stand_in_runs_trl_s_code(trl_loss):
    """Parity would be shown against the stand-in: a loss type unknown to TRL must raise TRL's own error."""
    with pytest.raises(ValueError, match="Unknown loss type: dlrml"):
        trl_loss("dlrml", with_margin([1.0]), 0.1)
