"""Labels beside points, put where they hide least."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection

# In points from the marker's centre to the text's near edge; from LEADER on, a line leads to the text.
DISTANCES = (7, 10, 14, 19, 25, 32, 40, 50, 62, 76, 92)
LEADER = 12
# Nearer to another point than so many times the distance to its own, a text needs a line as well.
MISTAKEN = 1.25
ANGLES = np.deg2rad([0, 180, 90, 270, 45, 315, 135, 225, 22, 338, 158, 202])
ROUNDS = 3
BACKGROUND = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7}


def place_labels(
    axes: Axes, points: Sequence[tuple[float, float]], texts: Sequence[str], colours: Sequence[str]
) -> None:
    """Write a text beside each point, in the place of a fan around it that hides the least.

    Args:
        axes: Axes with their final limits and everything drawn that labels shall keep clear of.
        points: Data coordinates.
        texts: A label a point.
        colours: A colour a label.
    """
    figure = axes.figure
    figure.canvas.draw()
    scale = figure.dpi / 72
    frame = axes.get_window_extent()
    centres = axes.transData.transform(np.asarray(points, float).reshape(-1, 2))
    obstacles = np.vstack([_find_obstacles(axes, 6 * scale), *_spread(centres, 4 * scale)])
    labels = [
        axes.annotate(
            text, point, xytext=(0, 0), textcoords="offset points", fontsize=6.5, color=colour, ha="center",
            va="center", zorder=6, bbox=BACKGROUND,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3},
        )
        for text, point, colour in zip(texts, points, colours, strict=True)
    ]  # fmt: skip
    # The first drawing gives an annotation with an arrow its size.
    figure.canvas.draw()
    sizes = [label.get_bbox_patch().get_window_extent() for label in labels]
    places: list = [None] * len(labels)
    leaders = [np.zeros((0, 2))] * len(labels)
    for number in list(range(len(labels))) * ROUNDS:
        others = [place for other, place in enumerate(places) if place is not None and other != number]
        lines = np.vstack([np.zeros((0, 2)), *leaders[:number], *leaders[number + 1 :]])
        best = None
        for distance in DISTANCES:
            for angle in ANGLES:
                # The text's near edge, not its centre, keeps the distance.
                dx = np.cos(angle) * (distance * scale + sizes[number].width / 2)
                dy = np.sin(angle) * (distance * scale + sizes[number].height / 2)
                box = _get_box(centres[number] + (dx, dy), sizes[number])
                hidden = _count_inside(obstacles, box)
                overlap = sum(_overlap(box, other) for other in others)
                cost = distance + 3 * hidden + overlap + 1e3 * _outside(box, frame)
                leader = np.zeros((0, 2))
                # Beside another point it would be read as that point's.
                strangers = np.delete(centres, number, axis=0)
                mistaken = _get_gap(box, strangers) < MISTAKEN * scale * distance
                cost += 15 * mistaken
                if led := distance >= LEADER or mistaken:
                    leader = np.linspace(centres[number], centres[number] + (dx, dy), 16)
                crossed = sum(_count_inside(leader, other) for other in others) + _count_inside(lines, box)
                cost += 10 * crossed
                if best is None or cost < best[0]:
                    best = (cost, dx / scale, dy / scale, box, led, leader)
        _, *offset, places[number], led, leaders[number] = best
        labels[number].set_position(offset)
        labels[number].arrow_patch.set_visible(led)


def _find_obstacles(axes: Axes, spacing: float) -> np.ndarray:
    """Points, shape (m, 2) in pixels, along every line and at every marker of the axes."""
    found = [np.zeros((0, 2))]
    for line in axes.get_lines():
        vertices = line.get_transform().transform(line.get_xydata())
        found += [vertices] if line.get_linestyle() in ("None", "none") else _sample(vertices, spacing)
    for collection in axes.collections:
        if isinstance(collection, LineCollection):
            for segment in collection.get_segments():
                found += _sample(collection.get_transform().transform(segment), spacing)
        elif isinstance(collection, PathCollection):
            offsets = collection.get_offset_transform().transform(np.asarray(collection.get_offsets()))
            # Sizes are areas in square points.
            radius = np.sqrt(max(collection.get_sizes(), default=0)) / 2 * axes.figure.dpi / 72
            found += _spread(offsets, radius)
    obstacles = np.vstack(found)
    return obstacles[np.isfinite(obstacles).all(axis=1)]


def _sample(vertices: np.ndarray, spacing: float) -> list[np.ndarray]:
    vertices = np.clip(vertices[np.isfinite(vertices).all(axis=1)], -1e5, 1e5)
    return [
        np.linspace(start, end, 1 + int(np.hypot(*(end - start)) / spacing))
        for start, end in pairwise(vertices)
    ]


def _spread(centres: np.ndarray, radius: float) -> list[np.ndarray]:
    steps = np.linspace(-radius, radius, 5)
    return [centre + np.array([(dx, dy) for dx in steps for dy in steps]) for centre in centres]


def _count_inside(points: np.ndarray, box: np.ndarray) -> int:
    return int(((points >= box[:2]) & (points <= box[2:])).all(axis=1).sum())


def _get_box(centre: np.ndarray, size) -> np.ndarray:
    half = np.array([size.width, size.height]) / 2
    return np.concatenate([centre - half, centre + half])


def _get_gap(box: np.ndarray, points: np.ndarray) -> float:
    """From a box to the nearest of the points, in pixels; infinite without points."""
    beyond = np.maximum(np.maximum(box[:2] - points, points - box[2:]), 0)
    return float(np.hypot(*beyond.T).min(initial=np.inf))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(sides.prod()) if (sides > 0).all() else 0.0


def _outside(box: np.ndarray, frame) -> float:
    return (
        max(frame.x0 - box[0], 0)
        + max(box[2] - frame.x1, 0)
        + max(frame.y0 - box[1], 0)
        + max(box[3] - frame.y1, 0)
    )
