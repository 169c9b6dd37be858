"""The losses discovered beside DiscoPOP: by hand, against the released arithmetic, in extreme inputs."""

from functools import partial
from math import exp, log, sqrt

import mpmath
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from mpmath import mpf

from lossgrid.objectives.catalogue.discovered import DISCOVERED
from lossgrid.objectives.discovered import aqfl_loss, aql_loss, cell_loss, dbaql_loss, padll_loss, pfl_loss

from .log_probabilities import with_margin

LOSSES = {
    "cell": cell_loss,
    "padll": padll_loss,
    "pfl": pfl_loss,
    "dbaql": dbaql_loss,
    "aql": aql_loss,
    "aqfl": aqfl_loss,
}
OF_THE_BATCH = ["dbaql", "aql", "aqfl"]
LARGEST = torch.finfo(torch.float32).max
every_loss = pytest.mark.parametrize("name", LOSSES)
every_batch_loss = pytest.mark.parametrize("name", OF_THE_BATCH)
# torch says that one pair has no variance; the tests of one pair are about what follows.
pytestmark = pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")


def test_the_family_is_these_six_and_says_which_couple_their_batch():
    """The audit would not warn that gradient accumulation changes the result."""
    assert {each.name: each.load() for each in DISCOVERED} == LOSSES
    assert [each.name for each in DISCOVERED if each.couples_batch] == OF_THE_BATCH


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return max(x, 0) + log(1 + exp(-abs(x)))


@pytest.mark.parametrize(
    ("loss", "rho", "expected"),
    [
        (cell_loss, [2.0, -2.0], [(softplus(-1) + exp(-1)) / 2, (softplus(1) + exp(1)) / 2]),
        (padll_loss, [2.0, -2.0, 0.0], [0.9 * softplus(-1), 0.45 * softplus(1), 0.9 * log(2)]),
        (pfl_loss, [2.0, -2.0, 0.0], [0.5 * softplus(-1), 4.0, 2.0]),
        (
            dbaql_loss,
            [0.1, -0.1],
            [
                sigmoid(2) * softplus(-0.05 / 0.9) + sigmoid(-2) * exp(-0.045),
                sigmoid(2) * softplus(0.05 / 0.9) + sigmoid(-2) * exp(0.045),
            ],
        ),
        (
            aql_loss,
            [0.2, -0.2],
            [
                sigmoid(-1.5) * softplus(-0.1) + sigmoid(1.5) * 0.9,
                sigmoid(2.5) * softplus(0.1) + sigmoid(-2.5) * 1.1,
            ],
        ),
        (
            aqfl_loss,
            [0.1, -0.1],
            [
                sigmoid(0.1 * (0.975 - 0.475 * sqrt(2))) * softplus(-0.05)
                + sigmoid(-0.1 * (0.975 - 0.475 * sqrt(2))) * 0.95,
                sigmoid(0.1 * (1.025 + 0.475 * sqrt(2))) * softplus(0.05)
                + sigmoid(-0.1 * (1.025 + 0.475 * sqrt(2))) * 1.05,
            ],
        ),
    ],
    ids=LOSSES,
)
def test_values_by_hand(loss, rho, expected):
    """Each formula worked out at β=0.5, so z = ρ/2 and u = z/0.05 = 10ρ.

    PFL: only the policy's chosen differs from 0, so ρ>0 is a pair in order; else 2·max(0, 1 − z): 2·2, and 2
    at 0, which is no order.
    DBAQL: u = ±1 has mean 0 and, over n−1 = 1, variance 2; 0.9·0.05 = 0.045.
    AQL: u = ±2 has mean 0, so q = 0.5: −(2 − 0.5) = −1.5, −(−2 − 0.5) = 2.5; the hinge is 1 ∓ 0.1.
    AQFL: u = ±1: std √2, mean of σ(−u) = ½: q = 0.95·√2/2 + 0.05·½ = 0.475√2 + 0.025, which is below 1.
    """
    found = loss(*with_margin(rho), beta=0.5)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=0)


def released(name, policy_chosen, policy_rejected, reference_chosen, reference_rejected, beta):
    """What `src/alignment/gpo.py` of the released code computes, pair by pair in plain numbers."""
    table = list(zip(policy_chosen, policy_rejected, reference_chosen, reference_rejected, strict=True))
    z = [beta * ((w - lo) - (rw - rl)) for w, lo, rw, rl in table]
    stretched = [each / 0.05 for each in z]
    centre = sum(stretched) / len(z)
    variance = sum((each - centre) ** 2 for each in stretched) / (len(z) - 1)
    if name == "cell":
        return [0.5 * exp(-each) + 0.5 * softplus(-each) for each in z]
    if name == "padll":
        return [0.9 * (0.5 if each < 0 else 1.0) * softplus(-each) for each in z]
    if name == "pfl":
        ordered = [w > lo for w, lo, *_ in table]
        return [
            softplus(-each) / 2 if right else max(0.0, 1 - each) * 2
            for each, right in zip(z, ordered, strict=True)
        ]
    if name == "dbaql":
        share = sigmoid(variance)
        return [share * softplus(-each / 0.9) + (1 - share) * exp(-each * 0.9) for each in z]
    if name == "aql":
        level = 0.5 + 0.01 * (sigmoid(centre) - 0.5)
        weights = [sigmoid(level - each) for each in stretched]
    else:
        level = sqrt(variance) * sum(sigmoid(-each) for each in stretched) / len(z)
        level += 0.05 * (sigmoid(centre) - level)
        weights = [sigmoid(0.1 * abs(each - level)) for each in stretched]
    return [w * softplus(-each) + (1 - w) * max(0.0, 1 - each) for w, each in zip(weights, z, strict=True)]


batches = st.integers(2, 5).flatmap(
    lambda pairs: st.tuples(*[st.lists(st.floats(-20, 0), min_size=pairs, max_size=pairs)] * 4)
)


@every_loss
@given(logps=batches, beta=st.sampled_from([0.01, 0.05, 0.1, 0.5]))
def test_each_is_the_released_code_s(name, logps, beta):
    """A reproduction of the paper's table would train another loss under its name.

    |ρ| ≤ 40, |z| ≤ 20, |u| ≤ 400: double precision keeps 1e-16 of them; 1−w is the difference of numbers near
    1.
    """
    found = LOSSES[name](*(torch.tensor(each, dtype=torch.float64) for each in logps), beta=beta)
    expected = torch.tensor(released(name, *logps, beta), dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def discovery_run(name, rho, policy_order, beta):
    """What the discovery run trained with (listed in App. E), where it differs: ρ itself in the weights."""
    centre = sum(rho) / len(rho)
    variance = sum((each - centre) ** 2 for each in rho) / (len(rho) - 1)
    if name == "pfl":
        return [
            softplus(-each) / 2 if right else max(0.0, 1 - each) * 2
            for each, right in zip(rho, policy_order, strict=True)
        ]
    if name == "dbaql":
        share = sigmoid(variance)
        return [share * softplus(-beta * each / 0.9) + (1 - share) * exp(-beta * each * 0.9) for each in rho]
    if name == "aql":
        level = 0.5 + 0.01 * (sigmoid(centre) - 0.5)
        weights = [sigmoid(-beta * (each - level)) for each in rho]
    else:
        level = 0.95 * sqrt(variance) * sum(sigmoid(-each) for each in rho) / len(rho) + 0.05 * sigmoid(
            centre
        )
        weights = [sigmoid(0.1 * abs(each - level)) for each in rho]
    return [
        w * softplus(-beta * each) + (1 - w) * max(0.0, 1 - beta * each)
        for w, each in zip(weights, rho, strict=True)
    ]


def compare_with_the_discovery_run(name, beta, rho=(-3.0, 0.4, 1.5, 6.0), **setting):
    """The largest difference, on four pairs of which the policy itself orders the last three."""
    found = LOSSES[name](*with_margin(rho), beta=beta, **setting)
    expected = discovery_run(name, rho, [each > 0 for each in rho], beta)
    return (found - torch.tensor(expected, dtype=torch.float64)).abs().max().item()


@pytest.mark.parametrize("name", ["dbaql", "aqfl"])
def test_dbaql_and_aqfl_are_the_discovery_run_s_at_its_beta_alone(name):
    """The published scores would be compared with another loss, or the correction be thought harmless.

    At β=0.05, u = z/0.05 is ρ. At β=0.5 it is 10ρ: another weight, and another loss by a tenth.
    """
    rho = (-0.3, 0.04, 0.15, 0.6) if name == "dbaql" else (-3.0, 0.4, 1.5, 6.0)
    assert compare_with_the_discovery_run(name, 0.05, rho) < 1e-13
    assert compare_with_the_discovery_run(name, 0.5, rho) > 0.05


def test_aql_of_the_discovery_run_has_a_weight_scale_of_a_twentieth():
    """The released correction of AQL is another loss than the one that the published scores belong to.

    The run has w = σ(−β(ρ − q)), β=0.05; the paper's Eq. 12 says σ(τq − βρ), τ=0.05, the same; the released
    code says σ(−(βρ/0.05 − q)), twenty times as steep at any β.
    """
    assert compare_with_the_discovery_run("aql", 0.05, weight_scale=0.05) < 1e-13
    assert compare_with_the_discovery_run("aql", 0.05) > 0.1


def test_pfl_of_the_discovery_run_had_no_beta():
    """The published PFL scores are those of z = ρ, β=1 here; at β=0.05 the released code is 20 times flatter.

    Eq. 29 divides z by τ=0.05, so that the paper's β=0.05 is our β=1.
    """
    assert compare_with_the_discovery_run("pfl", 1.0) < 1e-15
    # Misordered, ρ=−3: 2(1 + 3) against 2(1 + 0.15).
    assert compare_with_the_discovery_run("pfl", 0.05) == pytest.approx(5.7)


@every_loss
@given(
    rho=st.lists(st.floats(-20, 20, allow_subnormal=False), min_size=3, max_size=3),
    stretch=st.sampled_from([0.2, 2.0, 10.0]),
)
def test_another_beta_only_stretches_the_margin(name, rho, stretch):
    """β would change a loss's shape instead of its scale: all are functions of the batch's z = βρ.

    Margins at a jump (ρ=0 of PADLL and PFL) stay on their side, because the stretch keeps signs.
    """
    stretched = LOSSES[name](*with_margin([stretch * each for each in rho]), beta=0.05)
    found = LOSSES[name](*with_margin(rho), beta=0.05 * stretch)
    # u reaches 4000 here; (1e-16 of u)·0.1 in the exponent of 1−w.
    torch.testing.assert_close(found, stretched, rtol=1e-10, atol=1e-12)


@every_loss
def test_gradients_agree_with_finite_differences(name):
    """Training would follow another slope, or miss the part that flows through the statistics of the batch.

    All four tensors vary; the full matrix of (loss of pair i)/(tensor of pair j) is compared. Margins keep
    0.1 from the kinks and jumps (ρ=0, z=1, u=q); steps of 1e-6 err by 1e-12 times third derivatives (below
    1e4 at β=0.5, where u moves 10 times as fast as ρ) and by 1e-16/1e-6.
    """
    rho = torch.tensor([-1.5, -0.3, 0.4, 1.2, 3.0], dtype=torch.float64)
    steps = torch.arange(5, dtype=torch.float64)
    rejected, reference_chosen, reference_rejected = -12.0 - steps, -11.0 + steps, -13.0 - 2 * steps
    chosen = rho + rejected + reference_chosen - reference_rejected
    tensors = [each.requires_grad_() for each in (chosen, rejected, reference_chosen, reference_rejected)]
    assert torch.autograd.gradcheck(partial(LOSSES[name], beta=0.5), tensors, eps=1e-6, atol=1e-7, rtol=1e-6)


def get_influence(name):
    """How the loss of one pair moves with the margin of every pair."""
    chosen, *others = with_margin([-0.8, 0.3, 0.5, 1.1])
    chosen.requires_grad_()
    loss = LOSSES[name](chosen, *others)
    return torch.stack([torch.autograd.grad(each, chosen, retain_graph=True)[0] for each in loss])


@every_loss
def test_a_pair_s_loss_depends_on_other_pairs_exactly_where_the_catalogue_says(name):
    """`couples_batch` would be wrong: accumulation would change a result unsaid, or a warning cry wolf."""
    influence = get_influence(name)
    elsewhere = influence[~torch.eye(4, dtype=torch.bool)]
    assert (elsewhere != 0).all() if name in OF_THE_BATCH else (elsewhere == 0).all()


@every_loss
def test_halves_of_a_batch_give_other_losses_exactly_where_the_batch_is_coupled(name):
    """Gradient accumulation must be known to change these three losses, and no others."""
    tensors = with_margin([-0.8, 0.3, 0.5, 1.1])
    halves = torch.cat([LOSSES[name](*(each[part] for each in tensors)) for part in (slice(2), slice(2, 4))])
    assert torch.equal(LOSSES[name](*tensors), halves) == (name not in OF_THE_BATCH)


@pytest.mark.parametrize("name", ["dbaql", "aqfl"])
def test_one_pair_in_a_micro_batch_is_nan(name):
    """As in the released code, a variance over n−1 = 0: a number made up would hide that nothing trains."""
    chosen, *others = with_margin([1.0])
    loss = LOSSES[name](chosen.requires_grad_(), *others)
    (slope,) = torch.autograd.grad(loss.sum(), chosen)
    assert loss.isnan().all()
    assert slope.isnan().all()


def test_one_pair_is_enough_for_aql():
    """Its level is a mean: u = ρ = 1 at β=0.05, q = 0.5 + 0.01(σ(1) − 0.5), w = σ(q − 1)."""
    weight = sigmoid(0.5 + 0.01 * (sigmoid(1) - 0.5) - 1)
    expected = weight * softplus(-0.05) + (1 - weight) * 0.95
    assert aql_loss(*with_margin([1.0])).item() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("cell", -0.75),
        ("padll", -0.45),
        ("pfl", -2.0),
        ("dbaql", -1 / 3.6 - 0.45),
        ("aql", -1 + sigmoid(0.5) / 2 + 19.95 * sigmoid(0.5) * sigmoid(-0.5) * (1 - log(2))),
        ("aqfl", -1 + sigmoid(0.0025) / 2 + 1.975 * sigmoid(0.0025) * sigmoid(-0.0025) * (1 - log(2))),
    ],
)
def test_slope_at_the_start_of_training_by_hand(name, slope):
    """Where all ρ are 0 the deviation has no slope, and 0/0 would be the first gradient of every run.

    dL/dz, summed over the batch. CELL −½·½ − ½. PADLL 0.9·(−½), PFL 2·(−1). DBAQL c=½: −½·½/0.9 − ½·0.9; the
    variance is stationary. AQL: −w/2 − (1−w) with w = σ(½), and (log 2 − 1)·dw: dw/du = −w(1−w), du/dz = 20,
    and q moves with all u together by 0.01·σ′(0) = 0.0025: −w(1−w)·20·(1 − 0.0025). AQFL: u=0 lies below q =
    0.05·½ = 0.025, w = σ(0.0025); dw/du = −0.1·w(1−w)·20·(1 − 0.05·¼), torch takes the slope of the deviation
    as 0: −0.598. AQL's loss rises with the margin, +0.750, as DiscoPOP's does (+0.784).
    """
    chosen, *others = with_margin([0.0, 0.0, 0.0, 0.0])
    loss = LOSSES[name](chosen.requires_grad_(), *others)
    (found,) = torch.autograd.grad(loss.sum(), chosen)
    torch.testing.assert_close(found, torch.full_like(found, 0.05 * slope), rtol=1e-12, atol=0)


def test_aql_of_the_discovery_run_starts_downhill():
    """AQL would be called a loss with the wrong sign at the start, which only its released correction has.

    s=0.05: w = σ(0.025), −w/2 − (1−w) + (1 − log 2)·w(1−w)·20·0.05·(1 − 0.0025) = −0.670.
    """
    chosen, *others = with_margin([0.0, 0.0])
    loss = aql_loss(chosen.requires_grad_(), *others, weight_scale=0.05)
    (slope,) = torch.autograd.grad(loss.sum(), chosen)
    assert slope.tolist() == pytest.approx([0.05 * -0.6703] * 2, rel=1e-4)


def test_jump_of_padll_by_hand():
    """A misranked pair costs half of a tie: 0.45·log 2 just below ρ=0, 0.9·log 2 at it."""
    below, at = padll_loss(*with_margin([-1e-12, 0.0])).tolist()
    assert (below, at) == pytest.approx((0.45 * log(2), 0.9 * log(2)), rel=1e-12)


def test_pfl_asks_the_policy_and_not_the_margin():
    """The order of a pair is that of the policy's own sums: ρ = −1 in both pairs, but one is in order.

    Policy −4, −5 in order, reference −1, −3: ρ = 1 − 2 = −1. Policy −5, −4, reference both −1: ρ = −1.
    """
    tensors = torch.tensor(
        [[-4.0, -5.0], [-5.0, -4.0], [-1.0, -1.0], [-3.0, -1.0]], dtype=torch.float64
    ).unbind()
    found = pfl_loss(*tensors, beta=1.0)
    assert found.tolist() == pytest.approx([softplus(1) / 2, 4.0], rel=1e-13)


margins = st.one_of(st.floats(-1e5, 1e5, width=32), st.floats(-100, 100, width=32))
wide_batches = st.lists(margins, min_size=2, max_size=4)


@every_loss
@given(rho=wide_batches, beta=st.sampled_from([0.0078125, 0.0625, 0.5, 4.0]))
@example(rho=[-1e5, -1e5], beta=0.0078125)
@example(rho=[-200.0, 200.0], beta=4.0)
@example(rho=[-1e5, 1e5], beta=4.0)
@example(rho=[0.0, 0.0], beta=0.5)
def test_accurate_wherever_the_true_value_is_representable(name, rho, beta):
    """A run would diverge for the arithmetic's sake: the released DBAQL is 0·inf from z = −99 on.

    Against 50 digits; the β are powers of two, so that z is exact. Each part of the loss rounds by 6e-8 for
    each unit of its exponent; u − q subtracts numbers up to their sizes, the variance squares them.
    """
    exact, scales = in_fifty_digits(name, rho, mpf(beta))
    found = LOSSES[name](*with_margin(rho, torch.float32), beta=beta)
    for value, true, scale in zip(found.tolist(), exact, scales, strict=True):
        if abs(true) < 0.999 * LARGEST:
            assert value == pytest.approx(float(true), rel=1e-6, abs=float(scale) * 1e-6 + 1e-37)


def in_fifty_digits(name, rho, beta):
    """The losses, and the sizes that their errors are relative to."""
    with mpmath.workdps(50):
        z = [beta * mpf(each) for each in rho]
        u = [20 * each for each in z]
        centre = sum(u) / len(u)
        variance = sum((each - centre) ** 2 for each in u) / (len(u) - 1)

        def logistic(x):
            return mpmath.log1p(mpmath.exp(-x))

        def share(x):
            return 1 / (1 + mpmath.exp(-x))

        if name == "cell":
            parts = [(logistic(x) / 2, mpmath.exp(-x) / 2) for x in z]
            exponents = [abs(x) for x in z]
        elif name == "padll":
            parts = [(logistic(x) * mpf(0.9 if x >= 0 else 0.45), 0) for x in z]
            exponents = [abs(x) for x in z]
        elif name == "pfl":
            parts = [(logistic(x) / 2, 0) if x > 0 else (0, 2 * max(0, 1 - x)) for x in z]
            exponents = [abs(x) for x in z]
        elif name == "dbaql":
            tenths = mpf(9) / 10
            parts = [
                (share(variance) * logistic(x / tenths), share(-variance) * mpmath.exp(-x * tenths))
                for x in z
            ]
            exponents = [abs(x) + 10 * variance for x in z]
        else:
            deviation = mpmath.sqrt(variance)
            if name == "aql":
                level = mpf("0.5") + mpf("0.01") * (share(centre) - mpf("0.5"))
                logits = [level - x for x in u]
            else:
                level = deviation * sum(share(-x) for x in u) / len(u)
                level += mpf("0.05") * (share(centre) - level)
                logits = [abs(x - level) / 10 for x in u]
            parts = [
                (share(y) * logistic(x), share(-y) * max(0, 1 - x)) for x, y in zip(z, logits, strict=True)
            ]
            exponents = [abs(x) + abs(y) + 10 * deviation + abs(y) for x, y in zip(u, z, strict=True)]
        return [a + b for a, b in parts], [
            (a + b) * (1 + exponent) for (a, b), exponent in zip(parts, exponents, strict=True)
        ]


@every_loss
@given(rho=wide_batches, beta=st.sampled_from([0.0625, 0.5, 4.0]))
def test_slopes_in_float32_are_those_of_float64(name, rho, beta):
    """A gradient would be 0·inf where the loss is finite, or rounding.

    Compared with the largest slope of the micro-batch, which no float32 sum keeps better than its exponents'
    sizes allow. Left out: exponentials beyond float32, and nearly equal margins, where the slope is
    rounding's.
    """
    assume(max(rho) - min(rho) > 1e-2 * max(1e-20, *map(abs, rho)))
    slopes = []
    for dtype in (torch.float32, torch.float64):
        chosen, *others = with_margin(rho, dtype)
        loss = LOSSES[name](chosen.requires_grad_(), *others, beta=beta)
        slopes.append(torch.autograd.grad(loss.sum(), chosen)[0].double())
    largest = slopes[1].abs().max().item()
    assume(largest < LARGEST / 1e3 and loss.max() < LARGEST / 1e3)
    torch.testing.assert_close(slopes[0], slopes[1], rtol=0, atol=1e-3 * largest + 1e-30)


def test_dbaql_is_finite_where_the_released_product_is_not():
    """(1−c)·e^(−0.9z) is 0·inf in float32 from z = −99 on once the micro-batch spreads.

    β=1: z = ∓200, u = ∓4000, variance 3.2e7: the exponential part is e^(180 − 3.2e7) = 0, what is left is
    softplus(200/0.9) = 222.2 and softplus(−222.2) = 0.
    """
    tensors = with_margin([-200.0, 200.0], torch.float32)
    z = tensors[0]
    share = torch.sigmoid((z / 0.05).var())
    assert ((1 - share) * torch.exp(-0.9 * z)).isnan().tolist() == [True, False]
    assert dbaql_loss(*tensors, beta=1.0).tolist() == pytest.approx([200 / 0.9, 0.0], rel=1e-6, abs=1e-37)


@every_loss
def test_half_precision_is_raised_and_shapes_are_held_to(name):
    """A sum of a hundred tokens in bfloat16 would lose half a nat; a wrong shape would mix pairs."""
    tensors = with_margin([-3.0, 0.5, 2.0], torch.float32)
    for dtype in (torch.float16, torch.bfloat16):
        half = LOSSES[name](*(each.to(dtype) for each in tensors))
        assert half.dtype == torch.float32
        assert torch.equal(half, LOSSES[name](*tensors))  # these numbers are exact in either
    with pytest.raises(ValueError, match="one value a pair"):
        LOSSES[name](tensors[0], *(each[:1] for each in tensors[1:]))


@every_loss
@pytest.mark.parametrize("broken", range(4))
def test_nan_in_one_pair_does_not_vanish(name, broken):
    """A broken pair would train on as a good one. Through the statistics it spoils its whole micro-batch."""
    tensors = with_margin([-3.0, 0.5, 2.0])
    sound = LOSSES[name](*tensors)
    tensors[broken][1] = float("nan")
    found = LOSSES[name](*tensors)
    if name in OF_THE_BATCH:
        assert found.isnan().all()
    else:
        assert found.isnan().tolist() == [False, True, False]
        assert torch.equal(found[[0, 2]], sound[[0, 2]])
