"""The shapes of a study's losses: what each says of a margin, and which way it pushes."""

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from lossgrid.figures.style import get_look, save_figure, set_style, shade

COLUMNS = 4
# An objective with more settings has a panel for each value of all its hyper-parameters but the last.
SETTINGS = 6
LINES = ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (9, 2)), (0, (3, 3)), (0, (9, 2, 3, 2))]
# What a panel shows, in units of z = βρ; to the left of −1 the loss may leave it at the top.
SHOWN = 3.0
RISING = "#CC79A7"
# A slope below this, relative to the largest shown, is flat: its sign is that of a rounding error.
FLAT = 1e-6
# Beyond this ratio of its largest to its finest feature, an axis is logarithmic away from 0.
LINEAR = 20.0
# In inches.
HEIGHT, LEGEND_LINE = 1.15, 0.105


def plot_loss_shapes(shapes: pd.DataFrame, title: str, paths: Sequence[Path]) -> None:
    """Draw every loss and its force −dL/dρ over the margin ρ, a panel an objective.

    A positive force raises the margin of a pair; where it is negative, the loss rises with the margin and training
    lowers it. These stretches are shaded and minima and maxima of the loss are marked. The two evaluations of a
    modulated loss are one function and one line. Margins and forces are on axes that are linear around 0 and
    logarithmic beyond, which show the same shape at strengths that differ by orders of magnitude.

    Args:
        shapes: Samples of every setting in ascending margins: columns objective, title, label, evaluation, rho
            (nats), z (βρ), loss and slope (dL/dρ, 1/nat).
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    panels = list(_split(shapes))
    rows = math.ceil(len(panels) / COLUMNS)
    columns = max(math.ceil(len(panels) / rows), 2)
    # A band below the axes of each row holds their legends: beside the axes they would hide something.
    bands = [
        LEGEND_LINE
        * max(sum(map(_count_lines, settings)) for _, _, settings in panels[first : first + columns])
        for first in range(0, len(panels), columns)
    ]
    heights = [height for band in bands for height in (HEIGHT, HEIGHT, band)]
    figure = plt.figure(figsize=(7.0, 0.8 + sum(heights) + 0.55 * rows), layout="constrained")
    grid = figure.subplots(3 * rows, columns, squeeze=False, height_ratios=heights)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, (heading, objective, settings) in enumerate(panels):
        row, column = divmod(number, columns)
        upper, lower, below = grid[3 * row : 3 * row + 3, column]
        _draw_panel(upper, lower, below, settings, get_look(objective).colour)
        upper.set_title(heading, loc="left", fontsize=7.5)
        if column == 0:
            upper.set_ylabel("loss of a pair", fontsize=7)
            lower.set_ylabel("force −dL/dρ, 1/nat", fontsize=7)
    marks = {"linestyle": "none", "marker": "o", "markeredgecolor": "black", "markersize": 4}
    handles = [
        Patch(color=RISING, alpha=0.3, label="loss rises with ρ: training lowers the margin"),
        Line2D([], [], markerfacecolor="black", label="minimum", **marks),
        Line2D([], [], markerfacecolor="white", label="maximum", **marks),
        Line2D([], [], color="black", linewidth=0.7, linestyle=(0, (2, 2)), label="start of training, ρ = 0"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    save_figure(figure, paths)


def _split(shapes: pd.DataFrame) -> Iterator[tuple[str, str, dict[str, pd.DataFrame]]]:
    """The panels: heading, objective, and the samples of each setting by its label."""
    for objective, group in shapes.groupby("objective", sort=False):
        settings = _merge_evaluations(group)
        heading = group["title"].iloc[0]
        if len(settings) <= SETTINGS:
            yield heading, objective, settings
            continue
        families: dict[str, dict] = {}
        for label, samples in settings.items():
            shared, _, own = label.rpartition(", ")
            families.setdefault(shared, {})[own] = samples
        for shared, family in families.items():
            labels = list(family)
            for first in range(0, len(labels), len(LINES)):
                part = {label: family[label] for label in labels[first : first + len(LINES)]}
                yield f"{heading}, {shared}" if shared else heading, objective, part


def _merge_evaluations(group: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The samples of each setting by its label, a setting in two evaluations once."""
    samples = dict(list(group.groupby("label", sort=False)))
    merged = {}
    for label, rows in samples.items():
        plain = label.removesuffix(f", {rows['evaluation'].iloc[0]}")
        # The published evaluation alone keeps its name.
        merged[plain if plain in samples else label] = samples.get(plain, rows)
    return merged


def _draw_panel(
    upper: Axes, lower: Axes, below: Axes, settings: dict[str, pd.DataFrame], colour: str
) -> None:
    for number, (label, rows) in enumerate(settings.items()):
        style = {
            "color": shade(colour, number / max(len(settings) - 1, 1)),
            "linestyle": LINES[number % len(LINES)],
            "linewidth": 1.1,
        }
        _draw_setting(upper, lower, rows, label, style)
    _scale(upper, lower, [rows[rows["z"].abs() <= SHOWN] for rows in settings.values()])
    for axes in (upper, lower):
        axes.set_axis_on()
        axes.axvline(0, color="black", linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
        axes.tick_params(labelsize=6)
    lower.axhspan(lower.get_ylim()[0], 0, color=RISING, alpha=0.18, linewidth=0, zorder=0)
    upper.tick_params(labelbottom=False)
    lower.set_xlabel("margin ρ, nats", fontsize=6.5, labelpad=1)
    legend = below.legend(
        *upper.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(-0.1, 1.0), fontsize=6,
        handlelength=3, frameon=False, handletextpad=0.5, borderpad=0, borderaxespad=0, labelspacing=0.25,
    )  # fmt: skip
    legend.set_in_layout(False)


def _draw_setting(upper: Axes, lower: Axes, rows: pd.DataFrame, label: str, style: dict) -> None:
    rho, loss, slope = (rows[name].to_numpy(float) for name in ("rho", "loss", "slope"))
    upper.plot(rho, loss, label=_wrap(label), zorder=3, **style)
    lower.plot(rho, -slope, zorder=3, **style)
    signs = _get_signs(rows)
    upper.plot(
        rho, np.where(signs > 0, loss, np.nan), color=RISING, alpha=0.3, linewidth=4.5, zorder=2,
        solid_capstyle="butt",
    )  # fmt: skip
    for position, is_minimum in _find_extrema(rho, slope, signs):
        for axes, height in ((upper, np.interp(position, rho, loss)), (lower, 0)):
            axes.plot(
                position, height, marker="o", markersize=3.2, zorder=4, markeredgewidth=0.8,
                markeredgecolor=style["color"], color=style["color"] if is_minimum else "white",
            )  # fmt: skip


def _get_signs(rows: pd.DataFrame) -> np.ndarray:
    """−1, 0 or 1 a sample; 0 where the loss is flat or not finite."""
    slope = rows["slope"].to_numpy(float)
    largest = np.nanmax(np.abs(slope[rows["z"].abs() <= SHOWN]))
    return np.sign(np.where(np.abs(slope) > FLAT * largest, slope, 0))


def _find_extrema(rho: np.ndarray, slope: np.ndarray, signs: np.ndarray) -> Iterator[tuple[float, bool]]:
    """Where the slope changes its sign, and whether the loss has a minimum there."""
    sloping = np.flatnonzero(signs)
    for left, right in pairwise(sloping):
        if signs[left] != signs[right]:
            share = slope[left] / (slope[left] - slope[right])
            yield rho[left] + share * (rho[right] - rho[left]), signs[left] < 0


def _scale(upper: Axes, lower: Axes, settings: list[pd.DataFrame]) -> None:
    """Set the limits to what is shown, and the linear part of each axis to its finest features."""
    shown = pd.concat(settings)
    found = [(rows, place) for rows in settings for place, _ in _find_extrema(*_get_arrays(rows))]
    widths = [abs(place) for _, place in found if place] + [rows["rho"].max() / SHOWN for rows in settings]
    width = shown["rho"].abs().max()
    for axes in (upper, lower):
        _set_axis(axes.xaxis, axes.set_xscale, min(widths), width, 3)
        axes.set_xlim(-width, width)
    extrema = [np.interp(place, rows["rho"], rows["loss"]) for rows, place in found]
    low, high = shown["loss"].min(), max(shown.loc[shown["z"] >= -1, "loss"].max(), *extrema, -np.inf)
    upper.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    upper.yaxis.set_major_locator(MaxNLocator(5))
    upper.yaxis.set_major_formatter(FuncFormatter(_say_tick))
    forces = [rows["slope"].abs().max() for rows in settings]
    low, high = -shown["slope"].max(), max(-shown["slope"].min(), 0)
    # Room below 0 in any case: that no loss goes there is worth seeing.
    _set_axis(lower.yaxis, lower.set_yscale, min(forces), max(forces), 5)
    lower.set_ylim(min(1.2 * low, -0.25 * min(max(forces), 2 * min(forces))), 1.2 * high)


def _set_axis(axis: Axis, set_scale: Callable, finest: float, largest: float, count: int) -> None:
    """Linear, or like the inverse hyperbolic sine: linear up to the finest feature and logarithmic beyond."""
    if largest <= LINEAR * finest:
        axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 5, 10]))
    else:
        set_scale("asinh", linear_width=finest / 2)
        exponents = range(math.floor(math.log10(largest)), math.floor(math.log10(finest)) - 1, -1)
        spacing = 1.15 / count
        ticks, edge = [], 1 + spacing
        for exponent in exponents:
            place = math.asinh(2 * 10.0**exponent / finest) / math.asinh(2 * largest / finest)
            if spacing <= place <= edge - spacing:
                ticks, edge = [*ticks, 10.0**exponent], place
        axis.set_major_locator(FixedLocator([*(-tick for tick in ticks), 0.0, *ticks]))
        # Ticks without numbers show that the axis is not linear.
        digits = range(1, 10) if len(exponents) <= 3 else [1]
        every = [digit * 10.0**exponent for exponent in exponents for digit in digits]
        axis.set_minor_locator(FixedLocator([*(-tick for tick in every), *every]))
        axis.set_minor_formatter(NullFormatter())
        axis.set_tick_params(which="minor", length=2, width=0.4, color="#888888", bottom=True, left=True)
    axis.set_major_formatter(FuncFormatter(_say_tick))


def _get_arrays(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rows["rho"].to_numpy(float), rows["slope"].to_numpy(float), _get_signs(rows)


def _wrap(label: str) -> str:
    """The label in short lines; a name stays with its value."""
    joined = ", ".join(part.replace(" ", "\u00a0") for part in label.split(", "))
    return textwrap.fill(joined, 24).replace("\u00a0", " ")


def _count_lines(label: str) -> int:
    return _wrap(label).count("\n") + 1


def _say_tick(value: float, _position: int) -> str:
    return f"{value:g}".replace("-", "−")
