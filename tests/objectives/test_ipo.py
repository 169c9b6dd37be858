"""IPO, summed and averaged, against values worked out by hand."""

import pytest
import torch

from lossgrid.objectives.ipo import ipo_averaged_loss, ipo_loss

from .log_probabilities import value_and_slope

# float64 carries 16 digits; the few operations of a loss lose at most some units in the last place.
EXACT = {"rtol": 1e-14, "atol": 1e-14}


@pytest.mark.parametrize(
    ("beta", "rho", "loss", "slope"),
    [
        (0.25, 0.0, 4.0, -4.0),
        (0.25, 2.0, 0.0, 0.0),
        (0.25, 3.0, 1.0, 2.0),
        (0.25, -1.0, 9.0, -6.0),
        (0.1, -20.0, 625.0, -50.0),
        (2.5, 0.7, 0.25, 1.0),
    ],
)
@pytest.mark.parametrize("function", [ipo_loss, ipo_averaged_loss])
def test_ipo_by_hand(function, beta, rho, loss, slope):
    """A wrong target margin or scale would train IPO towards another optimum.

    L = (ρ − 1/(2β))², dL/dρ = 2(ρ − 1/(2β)), for a margin of sums and for one of averages.
    β=0.25, target 2: ρ=0: (−2)²=4, −4. ρ=2: 0, 0. ρ=3: 1²=1, 2. ρ=−1: (−3)²=9, −6.
    β=0.1, target 5: ρ=−20: (−25)²=625, −50. β=2.5, target 0.2: ρ=0.7: 0.5²=0.25, 1.
    """
    value, derivative = value_and_slope(function, [rho], beta=beta)
    torch.testing.assert_close(value.item(), loss, **EXACT)
    torch.testing.assert_close(derivative.item(), slope, **EXACT)


def test_averaged_and_summed_are_two_losses():
    """A study would compare one IPO with itself: they differ wherever responses have more than one token.

    Chosen 4 tokens, log-ratio +2; rejected 2 tokens, log-ratio −1; β=0.5, target 1.
    Summed: ρ = 3, (3−1)² = 4. Averaged: ρ̄ = 2/4 − (−1/2) = 1, (1−1)² = 0.
    """
    sums = [torch.tensor([each]) for each in (-10.0, -9.0, -12.0, -8.0)]
    averages = [each / tokens for each, tokens in zip(sums, (4, 2, 4, 2), strict=True)]
    assert ipo_loss(*sums, beta=0.5).item() == 4.0
    assert ipo_averaged_loss(*averages, beta=0.5).item() == 0.0


def test_defaults_are_the_documented_ones():
    """A study that names no β would silently train with another one: at β=0.1 and ρ=3, (3−5)² = 4."""
    for function in (ipo_loss, ipo_averaged_loss):
        torch.testing.assert_close(value_and_slope(function, [3.0])[0].item(), 4.0, **EXACT)
