"""Every objective at its defaults: the audit's classification against one made by hand."""

from dataclasses import dataclass
from math import acosh, inf, log, sqrt

import numpy as np
import pytest
import torch

from lossgrid.audit.path import COMPANIONS, REFERENCE_MARGINS, MarginLoss, get_responses
from lossgrid.objectives.catalogue import CATALOGUE, OBJECTIVES

every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)


@dataclass(frozen=True)
class Expected:
    """What mathematics says of a loss; the defaults are DPO's."""

    start: str = "right"
    monotone: bool = True
    has_trap: bool = False
    target: float | None = None
    left: str = "bounded"
    right: str = "vanishing"
    bounded_below: bool = True
    plateau: tuple[float, float] | None = None
    jump: float | None = None
    couples_batch: bool = False
    nan_alone: bool = False


def aims_at(rho: float, left: str, right: str) -> Expected:
    return Expected(monotone=False, target=rho, left=left, right=right)


TRAPPED = Expected(start="wrong", monotone=False, has_trap=True)
COUPLED = Expected(couples_batch=True)
TABLE = {
    "dpo": Expected(),
    "cdpo": aims_at(log(9) / 0.1, "bounded", "constant"),
    "robust_dpo": Expected(right="constant", bounded_below=False),
    "exo": aims_at(log(999) / 0.1, "vanishing", "vanishing"),
    "ipo": aims_at(5, "polynomial", "growing"),
    "ipo_averaged": aims_at(5, "polynomial", "growing"),
    "hinge": Expected(plateau=(10, inf)),
    "exponential": Expected(left="exponential"),
    "truncated_quadratic": Expected(left="polynomial", plateau=(10, inf)),
    "squared": aims_at(10, "polynomial", "growing"),
    "savage": Expected(left="vanishing"),
    "discopop": TRAPPED,
    "dlrml": TRAPPED,
    "dlrml_learned": TRAPPED,
    "cell": Expected(left="exponential"),
    "nca": aims_at(2 * log(3) / 0.01, "bounded", "constant"),
    "bco": Expected(),
    "sppo_hard": aims_at(1000, "polynomial", "growing"),
    "apo_zero": Expected(left="vanishing"),
    "apo_down": Expected(
        monotone=False, has_trap=True, target=2 * acosh((1 + sqrt(5)) / 2) / 0.1, left="vanishing"
    ),
    "kto": Expected(left="vanishing", couples_batch=True),
    "aot": COUPLED,
    "aot_unpaired": COUPLED,
    "simpo": Expected(),
    "orpo": Expected(),
    "cpo": Expected(),
    "slic_hf": Expected(),
    "padll": Expected(jump=0.45 * log(2)),
    "pfl": Expected(jump=0.5 * log(2) - 2),
    "dbaql": Expected(monotone=False, has_trap=True, couples_batch=True, nan_alone=True),
    "aql": Expected(start="wrong", monotone=False, has_trap=True, couples_batch=True),
    "aqfl": Expected(couples_batch=True, nan_alone=True),
}


@pytest.mark.parametrize("name", TABLE)
def test_classification_is_the_one_made_by_hand(name, audit):
    """A user would be told another shape than the loss has.

    With z = βρ, or x = βρ/2 for a response on its own:

    - dpo: slope −σ(−z): −1 on the left, e^(−z) on the right. bco and aot are DPO on this path: bco is 2·sp(−x).
    - cdpo: −(1−ε)σ(−z) + εσ(z) = 0 at e^z = (1−ε)/ε = 9; constant on both sides.
    - robust_dpo: −σ(−z) − ε/(1−2ε) never turns; the second term stays on the right, so the loss has no bound.
    - exo: KL of (σ(z), σ(−z)) from (1−ε, ε): 0 at z = log 999; its slope σσ'(z − z*) decays on both sides.
    - ipo, squared, sppo: squares, of slope linear in ρ, smallest at 1/(2β) = 5, 1/β = 10 and 1/β = 1000 (on the path
      sppo is 2(ρ/2 − 1/(2β))²).
    - hinge, truncated_quadratic: 0 from ρ = 1/β = 10 on; linear and quadratic on the left.
    - exponential, cell: e^(−z) and half of it, the whole way.
    - savage: (1+e^z)^(−2) → 1 on the left, its slope as 2e^z. apo_zero on the path is 2σ(−x), kto as good as it.
    - discopop, dlrml: r = 20 and 80, above 9.777; r > 1, so the left tail is DPO's.
    - nca on the path is 1.5·sp(−x) + 0.5·sp(x): smallest at e^x = 3; slopes −1.5 and 0.5 by x.
    - apo_down on the path is σ(x) + σ(−2x): its slope is 0 where t + 1/t = 1 + √5, t = e^x, on both sides of 0; to
      the left of both it is 1 + e^x − e^2x + …, which falls for good: it wants the chosen response down as well.
    - simpo is DPO moved by γ/β; orpo, cpo, slic_hf add likelihood, which grows with ρ along the path, to decreasing
      functions of it; on the right the chosen response saturates and all of them level out.
    - padll: 0.45·sp(−z) for ρ<0, 0.9·sp(−z) from 0 on. pfl: 2(1−z) up to 0, then sp(−z)/2.
    - dbaql: the further a pair lies from the others the larger the spread and the less of the exponential there is
      in every pair: to the left of the others the sum falls until the logistic part takes over.
    - aql: dL/dz at 0 is 20·w(1−w)(1 − log 2) − w/2 − (1−w) = 1.44 − 0.69 with w = σ(0.5), as in DiscoPOP.
    - aqfl: its weight changes ten times as slowly: 2·(1/4)(1 − log 2) = 0.15 at most, against −0.5 or more.
    """
    expected, found = TABLE[name], audit(name)
    landscape, tails = found.landscape, found.tails
    assert landscape.start == expected.start
    assert landscape.monotone == expected.monotone
    assert (landscape.trap is not None) == expected.has_trap
    assert (landscape.target is None) == (expected.target is None)
    if expected.target is not None:
        # A root found to 1e-14 of the scale, of a slope that float64 knows to 1e-16 of its parts.
        assert landscape.target.rho == pytest.approx(expected.target, rel=1e-9)
    assert (tails.left_slope, tails.right_slope) == (expected.left, expected.right)
    assert tails.bounded_below == expected.bounded_below
    assert landscape.plateau == (expected.plateau and pytest.approx(expected.plateau, rel=1e-14))
    # The two sides of a jump are evaluated 1e-12 of a unit of z apart.
    jumps = [(jump.rho, jump.height) for jump in landscape.jumps]
    assert jumps == ([] if expected.jump is None else [(0.0, pytest.approx(expected.jump, abs=1e-9))])
    assert found.couples_batch == expected.couples_batch
    assert found.nan_at_micro_batch_1 == expected.nan_alone


@every_objective
def test_the_flag_says_what_is_measured(objective, audit):
    """Accumulation of gradients would change the result of a loss that is not flagged for it."""
    assert audit(objective.name).couples_batch == objective.couples_batch


@every_objective
def test_every_objective_starts_finite_in_a_micro_batch_of_equal_margins(objective):
    """All margins are 0 at the first step: a standard deviation has no slope there."""
    margins = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    loss = MarginLoss(objective, objective.defaults()).apply(margins)
    (slope,) = torch.autograd.grad(loss.sum(), margins)
    assert loss.isfinite().all()
    assert slope.isfinite().all()


@every_objective
def test_every_objective_is_finite_in_float32_at_every_margin_of_its_start(objective, audit):
    """Within 50 nats of the start no default may fail, whatever its formula."""
    limit = audit(objective.name).get_limit("float32")
    assert limit.left is None or limit.left < -50
    assert limit.right is None or limit.right > 50


def test_aql_of_the_paper_starts_right(audit):
    """The wrong start of AQL is the released code's weight s=1; the paper's 0.05 has 0.05·1.44 < 0.69."""
    assert audit("aql", weight_scale=0.05).landscape.monotone
    assert audit("aql").start_slope_z == pytest.approx(0.754, abs=0.01)


@pytest.mark.parametrize("name", ["kto", "aot", "aot_unpaired", "dbaql", "aql", "aqfl"])
@pytest.mark.parametrize("rho", [-7.0, -0.3, 0.4, 5.0])
def test_the_slope_of_a_coupled_loss_is_that_of_the_sum(name, rho):
    """What training follows is the gradient of the batch's mean, not of the pair's own loss.

    Central differences of the sum over the stated micro-batch; at a step of 1e-5 their error is some 1e-10 of
    curvature and 1e-11 of rounding.
    """
    objective = CATALOGUE[name]
    function = MarginLoss(objective, objective.defaults(), couples_batch=True)

    def get_sum(own: float) -> float:
        margins = torch.as_tensor(np.concatenate([[own], COMPANIONS]))
        return function.apply(margins, torch.as_tensor(np.concatenate([[0], REFERENCE_MARGINS]))).sum().item()

    difference = (get_sum(rho + 1e-5) - get_sum(rho - 1e-5)) / 2e-5
    loss, slope = function.evaluate(rho)
    assert slope[0] == pytest.approx(difference, abs=1e-8)
    # The value has the same differences; at 0 it is the pair's own loss.
    others = (
        get_sum(0.0) - function.apply_within(torch.tensor(0.0).double(), COMPANIONS, REFERENCE_MARGINS)[0]
    )
    assert loss[0] == pytest.approx(get_sum(rho) - others.item(), abs=1e-12)


@pytest.mark.parametrize("name", ["simpo", "orpo", "cpo", "slic_hf"])
def test_reference_free_losses_are_audited_at_log_probabilities(name):
    """A path into positive log-probabilities would audit a loss (ORPO's odds) where it does not exist."""
    objective = CATALOGUE[name]
    rho = torch.tensor([-1e4, -3.0, -1e-3, 0.0, 1e-3, 3.0, 1e4], dtype=torch.float64)
    chosen, rejected = get_responses(objective, rho)
    base = -2.0 if objective.length_normalised else -100.0
    assert all((each < base / 2 + 1e-12).all() for each in (chosen, rejected))
    torch.testing.assert_close(chosen - rejected, rho, rtol=1e-12, atol=1e-12)
    assert (chosen[3], rejected[3]) == (base, base)
    # At the start each response moves by half of the margin.
    torch.testing.assert_close(chosen[4] - base, torch.tensor(5e-4).double(), rtol=1e-3, atol=0)


def test_the_numbers_that_the_documentation_states(audit):
    """docs/audit.md names them as findings: DBAQL's and AQL's trap and barrier, at their default β=0.05."""
    dbaql, aql = audit("dbaql").landscape, audit("aql").landscape
    assert (round(dbaql.trap.rho, 2), round(dbaql.barrier.rho, 2), round(dbaql.barrier_height, 2)) == (
        -5.56,
        -0.26,
        0.56,
    )
    assert (round(aql.trap.rho, 2), round(audit("aql").start_slope_z, 2)) == (-1.83, 0.75)
    assert round(audit("dlrml").landscape.barrier_height, 4) == 0.2252
    assert (
        round(audit("padll").landscape.jumps[0].height, 2),
        round(audit("pfl").landscape.jumps[0].height, 2),
    ) == (
        0.31,
        -1.65,
    )
