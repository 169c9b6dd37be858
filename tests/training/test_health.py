"""The record of a step and the summary of a run, against closed forms."""

import math

import pytest
import torch

from lossgrid.training.health import describe_step, has_finite_weights, summarise_health

# (loss, chosen, rejected) of five pairs; ρ = chosen − rejected = 1, −1, 0, 3, 2.
PAIRS = torch.tensor(
    [[0.5, 1.0, 0.0], [1.5, -1.0, 0.0], [1.0, 2.0, 2.0], [0.25, 1.0, -2.0], [0.75, 2.0, 0.0]]
)


def describe(pairs=PAIRS, grad_norm=2.5, reward_scale=0.1) -> dict:
    return describe_step(7, pairs, grad_norm, learning_rate=1e-3, reward_scale=reward_scale, learned={})


def test_record_of_a_step():
    """The figures read these fields: a mean over the wrong column would be a wrong figure.

    Sorted ρ: −1, 0, 1, 2, 3. The 5 % quantile lies 0.2 of the way from the first to the second, −0.8; the
    95 % quantile likewise at 2.8. Chosen mean 1, rejected mean 0, times 0.1. A tie (ρ = 0) is not a win.
    1e-12: float64 arithmetic on numbers that float32 holds.
    """
    assert describe() == pytest.approx(
        {
            "step": 7,
            "loss": 0.8,
            "grad_norm": 2.5,
            "learning_rate": 1e-3,
            "pairs": 5,
            "nonfinite_pairs": 0,
            "nonfinite": False,
            "reward_chosen": 0.1,
            "reward_rejected": 0.0,
            "margin": 0.1,
            "accuracy": 0.6,
            "rho_min": -1.0,
            "rho_q05": -0.8,
            "rho_median": 1.0,
            "rho_q95": 2.8,
            "rho_max": 3.0,
        },
        abs=1e-12,
    )


def test_record_of_one_pair():
    """The last step of an epoch may hold one pair."""
    record = describe(PAIRS[:1])
    assert [record[name] for name in record if name.startswith("rho")] == [1.0] * 5


@pytest.mark.parametrize(("value", "bad"), [(math.nan, 1), (math.inf, 1), (-math.inf, 1), (3e38, 0)])
def test_a_pair_counts_as_non_finite_by_its_loss(value, bad):
    """One of five, whatever the other four are; the largest float32 is still a number."""
    pairs = PAIRS.clone()
    pairs[3, 0] = value
    record = describe(pairs)
    assert (record["nonfinite_pairs"], record["nonfinite"]) == (bad, bool(bad))


@pytest.mark.parametrize("grad_norm", [math.nan, math.inf])
def test_a_gradient_alone_makes_a_step_non_finite(grad_norm):
    """A finite loss with an infinite slope spoils the weights just as well."""
    record = describe(grad_norm=grad_norm)
    assert (record["nonfinite_pairs"], record["nonfinite"]) == (0, True)


def make_record(step: int, **changes) -> dict:
    return {
        "step": step,
        "loss": 1.0 / step,
        "grad_norm": float(step),
        "pairs": 8,
        "nonfinite_pairs": 0,
        "nonfinite": False,
        "accuracy": 0.5,
        "rho_min": -float(step),
        "rho_max": 2.0 * step,
    } | changes


BAD = {"loss": math.nan, "grad_norm": math.nan, "nonfinite_pairs": 2, "nonfinite": True}
BAD_MARGINS = {"rho_min": math.nan, "rho_max": math.nan}


def test_summary_of_a_healthy_run():
    """Maxima over all steps, last values of the last."""
    summary = summarise_health([make_record(1), make_record(3), make_record(2)], 3, "stop", True)
    assert summary == {
        "status": "finished",
        "healthy": True,
        "reason": "",
        "nonfinite_policy": "stop",
        "steps": 3,
        "planned_steps": 3,
        "nonfinite_steps": 0,
        "first_nonfinite_step": None,
        "max_grad_norm": 3.0,
        "rho_min": -3.0,
        "rho_max": 6.0,
        "final_loss": 0.5,
        "final_accuracy": 0.5,
    }


@pytest.mark.parametrize(
    ("policy", "weights_finite", "status"),
    [
        ("stop", True, "diverged"),
        ("skip", True, "finished"),
        ("propagate", True, "finished"),
        ("propagate", False, "diverged"),
        ("skip", False, "diverged"),
    ],
)
def test_status_of_a_run_with_a_bad_step(policy, weights_finite, status):
    """Only a run that ended early or with useless weights is diverged; none of them is healthy."""
    records = [make_record(1), make_record(2, **BAD), make_record(3, **BAD)]
    summary = summarise_health(records, 9, policy, weights_finite)
    assert (summary["status"], summary["healthy"]) == (status, False)
    assert (summary["first_nonfinite_step"], summary["nonfinite_steps"]) == (2, 2)
    assert (summary["steps"], summary["planned_steps"], summary["final_loss"]) == (3, 9, "nan")
    assert summary["max_grad_norm"] == 1.0
    assert summary["reason"] == (
        "step 2: 2 of 8 pairs had a non-finite loss, gradient norm nan, margins ρ from -2 to 4"
    )


@pytest.mark.parametrize("bad_at", [0, 1, 2])
def test_margins_do_not_depend_on_where_the_nan_is(bad_at):
    """min() over Python floats keeps a NaN that comes first and loses one that comes later."""
    records = [make_record(step) for step in (1, 2, 3)]
    records[bad_at] |= BAD | BAD_MARGINS
    finite = [step for index, step in enumerate((1, 2, 3)) if index != bad_at]
    summary = summarise_health(records, 3, "skip", True)
    assert (summary["rho_min"], summary["rho_max"]) == (-max(finite), 2 * max(finite))


def test_summary_of_nothing_and_of_only_bad_steps():
    """A run that was never able to step has no numbers: words, which JSON can hold."""
    empty = summarise_health([], 3, "stop", True)
    assert (empty["steps"], empty["status"], empty["max_grad_norm"], empty["final_loss"]) == (
        0,
        "finished",
        "nan",
        "nan",
    )
    bad = summarise_health([make_record(1, **BAD, **BAD_MARGINS)], 3, "stop", True)
    assert (bad["rho_min"], bad["rho_max"], bad["max_grad_norm"]) == ("nan", "nan", "nan")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_weight_among_many(value):
    """A single infinite weight makes every output useless."""
    model = torch.nn.Linear(30, 30)
    assert has_finite_weights(model)
    with torch.no_grad():
        model.bias[7] = value
    assert not has_finite_weights(model)
