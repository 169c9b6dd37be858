"""The learned β_mix: trained in log space beside the policy, with a learning rate of its own."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.specification import POLICY, REFERENCE
from lossgrid.training.pair_loss import EPSILON, LearnedParameters, PairLoss

LEARNED = CATALOGUE["dlrml_learned"]
SETTING = {**LEARNED.defaults(), "beta_kl": 0.25, "mix_learning_rate": 0.1}
STEPS = 6


def get_gradient(rho: float, evaluation: str) -> float:
    """Gradient of the loss of one pair by log β_mix, as the trainer gets it."""
    loss = PairLoss(LEARNED, {**SETTING, "evaluation": evaluation})
    margins = dict(zip(POLICY + REFERENCE, torch.tensor([[rho], [0.0], [0.0], [0.0]]), strict=True))
    loss(margins, torch.ones(1), torch.ones(1)).sum().backward()
    return loss.learned.logs["beta_mix"].grad.item()


@settings(max_examples=200, deadline=None)
@given(rho=st.floats(-300, 300, width=32), evaluation=st.sampled_from(["log_space", "published"]))
def test_gradient_is_the_closed_form(rho, evaluation):
    """β_mix would be trained by something else than the loss.

    dL/dβ_mix = (ρ/τ)·m(1−m)·(e^−z − sp(−z)), as only m depends on it; by log β_mix it is β_mix times that.
    """
    rho_exact = torch.tensor(rho, dtype=torch.float64)
    z, logit = SETTING["beta_kl"] * rho_exact, SETTING["beta_mix"] / SETTING["tau"] * rho_exact
    weight = torch.sigmoid(logit) * torch.sigmoid(-logit)
    expected = logit * weight * (torch.exp(-z) - F.softplus(-z))
    # float32: the exponent, up to 1200, is rounded at 6e-8: 1e-4 of the gradient. 1−m is rounded at 6e-8 itself,
    # which matters where m(1−m) is as small as that.
    rounding = (2e-7 * logit.abs() * F.softplus(-z)).item()
    assert get_gradient(rho, evaluation) == pytest.approx(expected.item(), rel=2e-4, abs=rounding + 1e-9)


@given(rho=st.floats(0.05, 20))
@settings(deadline=None)
def test_positive_margins_push_it_down_and_negative_ones_up(rho):
    """e^−z > log(1+e^−z) for every z: what learned β_mix does follows from the sign of the margins alone."""
    assert get_gradient(rho, "log_space") >= 0 >= get_gradient(-rho, "log_space")
    assert get_gradient(0.05, "log_space") > 0 > get_gradient(-0.05, "log_space")


def test_first_value_and_its_place_in_the_record(train):
    """A reader of the log could not tell which β_mix a step was made with."""
    run = train(loss=LEARNED, setting=SETTING)
    values = [record["beta_mix"] for record in run.records]
    # exp(log 0.2) in float32.
    assert values[0] == pytest.approx(0.2, rel=1e-6)
    assert len(set(values)) > 3
    assert run.health["final_beta_mix"] not in values
    assert all(math.isfinite(record["beta_mix_grad"]) for record in run.records)


def test_it_is_an_adamw_of_its_own(train):
    """Its learning rate would be the policy's, or its gradient clipped and decayed with the policy's weights.

    torch's AdamW on the logged gradients, at the logged share of the peak, gives the logged values.
    """
    run = train(loss=LEARNED, setting=SETTING, max_grad_norm=1e-4, weight_decay=0.5)
    log = torch.tensor(math.log(0.2), requires_grad=True)
    optimizer = torch.optim.AdamW([log], lr=1.0, eps=EPSILON, weight_decay=0.0)
    for record in run.records:
        assert record["beta_mix"] == pytest.approx(log.exp().item(), rel=1e-6)
        log.grad = torch.tensor(record["beta_mix_grad"])
        optimizer.param_groups[0]["lr"] = 0.1 * record["learning_rate"] / 1e-3
        optimizer.step()
    assert run.health["final_beta_mix"] == pytest.approx(log.exp().item(), rel=1e-6)


def test_accumulation_changes_nothing(train):
    """Its gradient would be that of the last micro-batch, or the sum instead of the mean."""
    whole = train("whole", loss=LEARNED, setting=SETTING)
    parts = train("parts", loss=LEARNED, setting=SETTING, micro_batch_size=4)
    for one, other in zip(whole.records, parts.records, strict=True):
        # Sixteen losses added in another order: 1e-6; Adam turns that into parts of its step of 0.1.
        assert other["beta_mix_grad"] == pytest.approx(one["beta_mix_grad"], abs=1e-5)
        assert other["beta_mix"] == pytest.approx(one["beta_mix"], rel=1e-3)


@pytest.mark.parametrize("killed_at", [4, 5])
def test_a_kill_changes_nothing(train, killed_at):
    """A resumed run would start again at the first value, or without AdamW's moments."""
    calls = []

    def kill(*tensors, **keywords):
        calls.append(None)
        if len(calls) == killed_at:
            raise KeyboardInterrupt
        return LEARNED.load()(*tensors, **keywords)

    dying = type("Dying", (type(LEARNED),), {"load": lambda self: kill})(
        **{field.name: getattr(LEARNED, field.name) for field in dataclasses.fields(LEARNED)}
    )
    undisturbed = train("undisturbed", loss=LEARNED, setting=SETTING)
    with pytest.raises(KeyboardInterrupt):
        train("killed", loss=dying, setting=SETTING)
    resumed = train("killed", loss=LEARNED, setting=SETTING)
    assert resumed.files == undisturbed.files


def test_a_skipped_step_leaves_it_alone(train):
    """A step without an update of the policy would still move the loss under it."""
    calls = []

    def break_fourth(*tensors, **keywords):
        calls.append(None)
        losses = LEARNED.load()(*tensors, **keywords)
        return losses * torch.nan if len(calls) == 4 else losses

    broken = type("Broken", (type(LEARNED),), {"load": lambda self: break_fourth})(
        **{field.name: getattr(LEARNED, field.name) for field in dataclasses.fields(LEARNED)}
    )
    run = train(loss=broken, setting=SETTING, nonfinite="skip")
    values = [record["beta_mix"] for record in run.records]
    assert values[4] == values[3]
    assert values[5] != values[4]
    assert all(map(math.isfinite, values))


def test_a_loss_without_learned_parameters_writes_none(tmp_path):
    """Checkpoints of all other losses would hold a file that says nothing."""
    parameters = LearnedParameters({}, {})
    parameters.save(tmp_path)
    parameters.load(tmp_path)
    parameters.step(share=1.0)
    assert (list(tmp_path.iterdir()), parameters.describe(), parameters.get_values()) == ([], {}, {})


def test_a_checkpoint_without_its_file_is_refused(tmp_path):
    """A checkpoint of a fixed mix would silently give the first value again."""
    with pytest.raises(FileNotFoundError, match="loss_parameters"):
        LearnedParameters({"beta_mix": 0.2}, {"beta_mix": 0.1}).load(tmp_path)
