"""Where the computation of a loss stops being finite, in every precision and evaluation."""

from math import log, sqrt

import pytest
import torch

from lossgrid.objectives.modulated import discopop_loss

# log of the largest number of each precision.
LARGEST = {"float16": 11.09, "bfloat16": 88.72, "float32": 88.72, "float64": 709.78}
BETAS = [0.01, 0.05, 1.0, 2.5, 5.0, 100.0]
per_precision = pytest.mark.parametrize("precision", LARGEST)
per_beta = pytest.mark.parametrize("beta", BETAS)


@per_precision
@per_beta
def test_the_published_formula_overflows_where_exp_does(audit, beta, precision):
    """The limits by which runs are explained (−88.72/β in float32) would be wrong.

    1 %: bfloat16 has 8 bits, so that a margin and its product with β are each off by up to 0.4 %.
    """
    limit = audit("discopop", beta=beta).get_limit(precision, "published")
    assert limit.left == pytest.approx(-LARGEST[precision] / beta, rel=0.01)
    assert limit.right is None


@per_precision
@pytest.mark.parametrize("ratio", [1.0, 2.0, 80.0, 1000.0])
def test_the_limit_does_not_depend_on_the_mix(audit, ratio, precision):
    """A sweep over β_mix would be thought to move the overflow: m = 0 or not, exp(−z) is infinite."""
    limit = audit("dlrml", beta_kl=0.5, beta_mix=ratio * 0.025).get_limit(precision, "published")
    assert limit.left == pytest.approx(-LARGEST[precision] / 0.5, rel=0.01)


@per_precision
@per_beta
def test_log_space_is_finite_wherever_the_function_is(audit, beta, precision):
    """The evaluation that is offered as the cure would overflow as well."""
    limit = audit("discopop", beta=beta).get_limit(precision, "log_space")
    if precision == "float16" and beta > 1:
        # The loss itself, −βρ, is larger than the largest float16.
        assert limit.left == pytest.approx(-65504 / beta, rel=0.001)
    else:
        assert limit.left is None


def test_log_space_overflows_where_the_function_does(audit):
    """Below r=1 the function itself is exp((1−r)|z|): 88.72/(1 − 0.5) = 177.4 in float32."""
    found = audit("dlrml", beta_kl=1.0, beta_mix=0.025)
    assert found.ratio == 0.5
    assert found.get_limit("float32", "log_space").left == pytest.approx(-177.44, rel=0.01)
    # In the published formula exp(−z) alone still decides.
    assert found.get_limit("float32", "published").left == pytest.approx(-88.72, rel=0.01)


@per_precision
@pytest.mark.parametrize(
    ("name", "beta", "factor"), [("exponential", 0.1, 1), ("exponential", 5.0, 5.0), ("cell", 5.0, 2.5)]
)
def test_exponential_losses_overflow_as_well(audit, name, beta, factor, precision):
    """They have no other evaluation. The larger of loss and slope decides, factor·exp(−z): β = 5, or ½·5 in CELL."""
    left = audit(name, beta=beta).get_limit(precision).left
    # As above; log 5 of 11.09 is 15 %.
    assert left == pytest.approx(-(LARGEST[precision] - log(factor)) / beta, rel=0.01)


def test_half_precision_computes_in_half_precision(audit):
    """The column of float16 would show float32's limit: it is the square root of 65504 for a square.

    IPO at β=0.1 is (ρ − 5)²: 5 − 255.94 = −250.94 and 5 + 255.94 = 260.94, to half a unit of 256's spacing of 1/4.
    """
    limit = audit("ipo", beta=0.1).get_limit("float16")
    assert limit.left == pytest.approx(5 - sqrt(65504), abs=0.15)
    assert limit.right == pytest.approx(5 + sqrt(65504), abs=0.15)


def test_a_loss_that_is_finite_nowhere_in_float16(audit):
    """SPPO at β=0.001 is 2·500² = 500,000 at ρ=0, and the largest float16 is 65,504."""
    limit = audit("sppo_hard").get_limit("float16")
    assert (limit.left, limit.right) == (0.0, 0.0)
    assert audit("sppo_hard").get_limit("float32").left is None


def test_training_has_float32_s_limit_in_half_precision():
    """The documentation says so: the losses raise half precision outside of the audit."""
    chosen = torch.tensor([-80.0, -89.0], dtype=torch.bfloat16)
    zero = torch.zeros(2, dtype=torch.bfloat16)
    loss = discopop_loss(chosen, zero, zero, zero, beta=1.0, evaluation="published")
    assert loss.isfinite().tolist() == [True, False]
    half = discopop_loss(
        chosen.half(), zero.half(), zero.half(), zero.half(), beta=1.0, evaluation="published"
    )
    assert half.isfinite().tolist() == [True, False]


def test_limits_are_asked_for_by_name(audit):
    """A misspelt evaluation must not answer with that of another."""
    with pytest.raises(
        KeyError, match="no limit for 'publised' in 'float32'; there are: log_space in float16"
    ):
        audit("discopop").get_limit("float32", "publised")
    assert log(torch.finfo(torch.float32).max) == pytest.approx(88.7228, abs=1e-4)
