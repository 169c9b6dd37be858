"""A panel of the forest: the differences by one metric from one baseline."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from lossgrid.figures.labels import BACKGROUND
from lossgrid.figures.looks import Look, get_look
from lossgrid.figures.setting_rows import Rows, write_column
from lossgrid.figures.style import darken
from lossgrid.statistics.comparisons import read_seed_values

# What a marker is filled at.
LEVEL = 0.05
BAND = "#e4e4e4"
# The axis reaches so many times as far from 0 as three quarters of what is drawn do; what lies beyond is an arrow.
REACH, COMMON = 3.0, 0.75


def draw_panel(
    axes: Axes, compared: pd.DataFrame, rows: Rows, clusters: str, baseline: tuple[str, str]
) -> None:
    """Draw the differences into their rows.

    Args:
        axes: Axes with the rows laid out.
        compared: A row a setting, indexed by objective and label.
        rows: Where the settings are.
        clusters: What is paired as one, in the plural; their number stands at the right.
        baseline: Objective and label of what is subtracted; where it has a row, that says so.
    """
    left, right = find_limits(compared)
    axes.set_xlim(left, right)
    axes.axvline(0, color="black", linewidth=0.7, zorder=2)
    texts = {}
    for key, row in compared.iterrows():
        place, look = rows.places[key], get_look(key[0])
        texts[key] = f"{row['clusters']:.0f}" + (f" ({row['left_out']:.0f})" if row["left_out"] else "")
        if np.isfinite(row["mde"]):
            axes.add_patch(
                Rectangle((-row["mde"], place - 0.5), 2 * row["mde"], 1, color=BAND, linewidth=0, zorder=0.5)
            )
        if left <= row["difference"] <= right:
            _draw_difference(axes, row, place, look)
        elif np.isfinite(row["difference"]):
            _point_beyond(axes, row, place, look)
    if baseline in rows.places:
        axes.text(
            0, rows.places[baseline], "baseline", fontsize=6, color="#555555", ha="center", va="center", zorder=6,
            bbox=BACKGROUND,
        )  # fmt: skip
    write_column(axes, rows, clusters, texts, 30)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def find_limits(compared: pd.DataFrame) -> tuple[float, float]:
    """The ends of the axis: those of the data, or nearer where a few lie far beyond the rest."""
    ends = compared[["difference", "low", "high"]].astype(float).to_numpy().ravel()
    ends = ends[np.isfinite(ends)]
    widest = compared["mde"].astype(float).median()
    ends = np.concatenate([ends, [0.0], [-widest, widest] if np.isfinite(widest) else []])
    reach = REACH * np.quantile(np.abs(ends), COMMON)
    seeds = [value for text in compared["seed_values"] for value in _read(text)]
    low, high = min([*ends, *seeds]), max([*ends, *seeds])
    if reach:
        low, high = max(low, -reach), min(high, reach)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _draw_difference(axes: Axes, row: pd.Series, place: float, look: Look) -> None:
    reach = None
    if np.isfinite([row["low"], row["high"]]).all():
        reach = [[row["difference"] - row["low"]], [row["high"] - row["difference"]]]
    axes.errorbar(
        row["difference"], place, xerr=reach, color=look.colour, marker=look.marker, markersize=4.5, elinewidth=1,
        markerfacecolor=look.colour if _is_found(row) else "white", linestyle="none", zorder=4,
    )  # fmt: skip
    seeds = _read(row["seed_values"])
    if len(seeds) > 1:
        axes.scatter(seeds, [place] * len(seeds), s=5, color=darken(look.colour), linewidth=0, zorder=5)
    if row["diverged"]:
        axes.scatter(row["difference"], place, s=36, color="black", marker="x", linewidth=1, zorder=5)


def _point_beyond(axes: Axes, row: pd.Series, place: float, look: Look) -> None:
    """Say what lies beyond the axis at the end where it is."""
    below = row["difference"] < 0
    mark, side, end = ("◂", "left", 0) if below else ("▸", "right", 1)
    said = _say(row["difference"])
    if np.isfinite([row["low"], row["high"]]).all():
        said += f" [{_say(row['low'])}, {_say(row['high'])}]"
    axes.text(
        end, place, f"{mark} {said}" if below else f"{said} {mark}", transform=axes.get_yaxis_transform(),
        fontsize=6, color=darken(look.colour), ha=side, va="center", zorder=5, bbox=BACKGROUND,
        fontweight="bold" if _is_found(row) else "normal",
    )  # fmt: skip


def _is_found(row: pd.Series) -> bool:
    return bool(row["q"] <= LEVEL) and not row["diverged"]


def _read(text: str) -> list[float]:
    return list(read_seed_values(text).values()) if isinstance(text, str) else []


def _say(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
