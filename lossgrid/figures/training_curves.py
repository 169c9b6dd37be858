"""Training curves: what the loss did to the margins, step by step."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from lossgrid.figures.looks import get_look
from lossgrid.figures.moving_means import WINDOW, smooth
from lossgrid.figures.setting_labels import PUBLISHED, count_lines, split_labels, wrap_label
from lossgrid.figures.style import TEXT_WIDTH, get_shades, save_figure, set_style

ROWS = {
    "rho_median": "median margin ρ, nats",
    "accuracy": "share of pairs with ρ > 0",
    "grad_norm": "gradient norm before clipping",
}
# Where panels are low, these stand at the axes and the full ones above the figure.
SHORT = {"rho_median": "median ρ", "accuracy": "share ρ > 0", "grad_norm": "norm"}
# Below this spread of margins, in nats, no pair has one yet: its sign is that of a rounding error.
NO_MARGINS = 1e-3
LINES = ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1))]
# How much of a colour the bands of the intervals have.
BAND = 0.13
DASHED = (0, (2.5, 1.2))
# Two evaluations are one line where all their means agree to this share of what the panel's row spans.
SAME = 0.005
# Settings a column, and columns beside each other.
SETTINGS, COLUMNS = 6, 6
# In inches: the height of a panel where its column stands in one, two or more rows of columns.
HEIGHTS, LINE, GAP = (1.6, 1.0, 0.62), 0.105, 0.42
# In letters: what fits beside each other over the whole width.
WIDTH = 106


@dataclass(frozen=True)
class Column:
    """Cells that are drawn together: what is written above them, and the cells of each setting by its label."""

    heading: str
    colour: str
    settings: dict[str, pd.DataFrame]


def plot_training_curves(
    cells: pd.DataFrame, logs: Mapping[str, Sequence[dict]], title: str, paths: Sequence[Path]
) -> None:
    """Draw margin, accuracy and gradient norm over steps, a column a loss and a line a cell.

    A loss of more than six settings has a column for each value of its first hyper-parameters. The two evaluations
    of one setting share a colour; where they agree they are one line. Steps whose value is not finite are left out
    of the means, and so is the accuracy of the first steps, before any pair has a margin; a diverged cell ends in a
    cross.

    Args:
        cells: Table written by `collect_cells`; aliases are left out.
        logs: The records of each trained cell's training log, by the cell's path.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
    columns = list(_split(trained))
    blocks = math.ceil(len(columns) / COLUMNS)
    across = math.ceil(len(columns) / blocks)
    width = WIDTH // max(across, 3)
    height = HEIGHTS[min(blocks, len(HEIGHTS)) - 1]
    heights, headings = [], 0
    for first in range(0, len(columns), across):
        block = columns[first : first + across]
        lines = max(sum(count_lines(label, width) for label in column.settings) for column in block)
        heights += [*[height] * len(ROWS), LINE * lines]
        headings += max(count_lines(column.heading, width) for column in block)
    figure = plt.figure(
        figsize=(TEXT_WIDTH, 0.6 + sum(heights) + GAP * blocks + 1.4 * LINE * headings), layout="constrained"
    )
    figure.get_layout_engine().set(h_pad=0.025, hspace=0)
    grid = figure.subplots(len(heights), across, squeeze=False, height_ratios=heights)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, column in enumerate(columns):
        block, place = divmod(number, across)
        *panels, below = grid[4 * block : 4 * block + 4, place]
        for row, axes in enumerate(panels):
            axes.set_axis_on()
            if number or row:
                axes.sharex(grid[0, 0])
            if number:
                axes.sharey(grid[row, 0])
            axes.tick_params(labelleft=place == 0, labelbottom=row == len(ROWS) - 1)
        _draw_column(panels, column, logs, width)
        panels[0].set_title(wrap_label(column.heading, width), loc="left", fontsize=8 if blocks == 1 else 7)
        panels[-1].set_xlabel("optimiser step", fontsize=7 if blocks == 1 else 6, labelpad=1)
        # Below the axes, a legend hides nothing.
        legend = below.legend(
            *panels[0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(-0.1, 1.0), fontsize=6,
            handlelength=2 if len(column.settings) > 1 else 0,
            frameon=False, handletextpad=0.5, borderpad=0, borderaxespad=0, labelspacing=0.25,
        )  # fmt: skip
        legend.set_in_layout(False)
        if place == 0:
            for axes, label in zip(panels, (ROWS if blocks == 1 else SHORT).values(), strict=True):
                axes.set_ylabel(label, fontsize=7 if blocks == 1 else 6)
    _scale(grid[: len(ROWS), 0])
    notes = [f"means over {WINDOW} steps, 95 % intervals", "thin: further seeds", "×: diverged"]
    if any(label.endswith(PUBLISHED) for label in trained["label"]):
        notes.append("published evaluation: dashed where it differs")
    if blocks > 1:
        notes[0] = f"{'; '.join(ROWS.values())}:\n{notes[0]}"
    figure.suptitle(f"{title}\n{'; '.join(notes)}", fontsize=8, x=0.01, ha="left")
    save_figure(figure, paths)


def _split(trained: pd.DataFrame) -> Iterator[Column]:
    for objective, group in trained.groupby("objective", sort=False):
        settings: dict[str, list] = {}
        for label, cells in group.groupby("label", sort=False):
            plain = label.removesuffix(PUBLISHED)
            # The published evaluation alone keeps its name.
            settings.setdefault(plain if plain in set(group["label"]) else label, []).append(cells)
        for shared, labels, own in split_labels(settings, SETTINGS, SETTINGS):
            heading = group["title"].iloc[0] + (f", {shared}" if shared else "")
            family = {name: pd.concat(settings[label]) for label, name in zip(labels, own, strict=True)}
            yield Column(heading, get_look(objective).colour, family)


def _draw_column(panels: Sequence[Axes], column: Column, logs: Mapping, width: int) -> None:
    cells = pd.concat(column.settings.values())
    read = {cell.cell: _read_curves(logs[cell.cell]) for cell in cells.itertuples()}
    curves = {cell: curve for cell, (curve, _) in read.items()}
    spans = pd.concat(curves.values())[list(ROWS)].agg(
        lambda values: np.nan_to_num(values.max() - values.min())
    )
    # Where lines tell the evaluations apart, shades alone tell the settings apart.
    evaluated_twice = cells["label"].str.endswith(PUBLISHED).any()
    shades = get_shades(column.colour, len(column.settings))
    for number, (label, group) in enumerate(column.settings.items()):
        drawn: dict[int, pd.DataFrame] = {}
        group = group.assign(published=group["label"].str.endswith(PUBLISHED))
        for order, cell in enumerate(group.sort_values(["published", "seed"]).itertuples()):
            curve = curves[cell.cell]
            if cell.published and cell.seed in drawn and _agree(curve, drawn[cell.seed], spans):
                continue
            drawn.setdefault(cell.seed, curve)
            line = DASHED if cell.published else "-" if evaluated_twice else LINES[number % len(LINES)]
            for axes, key in zip(panels, ROWS, strict=True):
                axes.plot(
                    curve["step"], curve[key], color=shades[number], linestyle=line,
                    linewidth=1.1 if cell.seed == group["seed"].min() else 0.6,
                    label=None if order else wrap_label(label, width),
                )  # fmt: skip
                half = read[cell.cell][1][key]
                axes.fill_between(
                    curve["step"], curve[key] - half, curve[key] + half, color=shades[number], alpha=BAND,
                    linewidth=0, zorder=1,
                )  # fmt: skip
                last = curve[key].last_valid_index()
                if cell.status == "diverged" and last is not None:
                    axes.scatter(
                        curve["step"][last], curve[key][last], color="black", marker="x", s=24, zorder=5
                    )


def _read_curves(records: Sequence[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means over steps with their step, and the half-widths of their intervals."""
    table = pd.DataFrame(records, columns=["step", "rho_min", "rho_max", *ROWS])
    table.loc[table["rho_max"] - table["rho_min"] < NO_MARGINS, "accuracy"] = np.nan
    means, halves = smooth(table[list(ROWS)])
    return means.assign(step=table["step"]), halves


def _agree(one: pd.DataFrame, other: pd.DataFrame, spans: pd.Series) -> bool:
    """Whether two runs are one line on the figure."""
    return len(one) == len(other) and all(
        np.allclose(one[key], other[key], rtol=0, atol=SAME * spans[key], equal_nan=True) for key in ROWS
    )


def _scale(panels: Sequence[Axes]) -> None:
    """Set the axes that all columns share."""
    margins, shares, norms = panels
    margins.set_yscale("symlog", linthresh=1)
    norms.set_yscale("log")
    shares.yaxis.set_major_locator(MaxNLocator(5))
    for axes in (margins, norms):
        axes.yaxis.set_major_formatter(FuncFormatter(_say_tick))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _say_tick(value: float, _position: int) -> str:
    return (f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.2g}").replace("-", "−")
