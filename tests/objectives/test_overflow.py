"""Where the published formula of the modulated family overflows, and that the log-space one does not."""

import pytest
import torch

from lossgrid.objectives.modulated import discopop_loss, dlrml_loss

from .log_probabilities import value_and_slope

# log of the largest number: exp(−z) is infinite beyond.
LIMITS = [
    (torch.float32, -88.72, -88.73),
    (torch.float64, -709.78, -709.79),
]
RATIOS = [20.0, 80.0, 2.0, 1.0]


@pytest.mark.parametrize(("dtype", "inside", "outside"), LIMITS)
@pytest.mark.parametrize("ratio", RATIOS)
def test_published_is_finite_just_inside_and_not_just_outside(dtype, inside, outside, ratio):
    """The documented limit of the papers' formula (z=−88.72 or −709.78) would not be where training fails."""
    setting = {"beta_kl": 1.0, "beta_mix": ratio * 0.05, "tau": 0.05, "evaluation": "published"}
    loss, slope = value_and_slope(dlrml_loss, [inside, outside], dtype, **setting)
    # Left of the trap L is log(1+e^−z) = −z, plus 1 at r=1, and its slope −1. float32 resolves 1e-7 of 88,
    # and at r=1 a mix logit of 88 rounded at 1e-7 moves the product by 1e-5.
    expected = -inside + (1 if ratio == 1 else 0)
    torch.testing.assert_close(loss[0].item(), expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(slope[0].item(), -1.0, rtol=1e-5, atol=0)
    assert not loss[1].isfinite()
    assert not slope[1].isfinite()


@pytest.mark.parametrize(("dtype", "inside", "outside"), LIMITS)
@pytest.mark.parametrize("ratio", RATIOS)
def test_log_space_is_finite_and_right_at_the_same_points(dtype, inside, outside, ratio):
    """The stable evaluation would fail where it is needed, and a sweep at high β would be lost to NaN."""
    setting = {"beta_kl": 1.0, "beta_mix": ratio * 0.05, "tau": 0.05, "evaluation": "log_space"}
    points = [inside, outside, 10 * outside]
    loss, slope = value_and_slope(dlrml_loss, points, dtype, **setting)
    expected = -torch.tensor(points, dtype=dtype) + (1 if ratio == 1 else 0)
    # The same roundings as above: 1e-5 at r=1 in float32.
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(slope, -torch.ones(3, dtype=dtype), rtol=1e-5, atol=0)


@pytest.mark.parametrize(("beta", "rho"), [(0.05, 1774), (1.0, 88.7), (2.5, 35.48), (5.0, 17.74)])
def test_margins_where_published_discopop_fails(beta, rho):
    """The documented margins of failure (1774 nats at β=0.05, 17.7 at β=5) would explain no failed run.

    88.72/0.05 = 1774.4, 88.72/1 = 88.72, 88.72/2.5 = 35.49, 88.72/5 = 17.744: finite at the margin given,
    not at 0.1 % beyond it.
    """
    points = [-rho, -1.001 * rho]
    loss, slope = value_and_slope(discopop_loss, points, torch.float32, beta=beta, evaluation="published")
    # float32: |z| near 88.7 is rounded at 1e-7 relative.
    torch.testing.assert_close(loss[0].item(), beta * rho, rtol=1e-6, atol=0)
    torch.testing.assert_close(slope[0].item(), -beta, rtol=1e-6, atol=0)
    assert loss[1].isnan()
    assert slope[1].isnan()


def test_large_positive_margins_are_learned_in_both_evaluations():
    """A pair learned for good would poison the batch: e^−z runs to 0 on this side, not to infinity."""
    for evaluation in ("published", "log_space"):
        loss, slope = value_and_slope(dlrml_loss, [1e4, 1e30], torch.float32, evaluation=evaluation)
        assert loss.tolist() == [0, 0]  # e^−500 is below the smallest float32
        assert slope.tolist() == [0, 0]
