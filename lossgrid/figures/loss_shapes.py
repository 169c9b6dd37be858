"""The shapes of a study's losses: what each says of a margin, and which way it pushes."""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from lossgrid.figures.looks import WRONG_ZONE, get_look
from lossgrid.figures.loss_shape_panels import SHOWN, Panel, find_extrema, get_signs, split_into_panels
from lossgrid.figures.setting_labels import count_lines, wrap_label
from lossgrid.figures.style import TEXT_WIDTH, get_shades, save_figure, set_style

# A study of more panels than the second number has smaller ones, and more of them in a row.
COLUMNS, FEW, COLUMNS_OF_MANY = 4, 12, 5
LINES = ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (9, 2)), (0, (3, 3)), (0, (9, 2, 3, 2))]
# In units of z = βρ: to the left of this a loss may leave its panel at the top.
LEFT = -1.0
# Beyond this ratio of the strongest to the weakest setting's force, the axis of the force is logarithmic away from 0.
LINEAR = 40.0
# In inches.
HEIGHT, HEIGHT_OF_MANY, LINE, GAP = 1.15, 0.8, 0.105, 0.5
# In letters: what fits beside each other over the whole width.
WIDTH = 100


def plot_loss_shapes(shapes: pd.DataFrame, title: str, paths: Sequence[Path]) -> None:
    """Draw every loss and its force −dL/dρ over the margin ρ, a panel an objective.

    A positive force raises the margin of a pair; where it is negative, the loss rises with the margin and training
    lowers it. These stretches are shaded and minima and maxima of the loss are marked. The two evaluations of a
    modulated loss are one function and one line. The axis of the margin is linear, so that a straight loss is
    straight, and each panel's own, so that its extrema are in sight.

    Args:
        shapes: Samples of every setting in ascending margins: columns objective, title, label, evaluation, rho
            (nats), z (βρ), loss and slope (dL/dρ, 1/nat).
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    panels = split_into_panels(shapes)
    few = len(panels) <= FEW
    columns, height = (COLUMNS, HEIGHT) if few else (COLUMNS_OF_MANY, HEIGHT_OF_MANY)
    rows = math.ceil(len(panels) / columns)
    columns = max(math.ceil(len(panels) / rows), 2)
    width = WIDTH // columns
    # A band below the axes of each row holds their legends: beside the axes they would hide something.
    bands, headings = [], 0
    for first in range(0, len(panels), columns):
        row = panels[first : first + columns]
        bands.append(LINE * max(sum(count_lines(label, width) for label in panel.settings) for panel in row))
        headings += max(count_lines(panel.heading, width - 1) for panel in row) - 1
    heights = [part for band in bands for part in (height, height, band)]
    total = 0.8 + sum(heights) + GAP * rows + LINE * headings
    figure = plt.figure(figsize=(TEXT_WIDTH, total), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.03, hspace=0)
    grid = figure.subplots(3 * rows, columns, squeeze=False, height_ratios=heights)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        upper, lower, below = grid[3 * row : 3 * row + 3, column]
        _draw_panel(upper, lower, below, panel, width)
        upper.set_title(wrap_label(panel.heading, width - 1), loc="left", fontsize=7.5 if few else 7)
        if column == 0:
            upper.set_ylabel("loss of a pair", fontsize=7)
            lower.set_ylabel("force −dL/dρ, 1/nat" if few else "force, 1/nat", fontsize=7)
    marks = {"linestyle": "none", "marker": "o", "markeredgecolor": "black", "markersize": 4}
    handles = [
        Patch(color=WRONG_ZONE, alpha=0.2, label="loss rises with ρ: training lowers the margin"),
        Line2D([], [], markerfacecolor="black", label="minimum", **marks),
        Line2D([], [], markerfacecolor="white", label="maximum", **marks),
        Line2D([], [], color="black", linewidth=0.7, linestyle=(0, (2, 2)), label="start of training, ρ = 0"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    save_figure(figure, paths)


def _draw_panel(upper: Axes, lower: Axes, below: Axes, panel: Panel, width: int) -> None:
    shades = get_shades(get_look(panel.objective).colour, len(panel.settings))
    for number, (label, rows) in enumerate(panel.settings.items()):
        style = {
            "color": shades[number],
            "linestyle": LINES[number % len(LINES)],
            "linewidth": 1.1,
        }
        _draw_setting(upper, lower, rows, wrap_label(label, width), style)
    _scale(upper, lower, panel)
    for axes in (upper, lower):
        axes.set_axis_on()
        axes.axvline(0, color="black", linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
        axes.tick_params(labelsize=6)
    lower.axhspan(lower.get_ylim()[0], 0, color=WRONG_ZONE, alpha=0.1, linewidth=0, zorder=0)
    upper.tick_params(labelbottom=False)
    lower.set_xlabel("margin ρ, nats", fontsize=6.5, labelpad=1)
    legend = below.legend(
        *upper.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(-0.1, 1.0), fontsize=6,
        handlelength=3, frameon=False, handletextpad=0.5, borderpad=0, borderaxespad=0, labelspacing=0.25,
    )  # fmt: skip
    legend.set_in_layout(False)


def _draw_setting(upper: Axes, lower: Axes, rows: pd.DataFrame, label: str, style: dict) -> None:
    rho, loss, slope = (rows[name].to_numpy(float) for name in ("rho", "loss", "slope"))
    upper.plot(rho, loss, label=label, zorder=3, **style)
    lower.plot(rho, -slope, zorder=3, **style)
    signs = get_signs(rows)
    upper.plot(
        rho, np.where(signs > 0, loss, np.nan), color=WRONG_ZONE, alpha=0.2, linewidth=4.5, zorder=2,
        solid_capstyle="butt",
    )  # fmt: skip
    for position, is_minimum in find_extrema(rows):
        for axes, height in ((upper, np.interp(position, rho, loss)), (lower, 0)):
            axes.plot(
                position, height, marker="o", markersize=3.2, zorder=4, markeredgewidth=0.8,
                markeredgecolor=style["color"], color=style["color"] if is_minimum else "white",
            )  # fmt: skip


def _scale(upper: Axes, lower: Axes, panel: Panel) -> None:
    """Set the limits to the margins that the panel shows, and to the losses and forces of these."""
    settings = [rows[rows["rho"].abs() <= panel.reach] for rows in panel.settings.values()]
    shown = pd.concat(settings)
    # The first digit of what fits; more numbers than three would run into each other.
    decade = 10.0 ** math.floor(math.log10(0.9 * panel.reach))
    tick = math.floor(0.9 * panel.reach / decade) * decade
    for axes in (upper, lower):
        axes.set_xlim(-panel.reach, panel.reach)
        axes.xaxis.set_major_locator(FixedLocator([-tick, 0.0, tick]))
        axes.xaxis.set_major_formatter(FuncFormatter(_say_tick))
    extrema = [np.interp(at, rows["rho"], rows["loss"]) for rows in settings for at, _ in find_extrema(rows)]
    low, high = shown["loss"].min(), max(shown.loc[shown["z"] >= LEFT, "loss"].max(), *extrema, -np.inf)
    upper.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    upper.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    upper.yaxis.set_major_formatter(FuncFormatter(_say_tick))
    near = [rows[rows["z"] >= -SHOWN] for rows in settings]
    forces = [rows["slope"].abs().max() for rows in near]
    low, high = -pd.concat(near)["slope"].max(), max(-pd.concat(near)["slope"].min(), 0)
    _set_force_axis(lower, min(forces), max(forces))
    # Room below 0 in any case: that no loss goes there is worth seeing.
    lower.set_ylim(min(1.2 * low, -0.25 * min(max(forces), 2 * min(forces))), 1.2 * high)


def _set_force_axis(axes: Axes, finest: float, largest: float) -> None:
    """Linear, unless the largest force of one setting would press another's onto the zero line."""
    if largest <= LINEAR * finest:
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    else:
        # The inverse hyperbolic sine: linear up to half the finest force and logarithmic beyond.
        axes.set_yscale("asinh", linear_width=finest / 2)
        exponents = range(math.floor(math.log10(largest)), math.floor(math.log10(finest)) - 1, -1)
        ticks, edge = [], 1.2
        for exponent in exponents:
            place = math.asinh(2 * 10.0**exponent / finest) / math.asinh(2 * largest / finest)
            if 0.2 <= place <= edge - 0.2:
                ticks, edge = [*ticks, 10.0**exponent], place
        axes.yaxis.set_major_locator(FixedLocator([*(-tick for tick in ticks), 0.0, *ticks]))
        # Ticks without numbers show that the axis is not linear.
        every = [digit * 10.0**exponent for exponent in exponents for digit in range(1, 10)]
        axes.yaxis.set_minor_locator(FixedLocator([*(-tick for tick in every), *every]))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_tick_params(which="minor", length=2, width=0.4, color="#888888", left=True)
    axes.yaxis.set_major_formatter(FuncFormatter(_say_tick))


def _say_tick(value: float, _position: int) -> str:
    return f"{value:g}".replace("e+0", "e").replace("-", "−")
