"""Labels find places where they hide neither each other nor the data."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lossgrid.figures.labels import LEADER, place_labels
from lossgrid.figures.style import set_style

CLUSTERS = {
    "a cell of its own": [(0.5, 0.5)],
    "two cells at one place": [(0.5, 0.5), (0.5, 0.5)],
    "corners": [(0, 0), (0, 1), (1, 0), (1, 1)],
    "a tight cluster": [(0.5 + 0.03 * x, 0.5 + 0.03 * y) for x in range(3) for y in range(3)],
    "a frontier": [(x, np.sqrt(x)) for x in np.linspace(0.05, 0.9, 12)],
}


@pytest.fixture
def axes():
    set_style()
    figure, axes = plt.subplots(figsize=(7.0, 4.6))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    yield axes
    plt.close(figure)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_labels_keep_clear_of_each_other_of_points_and_of_the_frame(cluster, axes):
    """A label over another cannot be read; one outside is cut off in the paper."""
    points = CLUSTERS[cluster]
    axes.scatter(*zip(*points, strict=True))
    place_labels(axes, points, [f"β_kl 0.05, β_mix {n}" for n in range(len(points))], ["black"] * len(points))
    axes.figure.canvas.draw()
    boxes = [label.get_bbox_patch().get_window_extent() for label in axes.texts]
    assert len(boxes) == len(points)
    frame = axes.get_window_extent()
    for box in boxes:
        # A pixel is 0.01 inch here; antialiased edges may touch the frame's line.
        assert box.x0 >= frame.x0 - 1
        assert box.x1 <= frame.x1 + 1
        assert box.y0 >= frame.y0 - 1
        assert box.y1 <= frame.y1 + 1
        assert not any(box.contains(*point) for point in axes.transData.transform(points))
    for one, other in combinations(boxes, 2):
        width = min(one.x1, other.x1) - max(one.x0, other.x0)
        height = min(one.y1, other.y1) - max(one.y0, other.y0)
        # Half a letter's height of the white frames around the texts may meet.
        assert width <= 0 or height <= 3


def test_a_label_keeps_off_a_curve(axes):
    """A setting that a curve runs through is the one that the reader wants to read."""
    axes.plot([0, 1], [0.5, 0.5], color="black")
    place_labels(axes, [(0.5, 0.5)], ["β 0.05"], ["black"])
    axes.figure.canvas.draw()
    box = axes.texts[0].get_bbox_patch().get_window_extent()
    height = axes.transData.transform((0.5, 0.5))[1]
    assert not box.y0 < height < box.y1


def test_a_line_leads_to_a_label_that_is_far(axes):
    """Among many points a far label without a line belongs to any of them."""
    points = CLUSTERS["a tight cluster"]
    place_labels(axes, points, ["β 0.05"] * len(points), ["black"] * len(points))
    axes.figure.canvas.draw()
    leads = 0
    for label, point in zip(axes.texts, axes.transData.transform(points), strict=True):
        box = label.get_bbox_patch().get_window_extent()
        gap = np.hypot(
            max(box.x0 - point[0], 0, point[0] - box.x1), max(box.y0 - point[1], 0, point[1] - box.y1)
        )
        leads += label.arrow_patch.get_visible()
        assert label.arrow_patch.get_visible() or gap <= LEADER * axes.figure.dpi / 72
    assert leads > 0


def test_a_line_leads_to_a_label_that_is_nearer_to_another_point(axes):
    """It would be read as that point's, however near to its own it is."""
    near = 0
    for spacing in (0.02, 0.03, 0.06):
        points = [(0.5 + spacing * x, 0.5 + spacing * y) for x in range(3) for y in range(3)]
        place_labels(axes, points, ["β_kl 0.05, β_mix 0.2"] * len(points), ["black"] * len(points))
        axes.figure.canvas.draw()
        centres = axes.transData.transform(points)
        for number, label in enumerate(axes.texts):
            box = label.get_bbox_patch().get_window_extent()
            beyond = np.maximum(np.maximum([box.x0, box.y0] - centres, centres - [box.x1, box.y1]), 0)
            gaps = np.hypot(*beyond.T)
            mistaken = np.delete(gaps, number).min() < gaps[number]
            near += mistaken and gaps[number] < LEADER * axes.figure.dpi / 72
            assert label.arrow_patch.get_visible() or not mistaken
        for label in list(axes.texts):
            label.remove()
    assert near > 0, "no label here needs a line for this reason alone"


def test_labels_are_placed_the_same_every_time(axes):
    """Figures are compared byte by byte."""
    positions = []
    for _ in range(2):
        place_labels(axes, CLUSTERS["a frontier"], ["β 0.05"] * 12, ["black"] * 12)
        positions.append([label.get_position() for label in axes.texts])
        for label in list(axes.texts):
            label.remove()
    assert positions[0] == positions[1]
