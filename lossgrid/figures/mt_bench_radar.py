"""The radar of MT-Bench: a closed line a setting over the categories."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.projections.polar import PolarAxes

from lossgrid.figures.frontier import INTERVAL
from lossgrid.figures.judged_settings import SETTING, name_setting
from lossgrid.figures.labels import BACKGROUND
from lossgrid.figures.looks import get_look
from lossgrid.figures.setting_labels import wrap_label
from lossgrid.figures.style import get_shades

# More lines than this cannot be told apart.
LINES = 8
# How far apart rings may be, in points or in percent, and how many steps the scores span at most.
STEPS, RINGS = (1, 2, 5, 10, 20, 25), 4
# In letters: a name in the legend.
WIDTH = 46
# How much of a colour the bands of the intervals have.
BAND = 0.09


@dataclass(frozen=True)
class RadarLine:
    """A setting on the radar: what it is called and its colour, a shade of its loss's."""

    objective: str
    label: str
    name: str
    colour: str


def choose_lines(overall: pd.DataFrame, means: pd.Series) -> tuple[list[RadarLine], str]:
    """The settings that the radar shows, and in words which these are.

    Args:
        overall: A row a run, the SFT model first, with objective, title, label and diverged.
        means: Score of each setting, by objective and label; NaN where it has none.
    """
    settings = overall.groupby(SETTING, sort=False).agg({"title": "first", "diverged": "any"})
    settings = settings.assign(score=means)[np.isfinite(means.reindex(settings.index))].reset_index()
    said = "every setting"
    if len(settings) > LINES:
        sft = settings["objective"] == "sft"
        healthy = settings[~settings["diverged"] & ~sft].sort_values("score", ascending=False, kind="stable")
        best = healthy.drop_duplicates("objective")
        kept = best.head(LINES - sft.sum())
        losses = "each loss" if len(kept) == len(best) else f"each of the {len(kept)} best losses"
        said = f"{'SFT and ' if sft.any() else ''}the best setting of {losses}"
        settings = settings[sft | settings.index.isin(kept.index)]
    shades = {
        name: iter(get_shades(get_look(name).colour, len(group)))
        for name, group in settings.groupby("objective")
    }
    lines = [
        RadarLine(
            row.objective,
            row.label,
            name_setting(row.title, row.label, row.diverged),
            next(shades[row.objective]),
        )
        for row in settings.itertuples()
    ]
    return lines, said


def draw_radar(axes: PolarAxes, categories: pd.DataFrame, lines: Sequence[RadarLine]) -> tuple[int, int]:
    """Draw the mean over seeds of every category in a band of 95 %; a line is open where a category has no score.

    Args:
        axes: Polar axes.
        categories: A row a run and category, with category, score and score_se.
        lines: What to draw.

    Returns:
        The points at the centre and at the rim.
    """
    names = list(dict.fromkeys(categories["category"]))
    angles = np.linspace(0, 2 * np.pi, len(names), endpoint=False)
    means = categories.groupby([*SETTING, "category"])[["score", "score_se"]].mean()
    drawn = []
    for line in lines:
        table = means.loc[line.objective, line.label].reindex(names)
        scores, halves = table["score"].to_numpy(float), INTERVAL * table["score_se"].to_numpy(float)
        low, high = scores - halves, scores + halves
        drawn += [value for value in (*scores, *low, *high) if np.isfinite(value)]
        look = get_look(line.objective)
        closed = [*angles, 2 * np.pi]
        axes.plot(
            closed, [*scores, scores[0]], color=line.colour, linewidth=1.1, marker=look.marker, zorder=3,
            linestyle="-" if look.line == "none" else look.line, markersize=5 if look.marker == "*" else 3,
            label=wrap_label(line.name, WIDTH),
        )  # fmt: skip
        axes.fill_between(
            closed, [*low, low[0]], [*high, high[0]], color=line.colour, alpha=BAND, linewidth=0, zorder=2
        )
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    low, high, step = get_rings(drawn)
    axes.set_ylim(low, high)
    axes.set_xticks(angles, [])
    for angle, name in zip(angles, names, strict=True):
        right, up = np.sin(angle), np.cos(angle)
        axes.annotate(
            name, (angle, high), (5 * right, 5 * up), fontsize=7, textcoords="offset points",
            ha="center" if abs(right) < 0.1 else "left" if right > 0 else "right",
            va="center" if abs(up) < 0.1 else "bottom" if up > 0 else "top",
        )  # fmt: skip
    rings = range(low + step, high + 1, step)
    axes.set_yticks(rings, [])
    for ring in rings:
        # Between two categories, where no marker stands.
        axes.annotate(
            f"{ring}", (np.pi / max(len(names), 1), ring), fontsize=6, ha="center", va="center", zorder=4,
            bbox=BACKGROUND,
        )  # fmt: skip
    return low, high


def get_rings(scores: Sequence[float]) -> tuple[int, int, int]:
    """The centre, below the lowest score, the rim, not below the highest, and the step of the rings between them."""
    if not scores:
        return 0, 10, 2
    lowest, highest = min(scores), max(scores)
    step = next(step for step in STEPS if highest - lowest <= RINGS * step or step == STEPS[-1])
    low = step * (math.ceil(lowest / step) - 1)
    return low, max(step * math.ceil(highest / step), low + step), step
