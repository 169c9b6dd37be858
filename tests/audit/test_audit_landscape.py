"""Shapes that no loss of the catalogue has, to hold the audit to its definitions."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log

import pytest
import torch
import torch.nn.functional as F

from lossgrid.audit import audit_objective
from lossgrid.objectives.pairs import log_ratio_margin
from lossgrid.objectives.specification import Hyperparameter, Objective

BETA = Hyperparameter("beta", "Scales the margin.", 1.0)


@dataclass(frozen=True)
class Formula(Objective):
    """An objective made of a function of the margin z = βρ."""

    of_margin: Callable = None

    def load(self) -> Callable:
        """The loss of four tensors."""

        def loss(chosen, rejected, reference_chosen, reference_rejected, beta):
            return self.of_margin(
                beta * log_ratio_margin(chosen, rejected, reference_chosen, reference_rejected)
            )

        return loss


def audit(of_margin: Callable, beta: float = 1.0):
    objective = Formula("formula", "Formula", "", "", (BETA,), "", of_margin=of_margin)
    return audit_objective(objective, {"beta": beta})


def get_bump(z, centre, height):
    return height * torch.exp(-((z - centre) ** 2))


@pytest.mark.parametrize("beta", [0.01, 1.0, 100.0])
def test_a_minimum_left_of_a_later_fall_is_a_trap_wherever_it_lies(beta):
    """A trap on the right would be taken for the target of the loss: DPO with a bump of 1 at z=4.

    Left of the bump the slope −σ(−z) is met by 2(4−z)e^−(4−z)²; the minimum lies near z = 2.3.
    """
    landscape = audit(lambda z: F.softplus(-z) + get_bump(z, 4, 1.0), beta).landscape
    assert landscape.start == "right"
    assert landscape.target is None
    assert 2 < beta * landscape.trap.rho < 2.5 < beta * landscape.barrier.rho < 4.1
    # The bump's top is 1 above DPO's sp(−4) = 0.018.
    assert landscape.barrier.loss == pytest.approx(1.018, abs=1e-2)


def test_of_several_traps_the_one_that_training_meets_is_named():
    """The verdict would warn of a trap far away and not of the one beside the start."""
    landscape = audit(lambda z: F.softplus(-z) + get_bump(z, -2, 3.0) + get_bump(z, -9, 5.0)).landscape
    assert len(landscape.stationary) == 4
    assert -6 < landscape.trap.rho < -3
    assert landscape.barrier.rho == pytest.approx(-2, abs=0.2)


def test_a_loss_that_only_rises_has_no_barrier():
    """A sign slip in a new loss: minus DPO."""
    found = audit(lambda z: F.softplus(z))
    landscape = found.landscape
    assert (landscape.start, landscape.monotone, landscape.stationary) == ("wrong", False, ())
    assert (landscape.trap.rho, landscape.barrier, landscape.barrier_height) == (-inf, None, None)
    # Left: the slope σ(z) vanishes as e^z, and the loss has its bound in 0.
    assert found.tails.left_slope == "vanishing"
    assert found.tails.bounded_below
    assert found.verdict.startswith(
        "wrong sign at the start: training first lowers the margin (slope +0.5 in z), margins fall for good"
    )


def test_no_lower_bound():
    """A loss that rewards ever larger margins without end: its slope decays as 1/z, its integral does not."""
    growing = audit(lambda z: -torch.asinh(z))
    assert growing.tails.right_slope == "vanishing"
    assert not growing.tails.bounded_below
    # −arctan: slope as 1/z², bounded by −π/2.
    bounded = audit(lambda z: -torch.atan(z))
    assert (bounded.tails.left_slope, bounded.tails.right_slope) == ("vanishing", "vanishing")
    assert bounded.tails.bounded_below


def test_minimum_at_the_start_is_a_target_of_0():
    """A loss that keeps margins where they are: neither trap nor rounding of one."""
    found = audit(lambda z: z**2)
    assert found.landscape.start == "flat"
    assert (found.landscape.target.rho, found.landscape.trap) == (0.0, None)
    assert found.verdict.startswith("flat at the start: training has no direction; aims at ρ=0")


def test_plateaus_are_told_from_underflow():
    """DPO's slope is 0 in float64 beyond z = 745, a hinge's beyond 1: only one of them stops training."""
    assert audit(lambda z: F.softplus(-z)).landscape.plateau is None
    assert audit(lambda z: torch.sigmoid(-z) ** 2).landscape.plateau is None
    assert audit(lambda z: torch.relu(1 - z) ** 2, 4.0).landscape.plateau == pytest.approx(
        (0.25, inf), rel=1e-14
    )
    dead_left = audit(lambda z: torch.relu(z + 2) * 0.1 + torch.relu(-z + 1)).landscape
    assert dead_left.plateau is None
    middle = audit(lambda z: torch.relu(-z - 1) + torch.relu(z - 3)).landscape
    assert middle.plateau == pytest.approx((-1, 3), rel=1e-12)
    clamped = audit(lambda z: F.softplus(-z.clamp(min=-5)))
    assert clamped.landscape.plateau == pytest.approx((-inf, -5), rel=1e-12)
    assert "no gradient left of ρ=−5" in clamped.verdict


def test_jumps_are_found_where_they_are():
    """A discontinuity away from 0, where no sample lies; a steep but continuous rise is none."""
    (jump,) = audit(lambda z: F.softplus(-z) + 0.25 * (z > 1.2345)).landscape.jumps
    assert jump.rho == pytest.approx(1.2345, abs=1e-9)
    # The two sides lie 1e-12 apart, at a slope below 1.
    assert jump.height == pytest.approx(0.25, abs=1e-9)
    assert audit(lambda z: torch.sigmoid(1000 * (z - 1.2345))).landscape.jumps == ()


def test_a_loss_that_branches_on_its_values_is_audited_too():
    """Somebody's new loss need not be computable for all micro-batches at once."""

    def branching(z):
        return F.softplus(-z) * (1.5 if z.mean().item() > 0 else 1.0)

    found = audit(branching)
    assert found.couples_batch
    assert found.landscape.start == "right"


def test_a_loss_that_is_not_finite_at_the_start_is_refused():
    """The audit would otherwise be silent on the one margin where every training starts."""
    with pytest.raises(
        ValueError, match=r"objective formula \(beta 2.0\): loss or slope is not finite at ρ=0"
    ):
        audit(lambda z: torch.log(z), 2.0)
    with pytest.raises(ValueError, match=r"its scale is 1e\+200 nats"):
        audit(lambda z: F.softplus(-z), 1e-200)


def test_exponential_growth_is_told_from_polynomial():
    """A slope of degree 3 or of e^0.001|z| would be put into the wrong class at moderate margins."""
    assert audit(lambda z: torch.relu(-z) ** 4).tails.left_slope == "polynomial"
    assert audit(lambda z: torch.exp(-0.001 * z)).tails.left_slope == "exponential"
    assert audit(lambda z: torch.relu(-z) ** 1.5).tails.left_slope == "polynomial"
    assert audit(lambda z: F.softplus(-z) + log(2)).tails.left_slope == "bounded"
