"""A drawn figure, to be asked what is on it and where."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.text import Text

CROSS = MarkerStyle("x").get_path().transformed(MarkerStyle("x").get_transform()).vertices


class Capture:
    """Keeps the figures that a module saves.

    Attributes:
        figure: The last one.
    """

    def __init__(self, monkeypatch, module):
        keep = module.save_figure

        def save(figure, paths):
            self.figure = figure
            keep(figure, paths)

        monkeypatch.setattr(module, "save_figure", save)


def get_bars(axes: Axes) -> dict[tuple[float, float], tuple[float, float] | None]:
    """The ends of the horizontal interval of every marker, by the marker's place; None without an interval."""
    found = {}
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        place = tuple(map(float, container.lines[0].get_xydata()[0]))
        segments = [line.get_segments() for line in container.lines[2]]
        ends = segments[0][0][:, 0] if segments and segments[0] else [np.nan]
        found[place] = tuple(map(float, ends)) if np.isfinite(ends).all() else None
    return found


def get_points(axes: Axes) -> list[tuple[float, float]]:
    """The places of all points without an interval."""
    drawn = [points for points in axes.collections if isinstance(points, PathCollection)]
    return [tuple(map(float, place)) for points in drawn for place in points.get_offsets()]


def find_crosses(axes: Axes) -> list[tuple[float, float]]:
    """The places of the crosses of diverged runs: no other marker has their shape."""
    crosses = [
        drawn
        for drawn in axes.collections
        if isinstance(drawn, PathCollection) and np.array_equal(drawn.get_paths()[0].vertices, CROSS)
    ]
    return [tuple(map(float, place)) for drawn in crosses for place in drawn.get_offsets()]


def find_overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts, legends and ticks included, of which one covers a part of the other."""
    figure.canvas.draw()
    hidden = {text for axes in figure.axes for text in find_hidden(axes)}
    texts = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in texts
        if text.get_text().strip() and text not in hidden
    ]
    # Boxes have room for the tallest letters above and below the others, and frames may meet.
    return [
        (one, other)
        for (one, box), (other, its) in combinations(boxes, 2)
        if min(box.x1, its.x1) - max(box.x0, its.x0) > 1 and min(box.y1, its.y1) - max(box.y0, its.y0) > 3
    ]


def find_hidden(axes: Axes) -> Iterator[Text]:
    """Labels that are not drawn: those of hidden axes, and of ticks beyond the ends."""
    if not axes.axison:
        yield from (axes.xaxis.label, axes.yaxis.label)
    for child in axes.child_axes:
        yield from find_hidden(child)
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not (axes.axison and low <= tick.get_loc() <= high):
                yield from (tick.label1, tick.label2)
