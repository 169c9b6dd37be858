"""The forest of paired differences: every setting against the baseline, by every metric."""

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lossgrid.figures.forest_panel import BAND, LEVEL, draw_panel
from lossgrid.figures.judged_settings import SETTING, mark_settings, name_setting, say_missing
from lossgrid.figures.setting_rows import draw_rows, lay_out_rows
from lossgrid.figures.style import PAGE_HEIGHT, TEXT_WIDTH, save_figure, set_style
from lossgrid.statistics.judged_metrics import METRICS, Metric

# Panels beside each other.
ACROSS = 4
# In letters: a name of a setting, a heading above one of four panels, and a line over the whole width.
NAME, HEADING, WIDTH = 24, 22, 125
# In inches: what a block of panels needs beside its rows, a line of its headings, and what the figure needs.
BLOCK, LINE, AROUND = 0.65, 0.115, 0.75


@dataclass(frozen=True)
class Panel:
    """The comparisons by one metric with one baseline, by objective and label."""

    metric: str
    baseline: str
    rows: pd.DataFrame
    known: Metric | None

    @property
    def name(self) -> str:
        """The metric in words."""
        return self.known.name if self.known else self.metric

    @property
    def unit(self) -> str:
        """What an axis says after its quantity."""
        return f", {self.known.unit}" if self.known else ""

    @property
    def clusters(self) -> str:
        """What is paired as one."""
        return self.known.clusters if self.known else "n"


def plot_forest(
    comparisons: pd.DataFrame,
    cells: pd.DataFrame,
    title: str,
    paths: Sequence[Path],
    metrics: Mapping[str, Metric] = METRICS,
) -> None:
    """Draw each setting's difference from the baseline with its 95 % interval, a panel a metric and baseline.

    A row is a setting, its seeds are small points, and a filled marker is a difference found at a false discovery
    rate of 5 %. The band around 0 holds what a comparison could easily have missed, the differences below its minimum
    detectable one. A difference far beyond the others is an arrow with its numbers. What could not be compared
    is named below.

    Args:
        comparisons: Table written by `compare_cells`; aliases are left out.
        cells: Table written by `collect_results`, for the order of the settings and for what diverged.
        title: Title of the study.
        paths: Files to write, the format by the ending.
        metrics: What the metrics are, by key; the reward's unit is the study's.
    """
    set_style()
    comparisons = mark_settings(comparisons, cells)
    panels = [
        Panel(metric, baseline, group.set_index(SETTING), metrics.get(metric))
        for (metric, baseline), group in comparisons.groupby(["metric", "baseline"], sort=False)
    ]
    if not panels:
        figure, axes = plt.subplots(figsize=(TEXT_WIDTH, 1.0), layout="constrained")
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        axes.set_axis_off()
        axes.set_title("the study has nothing to compare", loc="left")
        save_figure(figure, paths)
        return
    names = _name_references(cells)
    settings = _order(comparisons, cells)
    rows = lay_out_rows(settings, NAME)
    blocks = math.ceil(len(panels) / ACROSS)
    across = math.ceil(len(panels) / blocks)
    baselines = list(dict.fromkeys(panel.baseline for panel in panels))
    headings = [panel.name for panel in panels]
    if len(baselines) > 1:
        headings = [f"{panel.name}, minus {names[panel.baseline][1]}" for panel in panels]
    width = HEADING * ACROSS // across
    headings = [_wrap(heading, width) for heading in headings]
    lines = max(heading.count("\n") + 1 for heading in headings)
    taken = AROUND + blocks * (BLOCK + LINE * lines)
    pitch = rows.fit((PAGE_HEIGHT - taken) / blocks)
    height = taken + blocks * rows.end * pitch
    figure, grid = plt.subplots(
        blocks, across, figsize=(TEXT_WIDTH, max(height, 2.4)), squeeze=False, layout="constrained"
    )
    for number, axes in enumerate(grid.flat):
        if number >= len(panels):
            axes.set_axis_off()
            continue
        panel = panels[number]
        draw_rows(axes, rows, named=number % across == 0, pitch=pitch)
        draw_panel(axes, panel.rows, rows, panel.clusters, names[panel.baseline][0])
        # Above what heads the column at the right.
        axes.set_title(headings[number], loc="left", fontsize=7, pad=12)
        axes.set_xlabel(f"difference{panel.unit}", fontsize=7 if across < ACROSS else 6)
    minus = f"Differences from {names[baselines[0]][1]}" if len(baselines) == 1 else "Differences"
    figure.suptitle(
        f"{title}\n{minus}, paired, with 95 % intervals; "
        "right: how many, in brackets pairs without both scores",
        fontsize=8, x=0.01, ha="left",
    )  # fmt: skip
    # Outside, a legend hides nothing.
    figure.legend(
        loc="outside lower center", handles=_get_handles(comparisons), ncols=5, alignment="left", title_fontsize=7,
        columnspacing=0.8, handlelength=1.4, handletextpad=0.5,
        title="\n".join(_say_gaps(panels, headings, settings)) or None,
    )  # fmt: skip
    save_figure(figure, paths)


def _wrap(heading: str, width: int) -> str:
    """The heading in lines of so many letters; a name stays with its value."""
    joined = re.sub(r" (?=[\d.])", "\u00a0", heading)
    return textwrap.fill(joined, width, break_on_hyphens=False).replace("\u00a0", " ")


def _name_references(cells: pd.DataFrame) -> dict[str, tuple[tuple[str, str], str]]:
    """Key and name of every setting by the reference that the table of comparisons has for it."""
    references = cells["cell"].str.rpartition("/")[0].where(cells["cell"].str.contains("/"), cells["cell"])
    diverged = (cells["status"] == "diverged").groupby(references).any()
    return {
        reference: ((row.objective, row.label), name_setting(row.title, row.label, diverged[reference]))
        for reference, row in zip(references, cells.fillna({"label": ""}).itertuples(), strict=True)
    }


def _order(comparisons: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The settings compared, in the order of the study: a baseline has rows in few panels."""
    settings = comparisons.drop_duplicates(SETTING).set_index(SETTING)
    order = pd.MultiIndex.from_frame(cells.assign(label=cells["label"].fillna(""))[SETTING].drop_duplicates())
    return settings.reindex(order.intersection(settings.index, sort=False)).reset_index()


def _get_handles(comparisons: pd.DataFrame) -> list:
    grey = {"color": "#555555", "linestyle": "none", "marker": "o"}
    handles = [
        Line2D([], [], markersize=4.5, label=f"q ≤ {LEVEL:g} (Benjamini–Hochberg)", **grey),
        Line2D([], [], markersize=4.5, markerfacecolor="white", label=f"q above {LEVEL:g} or none", **grey),
        Patch(color=BAND, label="below the minimum detectable difference"),
    ]
    if (comparisons["seeds"] > 1).any():
        handles.insert(2, Line2D([], [], markersize=2, label="seed", **grey))
    if comparisons["diverged"].any():
        handles.append(
            Line2D([], [], color="black", marker="x", linestyle="none", markersize=5, label="diverged")
        )
    return handles


def _say_gaps(panels: Sequence[Panel], headings: Sequence[str], settings: pd.DataFrame) -> list[str]:
    """What has no place, in lines."""
    titles: Mapping = settings.set_index(SETTING)["title"]
    lines = []
    for panel, heading in zip(panels, headings, strict=True):
        heading = heading.replace("\n", " ")
        named = {key: name_setting(titles[key], key[1], False) for key in panel.rows.index}
        difference, low = panel.rows["difference"].astype(float), panel.rows["low"].astype(float)
        nothing = [named[key] for key in panel.rows.index[~np.isfinite(difference)]]
        unsure = [named[key] for key in panel.rows.index[np.isfinite(difference) & ~np.isfinite(low)]]
        lines += say_missing(f"without a difference in {heading}", nothing, WIDTH)
        lines += say_missing(f"without an interval in {heading}", unsure, WIDTH)
    return lines
