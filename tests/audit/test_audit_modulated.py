"""The modulated family: what the audit measures on the loss is what its closed forms in r say."""

import doctest
from math import exp, log

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import lossgrid.audit.objective
from lossgrid.audit import Audit, audit_objective
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies.start_warnings import BOUNDED_FROM, MONOTONE_UP_TO, RIGHT_START_UP_TO

DLRML = CATALOGUE["dlrml"]


def audit_ratio(ratio: float) -> Audit:
    """The audit of dLRML at β_kl=0.05, τ=0.05 and the β_mix of a ratio."""
    return audit_objective(DLRML, DLRML.defaults() | {"beta_mix": ratio * 0.05 * 0.05})


def bisect(is_beyond, low: float, high: float, width: float) -> float:
    """The ratio from which on a verdict holds."""
    assert not is_beyond(audit_ratio(low))
    assert is_beyond(audit_ratio(high))
    while high - low > width:
        middle = (low + high) / 2
        low, high = (low, middle) if is_beyond(audit_ratio(middle)) else (middle, high)
    return (low + high) / 2


def test_the_start_turns_wrong_at_9_777():
    """Settings on the wrong side of 3/(1 − ln 2) would be called right, or warned of without need."""
    found = bisect(lambda audit: audit.landscape.start == "wrong", 5, 15, 1e-5)
    assert round(found, 3) == 9.777
    # The bisection's own width.
    assert found == pytest.approx(RIGHT_START_UP_TO, abs=1e-5)
    assert pytest.approx(3 / (1 - log(2)), rel=1e-15) == RIGHT_START_UP_TO


def test_the_trap_opens_at_9_109():
    """The constant that warns without torch would be another than where the loss ceases to be monotone.

    Just beyond, the stretch of a wrong slope is a thousandth of a unit of z wide: the audit must find it there.
    """
    found = bisect(lambda audit: not audit.landscape.monotone, 8.5, 9.7, 1e-6)
    assert round(found, 3) == 9.109
    # Six digits: the constant's last one and the bisection's width.
    assert found == pytest.approx(MONOTONE_UP_TO, abs=2e-6)


def test_the_left_tail_is_bounded_from_1_on():
    """The one shape that is an error in a study, an exponential tail, would begin at another r than 1."""
    found = bisect(lambda audit: audit.tails.left_slope == "bounded", 0.5, 2, 1e-5)
    assert round(found, 3) == 1.0
    # r = 1 itself is bounded: slope −1 and 1 more than DPO.
    assert audit_ratio(BOUNDED_FROM).tails.left_slope == "bounded"


@pytest.mark.parametrize(
    ("name", "minimum", "maximum"),
    [
        ("discopop", (-0.1186, 0.7859), (0.0720, 0.8783)),
        ("dlrml", (-0.0486, 0.7244), (0.0389, 0.9496)),
    ],
)
def test_extrema_of_the_published_settings(audit, name, minimum, maximum):
    """Trap and barrier of DiscoPOP (r=20) and of dLRML's default (r=80), in z = 0.05·ρ, would be elsewhere."""
    landscape = audit(name).landscape
    assert [point.kind for point in landscape.stationary] == ["minimum", "maximum"]
    assert landscape.stationary == (landscape.trap, landscape.barrier)
    for point, (z, loss) in zip(landscape.stationary, (minimum, maximum), strict=True):
        assert (round(0.05 * point.rho, 4), round(point.loss, 4)) == (z, loss)
    assert landscape.barrier_height == landscape.barrier.loss - landscape.trap.loss
    assert landscape.target is None


def test_extrema_of_the_default_in_nats(audit):
    """The trap of dLRML's default would be drawn at other margins than −0.97 and +0.78 nats."""
    landscape = audit("dlrml").landscape
    assert (round(landscape.trap.rho, 2), round(landscape.barrier.rho, 2)) == (-0.97, 0.78)


def test_slopes_at_the_start(audit):
    """The numbers that the documentation states: +0.784 in z for DiscoPOP, +5.39 for dLRML's default."""
    assert round(audit("discopop").start_slope_z, 3) == 0.784
    assert round(audit("dlrml").start_slope_z, 2) == 5.39
    assert audit("dlrml").landscape.start_slope == pytest.approx(
        0.05 * audit("dlrml").start_slope_z, rel=1e-14
    )


def test_a_right_start_beside_a_trap():
    """Between 9.109 and 9.777 a user would be told that nothing is wrong."""
    audit = audit_ratio(9.4)
    assert audit.landscape.start == "right"
    assert not audit.landscape.monotone
    trap, barrier = audit.landscape.trap, audit.landscape.barrier
    assert trap.rho < barrier.rho < 0
    assert "right sign at the start (slope −0.0289 in z), but trap at" in audit.verdict


def test_the_equivalent_discopop(audit):
    """dLRML(0.05, 0.2, 0.05) is DiscoPOP of β=0.05 and τ′ = 0.05·0.05/0.2 = 0.0125; r = 80."""
    found = audit("dlrml")
    assert found.ratio == 80
    assert found.equivalent_discopop == pytest.approx((0.05, 0.0125), rel=1e-15)
    assert audit("dpo").equivalent_discopop is None
    same = audit("discopop", tau=0.0125).landscape
    for one, other in zip(found.landscape.stationary, same.stationary, strict=True):
        # Both roots are found to 1e-14 of a unit of z, that is of 20 nats.
        assert one.rho == pytest.approx(other.rho, abs=1e-12)


def test_verdict_of_discopop(audit):
    """The sentence by which a user decides, with its numbers: trap −0.11857/0.05, 0.8783 − 0.7859."""
    assert audit("discopop").verdict == (
        "wrong sign at the start: training first lowers the margin (slope +0.784 in z), trap at ρ=−2.37 behind a "
        "barrier of 0.0924 at ρ=1.44"
    )
    published = audit("discopop", beta=5.0, evaluation="published").verdict
    assert published.endswith("; not finite in float32 left of ρ=−17.7")


def test_the_example_of_the_documentation():
    """The first lines that a reader tries."""
    assert doctest.testmod(lossgrid.audit.objective) == doctest.TestResults(failed=0, attempted=3)


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(log(low), log(high)).map(exp)


@given(beta_kl=log_uniform(0.01, 100), ratio=log_uniform(0.05, 1000), tau=log_uniform(0.01, 2))
@hypothesis_settings(max_examples=40)
def test_any_setting_is_what_its_ratio_says(beta_kl, ratio, tau):
    """At some scale of margin the audit would miss a trap, or see one that is rounding."""
    setting = DLRML.defaults() | {"beta_kl": beta_kl, "beta_mix": ratio * tau * beta_kl, "tau": tau}
    exact = float(DLRML.get_mix_ratio(setting))
    # Nearer to a border the verdict is a matter of the audit's own rounding.
    assume(all(abs(exact - border) > 1e-4 for border in (BOUNDED_FROM, MONOTONE_UP_TO, RIGHT_START_UP_TO)))
    audit = audit_objective(DLRML, setting)
    # The slope by z is −3/4 + r(1 − ln 2)/4: some units of 1e-16 of its largest part.
    assert audit.start_slope_z == pytest.approx(-0.75 + exact * (1 - log(2)) / 4, rel=1e-12, abs=1e-13)
    assert audit.landscape.start == ("wrong" if exact > RIGHT_START_UP_TO else "right")
    assert audit.landscape.monotone == (exact <= MONOTONE_UP_TO)
    assert (audit.landscape.trap is None) == audit.landscape.monotone
    assert len(audit.landscape.stationary) == (0 if audit.landscape.monotone else 2)
    assert audit.tails.left_slope == ("exponential" if exact < BOUNDED_FROM else "bounded")
    assert (audit.tails.right_slope, audit.tails.bounded_below) == ("vanishing", True)
