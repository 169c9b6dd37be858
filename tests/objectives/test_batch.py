"""Losses that depend on the other pairs of the micro-batch, against values worked out by hand."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.objectives.batch import aot_loss, aot_unpaired_loss, kto_loss
from lossgrid.objectives.logistic import dpo_loss

from .log_probabilities import value_and_slopes, with_log_ratios, with_margin

# float64 carries 16 digits; the few operations of a loss lose at most some units in the last place.
EXACT = {"rtol": 1e-14, "atol": 1e-14}

# Multiples of 1/64: sums of them do not round, whatever their order.
logps = st.integers(-500 * 64, 0).map(lambda sixtyfourths: sixtyfourths / 64)
pairs = st.lists(st.tuples(logps, logps, logps, logps), min_size=1, max_size=8)


def columns(rows) -> list[torch.Tensor]:
    return list(torch.tensor(rows, dtype=torch.float64).unbind(1))


@pytest.mark.parametrize(
    ("chosen", "rejected", "losses"),
    [
        ([0.0, 0.0], [0.0, 0.0], [1 / 2, 1 / 2]),
        ([log(4.5), log(2)], [log(4), 0.0], [2 / 13 + 2 / 7, 3 / 8]),
        ([log(2), -log(4)], [-log(3), -log(3)], [7 / 24, 21 / 40]),
        ([log(3)], [log(2)], [2 / 5]),
    ],
)
@pytest.mark.parametrize("beta", [0.1, 2.5])
def test_kto_by_hand(chosen, rejected, losses, beta):
    """A response would be held against the mean of its own kind, or against a KL divergence below 0.

    At x = βr_w, y = βr_l: L = ½·1/(1+e^(x−K_l)) + ½·1/(1+e^(K_w−y)), K the mean of its kind, at least 0.
    x = (log 4.5, log 2): K_w = ½log 9 = log 3; y = (log 4, 0): K_l = log 2. x−K_l = (log 9/4, 0): 4/13, 1/2;
        K_w−y = (log 3/4, log 3): 4/7, 1/4. Means (2/13 + 2/7, 1/4 + 1/8).
    x = (log 2, −log 4), mean below 0: K_w = 0; y = −log 3 twice: K_l = 0. x: 1/3, 4/5; −y = log 3: 1/4 twice.
        Means 7/24 and 21/40.
    One pair: K_w = log 3, K_l = log 2: both are 1/(1+3/2), which is 1−σ(βρ).
    """
    tensors = with_log_ratios([each / beta for each in chosen], [each / beta for each in rejected])
    torch.testing.assert_close(kto_loss(*tensors, beta=beta).tolist(), losses, **EXACT)


@pytest.mark.parametrize(
    ("chosen", "rejected", "of_chosen", "of_rejected"),
    [
        # p = (4/13, 1/2): p(1−p) = 36/169, 1/4, sum 313/676. q = (4/7, 1/4): 12/49, 3/16, sum 339/784.
        ([log(4.5), log(2)], [log(4), 0.0], (36 / 169, 1 / 4, 339 / 784), (12 / 49, 3 / 16, 313 / 676)),
        # p = (1/3, 4/5): 2/9, 4/25. q = (1/4, 1/4): 3/16 twice. Both means are below 0 and have no gradient.
        ([log(2), -log(4)], [-log(3), -log(3)], (2 / 9, 4 / 25, 0.0), (3 / 16, 3 / 16, 0.0)),
        # The start of training: ¼ everywhere, and the means count.
        ([0.0, 0.0], [0.0, 0.0], (1 / 4, 1 / 4, 1 / 2), (1 / 4, 1 / 4, 1 / 2)),
    ],
)
@pytest.mark.parametrize("beta", [0.1, 2.5])
def test_kto_differentiates_its_means(chosen, rejected, of_chosen, of_rejected, beta):
    """KTO would be trained with the gradient of HALOs, which detaches K, under the DiscoPOP code's name.

    With p = 1/(1+e^(x−K_l)), q = 1/(1+e^(K_w−y)), of the sum of both losses: by r_w −β/2·[p(1−p) + ½Σq(1−q)], by
    r_l +β/2·[q(1−q) + ½Σp(1−p)]; the second parts are those of K, 0 where it is clamped. Where all log-ratios are 0
    K_w and K_l count: as much as everything else together.
    """
    value, by_chosen, by_rejected = value_and_slopes(
        kto_loss, [each / beta for each in chosen], [each / beta for each in rejected], beta=beta
    )
    assert value.shape == (2,)
    *own, through_mean = of_chosen
    expected = [-beta / 2 * (each + through_mean / 2) for each in own]
    torch.testing.assert_close(by_chosen.tolist(), expected, **EXACT)
    *own, through_mean = of_rejected
    expected = [beta / 2 * (each + through_mean / 2) for each in own]
    torch.testing.assert_close(by_rejected.tolist(), expected, **EXACT)


@given(rows=pairs)
def test_kto_of_a_batch_is_the_mean_of_the_released_values(rows):
    """Our one value a pair would weigh chosen and rejected responses unlike the 2·batch values of DiscoPOP's code.

    Their mean, written out with 1−σ. |x| up to 50 in an exponential and 16 terms: 1e-14.
    """
    tensors = columns(rows)
    chosen, rejected = tensors[0] - tensors[2], tensors[1] - tensors[3]
    chosen_kl, rejected_kl = (max(0.0, each.mean().item()) for each in (chosen, rejected))
    of_chosen = 1 - torch.sigmoid(0.1 * (chosen - rejected_kl))
    of_rejected = 1 - torch.sigmoid(0.1 * (chosen_kl - rejected))
    released = torch.cat([of_chosen, of_rejected]).mean()
    torch.testing.assert_close(kto_loss(*tensors, beta=0.1).mean(), released, rtol=0, atol=1e-14)


# Margins (log 6, 0, log 3) against (log 2, log 3, 0): of equal rank log 6 − log 3, 0 − 0, log 3 − log 2.
RANKED = [log(3 / 2), log(2), log(5 / 3)]


@pytest.mark.parametrize("beta", [0.1, 2.5])
def test_aot_by_hand(beta):
    """A loss would stand at another pair, or margins of unequal rank would meet.

    Differences of equal rank (log 2, 0, log 3/2) give log(1+1/2), log 2, log(1+2/3). For paired data these are the
    margins of policy and reference; for unpaired the log-ratios of chosen and rejected.
    """
    values = [
        torch.tensor(each, dtype=torch.float64) / beta for each in ([log(6), 0, log(3)], [log(2), log(3), 0])
    ]
    zero = torch.zeros(3, dtype=torch.float64)
    paired = aot_loss(values[0] - 40, zero - 40, values[1] - 50, zero - 50, beta=beta)
    # Subtracting 40 or 50 rounds at 1e-14.
    torch.testing.assert_close(paired.tolist(), RANKED, rtol=0, atol=1e-13)
    unpaired = aot_unpaired_loss(values[0] - 40, values[1] - 50, zero - 40, zero - 50, beta=beta)
    torch.testing.assert_close(unpaired.tolist(), RANKED, rtol=0, atol=1e-13)


@pytest.mark.parametrize("function", [aot_loss, aot_unpaired_loss])
@given(rows=pairs)
def test_aot_of_one_pair_is_dpo(function, rows):
    """With one pair a device there is nothing to transport: another loss than DPO would be an error of rank."""
    for row in rows:
        tensors = columns([row])
        assert torch.equal(function(*tensors, beta=0.1), dpo_loss(*tensors, beta=0.1))


@given(rows=pairs)
def test_aot_of_pairs_in_the_reference_s_order_is_dpo(rows):
    """AOT would change what it has no reason to: sorted alike, the margin of equal rank is the pair's own."""
    chosen, rejected, reference_chosen, reference_rejected = columns(rows)
    margin, reference = (
        (chosen - rejected).sort().values,
        (reference_chosen - reference_rejected).sort().values,
    )
    zero = torch.zeros_like(margin)
    ordered = (margin, zero, reference, zero)
    assert torch.equal(aot_loss(*ordered, beta=0.1), dpo_loss(*ordered, beta=0.1))


@pytest.mark.parametrize("function", [aot_loss, aot_unpaired_loss])
@given(rows=pairs, shuffle=st.randoms(use_true_random=False))
def test_aot_forgets_who_was_paired_with_whom(function, rows, shuffle):
    """The losses would depend on the partner they were drawn with, and not compare distributions.

    The reference's margins, or the rejected responses, are exchanged among the pairs: the same losses, bit for bit.
    """
    tensors = columns(rows)
    exchanged = (2, 3) if function is aot_loss else (1, 3)
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    others = [tensor[order] if place in exchanged else tensor for place, tensor in enumerate(tensors)]
    assert torch.equal(function(*others, beta=0.1), function(*tensors, beta=0.1))


@given(rows=pairs)
def test_aot_is_the_cheapest_transport(rows):
    """Another matching than that of equal ranks would not be the optimal transport of the loss's name.

    For a convex cost no matching is cheaper than that of equal ranks: not that of the pairs, which is DPO.
    """
    tensors = columns(rows)
    # Eight terms of up to 200, rounded at 1e-16.
    assert aot_loss(*tensors, beta=0.1).sum() <= dpo_loss(*tensors, beta=0.1).sum() + 1e-12
    assert aot_unpaired_loss(*tensors, beta=0.1).sum() <= dpo_loss(*tensors, beta=0.1).sum() + 1e-12


def test_equal_margins_meet_the_reference_in_the_order_of_the_batch():
    """Ties would be broken differently from run to run: two equal margins of 1 against −1 and 3: 1−(−1), 1−3."""
    tensors = with_margin([1.0, 1.0])
    tensors[2] = torch.tensor([3.0, -1.0]).double()
    expected = dpo_loss(*with_margin([2.0, -2.0]), beta=0.1)
    assert torch.equal(aot_loss(*tensors, beta=0.1), expected)


@pytest.mark.parametrize(
    ("function", "broken", "seen"),
    [
        (kto_loss, 0, [True, True, True]),
        (kto_loss, 3, [True, True, True]),
        (aot_loss, 0, [False, True, False]),
        (aot_loss, 2, [True, False, False]),
        (aot_unpaired_loss, 0, [False, True, False]),
        (aot_unpaired_loss, 3, [True, False, False]),
    ],
)
def test_where_a_nan_is_seen(function, broken, seen):
    """A diagnosis would look for the broken pair in the wrong place, or the documentation send it there.

    The second pair's log-probability is broken. KTO's means carry it to all. AOT ranks it highest: broken in the
    policy (paired) or the chosen response (unpaired) it is the pair's own loss, otherwise that of the first pair,
    which has the largest margin and log-ratio.
    """
    tensors = with_log_ratios([9.0, 1.0, -3.0], [1.0, 0.0, 2.0])
    tensors[broken][1] = float("nan")
    assert function(*tensors).isnan().tolist() == seen


def test_defaults_are_the_documented_ones():
    """A study that names no β would silently train with another one: 0.1 for KTO, 0.01 for AOT."""
    tensors = with_log_ratios([9.0, 1.0, -3.0], [1.0, 0.0, 2.0])
    for function, beta in ((kto_loss, 0.1), (aot_loss, 0.01), (aot_unpaired_loss, 0.01)):
        assert torch.equal(function(*tensors), function(*tensors, beta=beta))
