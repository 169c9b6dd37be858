"""Preference labels: as noisy as Bradley and Terry say, and honest about ties."""

from math import exp, sqrt
from random import Random

import pytest

from lossgrid.worlds.reviews.preferences import label_pair
from lossgrid.worlds.reviews.reward import score_reply

BEST = "the cast is superb ."  # 6 points
FAINT = "the cast is not dreadful ."  # 3.6 points
OTHER_BEST = "the cast was superb ."  # 6 points
WORST = "the cast is awful ."  # -2 points


@pytest.mark.parametrize(
    ("reply_a", "reply_b", "gap", "temperature"),
    [
        (BEST, OTHER_BEST, 0.0, 1.0),
        (BEST, FAINT, 2.4, 1.0),
        (FAINT, BEST, -2.4, 1.0),
        (BEST, FAINT, 2.4, 3.0),
        (BEST, WORST, 8.0, 4.0),
    ],
)
def test_labels_are_as_noisy_as_bradley_and_terry_say(reply_a, reply_b, gap, temperature):
    """A wrong noise level would move every optimum of β that the study reports."""
    rng, draws = Random(2), 10_000
    wins = sum(label_pair(rng, reply_a, reply_b, "acting", temperature)[0] == reply_a for _ in range(draws))
    expected = 1 / (1 + exp(-gap / temperature))
    # Four standard deviations of a binomial share: a correct labeller fails once in 16,000 seeds.
    assert abs(wins / draws - expected) < 4 * sqrt(expected * (1 - expected) / draws)


def test_rewards_go_with_their_replies():
    """Swapped rewards would turn every noisy label into a clean one and back."""
    seen = set()
    for seed in range(40):
        chosen, rejected, reward_chosen, reward_rejected = label_pair(
            Random(seed), BEST, FAINT, "acting", 3.0
        )
        assert {chosen, rejected} == {BEST, FAINT}
        assert reward_chosen == score_reply(chosen, "acting").total
        assert reward_rejected == score_reply(rejected, "acting").total
        seen.add(chosen)
    assert seen == {BEST, FAINT}


def test_identical_replies_are_a_tie_however_they_are_spaced():
    """A pair of equal replies has no gradient in any loss but would count as a training pair."""
    assert label_pair(Random(0), BEST, BEST, "acting", 1.0) is None
    assert label_pair(Random(0), BEST, f"  {BEST} ", "acting", 1.0) is None


def test_a_tie_does_not_change_the_labels_after_it():
    """Otherwise one policy sampling one more tie would relabel the whole data set."""
    with_tie, without_tie = Random(9), Random(9)
    label_pair(with_tie, BEST, BEST, "acting", 1.0)
    label_pair(without_tie, BEST, WORST, "acting", 1.0)
    assert with_tie.random() == without_tie.random()


def test_a_tiny_temperature_is_noiseless_and_does_not_overflow():
    """exp(8 / 1e-4) overflows a double: a study of clean labels would crash."""
    for seed in range(20):
        assert label_pair(Random(seed), WORST, BEST, "acting", 1e-4)[0] == BEST
        assert label_pair(Random(seed), BEST, WORST, "acting", 1e-4)[0] == BEST


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_without_meaning_is_refused(temperature):
    """A negative temperature would prefer the worse reply without a word."""
    with pytest.raises(ValueError, match="temperature"):
        label_pair(Random(0), BEST, WORST, "acting", temperature)
