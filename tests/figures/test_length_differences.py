"""The figure of length differences holds every pair, also those far away."""

import numpy as np
import pytest
from captured import Capture, find_overlaps
from hypothesis import given
from hypothesis import strategies as st
from made_up_lengths import make_lengths, make_skewed_lengths
from matplotlib.patches import Rectangle

from lossgrid.figures import length_differences
from lossgrid.figures.length_differences import BINS, count_beyond, cut_into_bins, plot_length_differences

SIZES = st.lists(st.integers(1, 5000), max_size=50).map(np.array)


@given(SIZES, st.floats(0, 5000))
def test_every_difference_is_in_one_bin(sizes, reach):
    """Against counting by the bins' own definition."""
    width, counts, beyond = cut_into_bins(sizes.astype(int), reach)
    starts = [place * width for place in range(len(counts))]
    assert counts.tolist() == [int(((sizes > start) & (sizes <= start + width)).sum()) for start in starts]
    assert counts.sum() + beyond == len(sizes)
    assert len(counts) * width >= reach
    assert len(counts) <= BINS


def draw(lengths, data, tmp_path, monkeypatch):
    """The figure."""
    capture = Capture(monkeypatch, length_differences)
    plot_length_differences(lengths, data, "A study", [tmp_path / "a.svg"])
    return capture.figure


@pytest.mark.parametrize("n", [1, 2, 10, 300, 301, 100_000])
def test_bars_add_up_to_all_pairs(n, tmp_path, monkeypatch):
    """Pairs that were cut off would be those whose length a loss could exploit most."""
    lengths, data = make_skewed_lengths(n)
    figure = draw(lengths, data, tmp_path, monkeypatch)
    bars = [patch.get_height() for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert sum(bars) == pytest.approx(100)
    assert find_overlaps(figure) == []


def test_bars_right_of_zero_are_pairs_whose_chosen_response_is_longer(tmp_path, monkeypatch):
    """A sign that is turned round would tell the opposite; 10 of 16 pairs here, 2 of one length."""
    figure = draw(*make_lengths([9, 8, 7, 2] * 4, [1, 7, 9, 2] * 3 + [1, 7, 5, 1]), tmp_path, monkeypatch)
    bars = {patch.get_x() + patch.get_width() / 2: patch.get_height() for patch in figure.axes[0].patches}
    assert sum(height for centre, height in bars.items() if centre > 0) == pytest.approx(100 * 10 / 16)
    assert bars[0.0] + bars[-2.0] == pytest.approx(100 * 6 / 16)
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert any(text.startswith("chosen longer: 62.5 %") for text in said)
    assert any(text.startswith("rejected longer: 18.8 %") for text in said)
    # (4·8 + 4·1 − 3·2 + 2 + 1)/16 = 33/16.
    assert any(text.startswith("mean 2.1 (") for text in said)


def test_responses_of_one_length_are_one_bar(tmp_path, monkeypatch):
    """Nothing to spread: no interval of width 0 may stop the figure."""
    figure = draw(*make_lengths([7] * 500, [7] * 500), tmp_path, monkeypatch)
    heights = [patch.get_height() for patch in figure.axes[0].patches]
    assert sorted(heights)[-1] == pytest.approx(100)
    assert find_overlaps(figure) == []


def test_what_lies_far_away_is_counted_by_side():
    """Of 1,000 pairs 990 lie within one token; a bin of one token on either side, 7 and 3 beyond."""
    differences = np.array([1] * 500 + [-1] * 490 + [900] * 3 + [-900] * 7)
    assert count_beyond(differences) == (1, 7, 3)
