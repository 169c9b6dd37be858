"""The losses against the installed TRL: its own `DPOTrainer._compute_loss` at arbitrary log-probabilities.

The method runs on a stand-in for the trainer whose model returns the per-token log-probabilities wanted; the
reference's come in with the batch, as they do with `precompute_ref_log_probs`.
"""

from collections import defaultdict
from math import exp, log1p
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.objectives.gpo import hinge_loss
from lossgrid.objectives.ipo import ipo_loss
from lossgrid.objectives.logistic import dpo_loss
from lossgrid.objectives.modulated import discopop_loss

from .log_probabilities import with_margin

# Multiples of 1/64 below 4096 add exactly in float32, so that the order of the sums in ρ cannot matter.
dyadic = st.integers(-2000 * 64, 0).map(lambda sixtyfourths: sixtyfourths / 64)
any_logp = st.floats(-500, 0, width=32)
betas = st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
taus = st.sampled_from([0.02, 0.05, 0.1023, 0.5, 1.0, 5.0])


@pytest.fixture(scope="module")
def trl_loss(tmp_path_factory):
    """TRL's loss of one pair, from the summed log-probabilities of its two responses."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_HUB_OFFLINE", "1")
        environment.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        from trl import DPOConfig
        from trl.trainer.dpo_trainer import DPOTrainer

        output = str(tmp_path_factory.mktemp("trl"))
        args = DPOConfig(output_dir=output, report_to=[], use_cpu=True)

        def loss_of(loss_type, logps, beta, tau=0.05, lengths=(1, 1)):
            args.discopop_tau = tau
            return DPOTrainer._compute_loss(
                trainer(loss_type, beta, args),
                *model_and_batch(logps, lengths),
                return_outputs=False,
            )

        loss_of.defaults = SimpleNamespace(beta=args.beta, discopop_tau=args.discopop_tau)
        yield loss_of


def trainer(loss_type, beta, args):
    """What `_compute_loss` reads of its trainer, for one process without reference model."""
    return SimpleNamespace(
        model=SimpleNamespace(training=True),
        accelerator=SimpleNamespace(
            device=torch.device("cpu"), gather=lambda each: each, gather_for_metrics=lambda each: each
        ),
        args=args,
        beta=beta,
        loss_types=[loss_type],
        loss_weights=[1.0],
        label_smoothing=0.0,
        f_divergence_type="reverse_kl",
        precompute_ref_logps=True,
        use_weighting=False,
        aux_loss_enabled=False,
        ld_alpha=None,
        _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0,
        _tp_size=1,
    )


def model_and_batch(logps, lengths):
    """A model that answers with the given sums, and the batch of one pair whose responses have these lengths.

    Each sum sits on the first response token, so that no sum over tokens rounds it.
    """
    chosen, rejected, reference_chosen, reference_rejected = logps
    longest = max(lengths)
    completion = torch.tensor([[0] + [1] * length + [0] * (longest - length) for length in lengths])
    first = torch.stack([chosen, rejected])
    unread = torch.zeros(2, longest)
    outputs = SimpleNamespace(
        log_probs=torch.cat([first, torch.zeros(2, longest - 1, dtype=first.dtype)], dim=1),
        entropy=unread,
        mean_logits=unread,
        is_top1=unread.bool(),
    )
    batch = {
        "input_ids": torch.ones_like(completion),
        "attention_mask": torch.ones_like(completion),
        "completion_mask": completion,
        "ref_chosen_logps": reference_chosen,
        "ref_rejected_logps": reference_rejected,
    }
    return (lambda **inputs: outputs), batch


def of_pair(logps, dtype=torch.float32):
    return [torch.tensor([each], dtype=dtype, requires_grad=True) for each in logps]


def assert_same_bits(ours, theirs, ours_from, theirs_from):
    """Loss and both gradients of the policy are equal to the last bit, NaN equal to NaN."""
    exact = {"rtol": 0, "atol": 0, "equal_nan": True}
    torch.testing.assert_close(ours.squeeze(), theirs.squeeze(), **exact)
    gradients = torch.autograd.grad(ours.sum(), ours_from[:2])
    torch.testing.assert_close(gradients, torch.autograd.grad(theirs.sum(), theirs_from[:2]), **exact)


@settings(max_examples=60)
@given(logps=st.tuples(dyadic, dyadic, dyadic, dyadic), beta=betas)
@pytest.mark.parametrize(("loss_type", "loss"), [("sigmoid", dpo_loss), ("hinge", hinge_loss)])
def test_dpo_and_hinge_are_trl_s(trl_loss, loss_type, loss, logps, beta):
    """The baselines would not be the ones that the field reports: same operations, same bits."""
    ours, theirs = of_pair(logps), of_pair(logps)
    assert_same_bits(loss(*ours, beta=beta), trl_loss(loss_type, theirs, beta), ours, theirs)


@settings(max_examples=100)
@given(logps=st.tuples(dyadic, dyadic, dyadic, dyadic), beta=betas, tau=taus)
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
@given(logps=st.tuples(dyadic, dyadic, dyadic, dyadic), beta=betas)
def test_trl_ipo_is_ours_for_responses_of_one_token(trl_loss, logps, beta):
    """The two would differ in more than the average over tokens: with one token they are one loss."""
    ours, theirs = of_pair(logps), of_pair(logps)
    assert_same_bits(ipo_loss(*ours, beta=beta), trl_loss("ipo", theirs, beta, lengths=(1, 1)), ours, theirs)


def test_the_stand_in_runs_trl_s_code(trl_loss):
    """Parity would be shown against the stand-in: a loss type unknown to TRL must raise TRL's own error."""
    with pytest.raises(ValueError, match="Unknown loss type: dlrml"):
        trl_loss("dlrml", with_margin([1.0]), 0.1)
