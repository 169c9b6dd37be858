"""What a loss of pairs may depend on: each pair on itself, and most losses on the margin alone."""

import pytest
import torch
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from .cases import BEYOND_THE_LOG_RATIOS, BEYOND_THE_MARGIN, CASES, UNBOUNDED_BELOW
from .log_probabilities import TOKENS, with_margin

# torch warns of the variance of a single pair, which test_shapes_and_dtypes.py names as NaN.
pytestmark = pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning")

COUPLED = [name for name, cases in CASES.items() if cases[0].objective.couples_batch]
APART = [name for name in CASES if name not in COUPLED]

# Summed log-probabilities of responses of up to a thousand tokens. Multiples of 1/64 below 2^12 add without
# rounding in float64, so that what is one number in exact arithmetic is one number here.
logps = st.integers(-2000 * 64, -1).map(lambda sixtyfourths: sixtyfourths / 64)
rows_of = st.tuples(logps, logps, logps, logps)
pairs = st.lists(rows_of, min_size=1, max_size=6)
several_pairs = st.lists(rows_of, min_size=2, max_size=6)


def every_loss(names=tuple(CASES)):
    """Run a property for each of the losses: 20 draws of a setting and of up to 6 pairs."""
    return lambda test: pytest.mark.parametrize("name", names)(settings(max_examples=20)(test))


def draw_case(data, name):
    case = data.draw(st.sampled_from(CASES[name]))
    note(str(case))
    return case


def columns(case, rows) -> list[torch.Tensor]:
    """One tensor per log-probability, from one row per pair; averaged where the loss takes averages."""
    tensor = torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)
    return list((tensor / TOKENS if case.objective.length_normalised else tensor).unbind(1))


@every_loss()
@given(rows=pairs, shuffle=st.randoms(use_true_random=False), data=st.data())
def test_permuting_the_batch_permutes_the_losses(name, rows, shuffle, data):
    """A pair's loss would depend on its place in the batch, and so on the data order."""
    case = draw_case(data, name)
    if name == "aot":  # among equal margins the earlier pair takes the smaller reference margin
        assume(len({row[0] - row[1] for row in rows}) == len(rows))
    if name == "aot_unpaired":
        assume(len({row[0] - row[2] for row in rows}) == len(rows))
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    shuffled = case(*columns(case, [rows[each] for each in order]))
    # Vectorised and remainder kernels, and sums in another order, may round the last bit differently: a few
    # units of 1e-16, grown by the exponents (below 745 where the result is not 0) to 1e-12.
    torch.testing.assert_close(
        shuffled, case(*columns(case, rows))[order], rtol=1e-11, atol=0, equal_nan=True
    )


@every_loss(APART)
@given(rows=pairs, data=st.data())
def test_each_loss_is_that_of_its_pair_alone(name, rows, data):
    """The micro-batch would change the result, and gradient accumulation with it; masking a pair out would
    not be the same as leaving it out.
    """
    case = draw_case(data, name)
    together = case(*columns(case, rows))
    alone = torch.cat([case(*columns(case, [row])) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-11, atol=0, equal_nan=True)  # as above


@every_loss(APART)
@given(rows=several_pairs, data=st.data())
def test_masked_pair_is_a_removed_pair(name, rows, data):
    """A pair of weight 0 would still move the parameters, or move the losses of the others."""
    case = draw_case(data, name)
    masked = data.draw(st.integers(0, len(rows) - 1))
    weights = torch.ones(len(rows), dtype=torch.float64)
    weights[masked] = 0
    # 0·inf is NaN: divided by 32, |z| ≤ 125 keeps every exponential finite in float64.
    tensors = [tensor.div(32).requires_grad_() for tensor in columns(case, rows)]
    kept = [tensor.detach()[weights > 0].requires_grad_() for tensor in tensors]
    count = len(case.objective.arguments)
    gradients = torch.autograd.grad((weights * case(*tensors)).sum(), tensors[:count])
    expected = torch.autograd.grad(case(*kept).sum(), kept[:count])
    for gradient, of_kept in zip(gradients, expected, strict=True):
        assert gradient[masked] == 0
        torch.testing.assert_close(gradient[weights > 0], of_kept, rtol=1e-11, atol=1e-300)  # as above


# Margins small enough that no statistic of the batch saturates, ranks that the third pair changes: log-ratios
# (1/8, 1/4, −1/16) and (−1/8, 3/8, 3/16), margins (7/4, −17/8, 11/8) of the policy, (3/2, −2, 13/8) of the reference.
BATCH = [
    (-40.875, -42.625, -41.0, -42.5),
    (-30.75, -28.625, -31.0, -29.0),
    (-50.5625, -51.9375, -50.5, -52.125),
]
# The same margins ρ of (1/4, −1/8, −1/4) from other responses.
SAME_MARGINS = [
    (-42.125, -40.875, -42.5, -41.0),
    (-28.25, -30.125, -29.0, -31.0),
    (-52.1875, -50.3125, -52.125, -50.5),
]


@pytest.mark.parametrize("name", CASES)
def test_batches_are_coupled_exactly_where_the_catalogue_says_so(name):
    """The audit would warn of a loss that gradient accumulation cannot change, or not of one that it can.

    Of three pairs the third is left out: where the batch couples, the losses of the other two change.
    """
    for case in CASES[name]:
        whole, without = case(*columns(case, BATCH))[:2], case(*columns(case, BATCH[:2]))
        # Rounding is below 1e-14, and a change of 1e-9 would be no coupling worth the name.
        assert torch.allclose(whole, without, rtol=1e-9, atol=0) == (not case.objective.couples_batch), case


@every_loss([name for name in CASES if name not in BEYOND_THE_LOG_RATIOS])
@given(rows=pairs, shift=logps, response=st.sampled_from([0, 1]), data=st.data())
def test_shift_of_policy_and_reference_alike_changes_nothing(name, rows, shift, response, data):
    """The loss would reward a response for being likely, not for being likelier than under the reference.

    The same amount is added to policy and reference, of the chosen (0) or of the rejected (1) responses.
    """
    case = draw_case(data, name)
    moved = columns(case, rows)
    before = case(*moved)
    moved[response] = moved[response] + shift
    moved[response + 2] = moved[response + 2] + shift
    torch.testing.assert_close(case(*moved), before, rtol=0, atol=0, equal_nan=True)


@every_loss([name for name in CASES if name not in BEYOND_THE_MARGIN])
@given(rows=pairs, data=st.data())
def test_loss_depends_on_the_margin_alone(name, rows, data):
    """Two pairs of one margin would have two losses, and no curve over ρ would describe training."""
    case = draw_case(data, name)
    chosen, rejected, reference_chosen, reference_rejected = columns(case, rows)
    rho = (chosen - rejected) - (reference_chosen - reference_rejected)
    torch.testing.assert_close(
        case(*with_margin(rho.tolist())), case(*columns(case, rows)), rtol=0, atol=0, equal_nan=True
    )


@pytest.mark.parametrize("name", sorted(BEYOND_THE_MARGIN))
def test_the_others_do_not_depend_on_the_margin_alone(name):
    """The test above would leave out a loss that a curve over ρ does describe."""
    for batch in (BATCH, SAME_MARGINS):
        assert [(row[0] - row[1]) - (row[2] - row[3]) for row in batch] == [0.25, -0.125, -0.25]
    for case in CASES[name]:
        one, other = case(*columns(case, BATCH)), case(*columns(case, SAME_MARGINS))
        assert not torch.allclose(one, other, rtol=1e-9, atol=0), case


@every_loss(APART)
@given(rows=pairs, data=st.data())
def test_nan_stays_in_its_pair(name, rows, data):
    """One broken pair would hide itself, or break the losses and gradients of the others."""
    case = draw_case(data, name)
    count = len(case.objective.arguments)
    broken, at = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, len(rows) - 1))
    whole = [tensor.div(32) for tensor in columns(case, rows)][:count]  # as above
    tensors = [tensor.clone() for tensor in whole]
    tensors[broken][at] = float("nan")
    for tensor in (*whole, *tensors):
        tensor.requires_grad_()
    loss, sound = case(*tensors), case(*whole)
    slopes = torch.autograd.grad(loss.sum(), tensors)
    sound_slopes = torch.autograd.grad(sound.sum(), whole)
    others = torch.arange(len(rows)) != at
    assert loss[at].isnan()
    torch.testing.assert_close(loss[others], sound[others], rtol=0, atol=0)
    for slope, sound_slope in zip(slopes, sound_slopes, strict=True):
        torch.testing.assert_close(slope[others], sound_slope[others], rtol=0, atol=0)


@every_loss(COUPLED)
@given(rows=pairs, broken=st.integers(0, 3), data=st.data())
def test_nan_is_seen_where_pairs_are_coupled(name, rows, broken, data):
    """A broken pair would be sorted or averaged away, and the run would go on with a wrong loss."""
    case = draw_case(data, name)
    tensors = columns(case, rows)
    tensors[broken][data.draw(st.integers(0, len(rows) - 1))] = float("nan")
    assert case(*tensors).isnan().any()


@every_loss([name for name in CASES if name not in UNBOUNDED_BELOW])
@given(rows=pairs, data=st.data())
def test_no_loss_is_negative(name, rows, data):
    """A negative loss would mean that a term has the wrong sign: all but robust DPO are sums of positive parts."""
    case = draw_case(data, name)
    loss = case(*columns(case, rows))
    # EXO's parts cancel to 0 at its optimum: a few units of 1e-16 of −log ε = 9 remain there.
    assert not (loss < -1e-14).any()
