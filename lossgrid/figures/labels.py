"""Labels beside points, put where they hide least."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

DISTANCES = (7, 13, 21, 31)
ANGLES = np.deg2rad([0, 180, 90, 270, 45, 315, 135, 225])


def place_labels(
    axes: Axes, points: Sequence[tuple[float, float]], texts: Sequence[str], colours: Sequence[str]
) -> None:
    """Write a text beside each point, in the first free place of a fan of places around it.

    Args:
        axes: Axes with their final limits.
        points: Data coordinates.
        texts: A label a point.
        colours: A colour a label.
    """
    figure = axes.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    scale = figure.dpi / 72
    centres = axes.transData.transform(np.asarray(points, float).reshape(-1, 2))
    taken = [(x - 4 * scale, y - 4 * scale, x + 4 * scale, y + 4 * scale) for x, y in centres]
    for (x, y), point, text, colour in zip(centres, points, texts, colours, strict=True):
        label = axes.annotate(
            text, point, xytext=(0, 0), textcoords="offset points", fontsize=6, color=colour,
            ha="center", va="center", zorder=6,
        )  # fmt: skip
        box = label.get_window_extent(renderer)
        width, height = box.width, box.height
        best = None
        for distance in DISTANCES:
            for angle in ANGLES:
                # The text's near edge, not its centre, keeps the distance.
                dx = np.cos(angle) * (distance * scale + width / 2)
                dy = np.sin(angle) * (distance * scale + height / 2)
                place = (x + dx - width / 2, y + dy - height / 2, x + dx + width / 2, y + dy + height / 2)
                cost = (
                    sum(_overlap(place, other) for other in taken) + 1e3 * _outside(place, frame) + distance
                )
                if best is None or cost < best[0]:
                    best = (cost, dx, dy, place)
        _, dx, dy, place = best
        label.set_position((dx / scale, dy / scale))
        taken.append(place)


def _overlap(one, other) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _outside(place, frame) -> float:
    return (
        max(frame.x0 - place[0], 0) + max(place[2] - frame.x1, 0)
        + max(frame.y0 - place[1], 0) + max(place[3] - frame.y1, 0)
    )  # fmt: skip
