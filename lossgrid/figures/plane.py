"""The plane of β_kl and β_mix: where the modulated losses learn, and where they break."""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from lossgrid.figures.labels import BACKGROUND, place_labels
from lossgrid.figures.looks import SAFE_ZONE, WRONG_ZONE, get_look
from lossgrid.figures.plane_measures import Measure, get_measures, say_norm
from lossgrid.figures.style import TEXT_WIDTH, save_figure, set_style
from lossgrid.statistics.quality import TRUE_REWARD, Quality
from lossgrid.studies.start_warnings import BOUNDED_FROM, MONOTONE_UP_TO, RIGHT_START_UP_TO

# τ and β_mix are one degree of freedom: a cell is drawn at the β_mix that it would have at this τ.
TAU = 0.05
# Between these ratios the loss is monotone and has no exponential tail.
SAFE_RATIO = (BOUNDED_FROM, MONOTONE_UP_TO)
# Above this ratio training starts by lowering the margin.
WRONG_SIGN_RATIO = RIGHT_START_UP_TO
NO_VALUE = "#66ccff"
MODULATED = {"discopop": "DiscoPOP", "dlrml": "dLRML"}
EVALUATIONS = {"log_space": "evaluated in log space", "published": "published evaluation"}
# With more markers than this, a place has its value alone, and each evaluation panels of its own.
FEW = 14
# Cells in both evaluations share a place: the published one is drawn as a larger frame around the other.
SIZES = {"log_space": 60, "published": 190}
SMALL = 36
# In points: the value of a small marker stands so far below it; the diamond reaches further down than the triangle.
BELOW = {"discopop": 7.8, "dlrml": 6.3}


def plot_plane(
    cells: pd.DataFrame, title: str, paths: Sequence[Path], quality: Quality | None = TRUE_REWARD
) -> None:
    """Draw primary metric, share of non-finite steps and largest gradient norm over the modulated plane.

    DiscoPOP has its cells where β_mix = β_kl. Few cells have each seed's value beside them; of many, each place has
    the value that its colour shows, a thick edge marks several seeds, and the two evaluations are drawn apart.
    Cells of which a seed diverged are crossed out.

    Args:
        cells: Table written by `collect_results`; other objectives and aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
        quality: The primary metric, which is the reward where there is one; None has no panel.
    """
    set_style()
    modulated = _locate(cells)
    if modulated.empty:
        figure, axes = plt.subplots(figsize=(TEXT_WIDTH, 1.0), layout="constrained")
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        axes.set_axis_off()
        axes.set_title("the study has no modulated cell", loc="left")
        save_figure(figure, paths)
        return
    sft = cells[cells["objective"] == "sft"].iloc[0]
    measures = get_measures(modulated, quality, sft[quality.metric] if quality else np.nan)
    evaluations = [name for name in EVALUATIONS if name in set(modulated["evaluation"])]
    dense = modulated.groupby(["objective", "evaluation", "x", "y"]).ngroups > FEW
    apart = dense and len(evaluations) > 1
    rows = len(measures) if apart else math.ceil(len(measures) / 2)
    figure, grid = plt.subplots(
        rows,
        2,
        figsize=(TEXT_WIDTH, 0.6 + (2.8 if apart else 2.75) * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    drawn = []
    for number, measure in enumerate(measures):
        panels = grid[number] if apart else grid.flat[number : number + 1]
        groups = (
            [modulated[modulated["evaluation"] == name] for name in evaluations] if apart else [modulated]
        )
        for axes, group in zip(panels, groups, strict=True):
            drawn.append((axes, *_draw_cells(axes, group, measure, dense)))
            _draw_ratios(axes, modulated, dense)
            # Of few cells, each has its interval beside it.
            titled = ", ".join(filter(None, [measure.title, measure.intervals if dense else ""]))
            if apart and number == 0:
                titled = f"{EVALUATIONS[group['evaluation'].iloc[0]]}\n{titled}"
            axes.set_title(titled, loc="left", fontsize=8)
        _draw_bar(panels, measure)
    for axes in grid[:, 0]:
        axes.set_ylabel(f"β_mix (at τ = {TAU}), 1/nat")
    for axes in grid[-1]:
        axes.set_xlabel("β_kl, 1/nat")
    handles = _get_handles(grid.flat[0], modulated, dense)
    if apart or len(measures) < 3:
        figure.legend(loc="outside lower center", handles=handles, ncols=3)
    else:
        # The panel that is left over.
        grid.flat[1].tick_params(labelbottom=True)
        grid.flat[1].set_xlabel("β_kl, 1/nat")
        grid.flat[-1].set_axis_off()
        grid.flat[-1].legend(loc="center", handles=handles)
    if not dense:
        # Only now, because the legend has its share of the space; no label changes the layout any more.
        figure.canvas.draw()
        figure.set_layout_engine("none")
        for axes, points, texts in drawn:
            place_labels(axes, points, texts, ["black"] * len(texts))
    save_figure(figure, paths)


def _locate(cells: pd.DataFrame) -> pd.DataFrame:
    modulated = cells[cells["objective"].isin(MODULATED) & (cells["alias_of"].fillna("") == "")]
    return modulated.assign(
        x=modulated["beta_kl"].fillna(modulated["beta"]),
        y=modulated["beta_mix"].fillna(modulated["beta"]) * TAU / modulated["tau"],
        share=modulated["nonfinite_steps"].astype(float) / modulated["steps"].astype(float),
        max_grad_norm=modulated["max_grad_norm"].astype(float),
    )


def _draw_cells(axes: Axes, group: pd.DataFrame, measure: Measure, dense: bool) -> tuple[list, list]:
    """Draw the cells coloured by a measure; return places and texts of their labels."""
    colours = plt.get_cmap(measure.colours).with_extremes(bad=NO_VALUE)
    points, texts = [], []
    for (objective, evaluation), cells in group.groupby(["objective", "evaluation"], sort=False):
        size = SMALL if dense else SIZES[evaluation]
        for place, seeds in cells.groupby(["x", "y"], sort=False):
            joined = seeds[measure.column].astype(float).agg(measure.join)
            style = {"s": size, "zorder": 4 if evaluation == "log_space" else 3}
            axes.scatter(
                *place, color=colours(measure.norm(joined)), marker=get_look(objective).marker,
                edgecolor="black", linewidth=1.6 if dense and len(seeds) > 1 else 0.8, **style,
            )  # fmt: skip
            if (seeds["status"] == "diverged").any():
                axes.scatter(*place, color="black", marker="x", linewidth=1, **(style | {"s": 1.2 * size}))
            if dense:
                axes.annotate(
                    measure.say_value(joined), place, (0, -BELOW[objective]), fontsize=6,
                    textcoords="offset points", ha="center", va="center", zorder=2,
                    bbox=BACKGROUND | {"boxstyle": "square,pad=0"},
                )  # fmt: skip
            points.append(place)
            texts.append(measure.say_seeds(seeds) + (" (published)" if evaluation == "published" else ""))
    return points, texts


def _draw_ratios(axes: Axes, modulated: pd.DataFrame, dense: bool) -> None:
    """Draw the wedge, the zone of the wrong sign and DiscoPOP's diagonal, and set the limits."""
    # Room for labels beside the markers, or below them.
    left, right, below, above = (1.6, 1.6, 2.0, 1.6) if dense else (8, 8, 4, 4)
    low, high = modulated["x"].min() / left, modulated["x"].max() * right
    x = np.geomspace(low, high, 50)
    first, last = (ratio * TAU * x for ratio in SAFE_RATIO)
    wrong = WRONG_SIGN_RATIO * TAU * x
    top = modulated["y"].max() * above
    axes.fill_between(x, wrong, np.maximum(wrong, top), color=WRONG_ZONE, alpha=0.07, linewidth=0, zorder=0)
    axes.fill_between(x, first, last, color=SAFE_ZONE, alpha=0.13, linewidth=0, zorder=0)
    axes.plot(
        x, first, color=SAFE_ZONE, linewidth=0.9, linestyle="--", zorder=1, label=f"r = {SAFE_RATIO[0]:.4g}"
    )
    axes.plot(
        x, last, color=SAFE_ZONE, linewidth=0.9, linestyle="-", zorder=1, label=f"r = {SAFE_RATIO[1]:.4g}"
    )
    axes.plot(
        x, x, color="grey", linewidth=0.8, linestyle=":", zorder=1, label=f"β_mix = β_kl (r = {1 / TAU:g})"
    )
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(modulated["y"].min() / below, top))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=7))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def _draw_bar(panels: Sequence[Axes], measure: Measure) -> None:
    mappable = ScalarMappable(measure.norm, plt.get_cmap(measure.colours))
    bar = panels[0].figure.colorbar(mappable, ax=list(panels), label=measure.bar, pad=0.02)
    # matplotlib makes an image of so many strips; edges of their own colour leave no gaps between them.
    bar.solids.set(rasterized=False, edgecolor="face")
    if measure.column == "share":
        bar.locator, bar.formatter = MaxNLocator(5), PercentFormatter(1)
    if measure.column == "max_grad_norm":
        bar.formatter = FuncFormatter(lambda value, _: say_norm(value))
        bar.minorformatter = NullFormatter()
    bar.update_ticks()


def _get_handles(axes: Axes, modulated: pd.DataFrame, dense: bool) -> list:
    style = {"facecolor": "white", "edgecolor": "black", "s": 40}
    kinds = [
        axes.scatter([], [], marker=get_look(name).marker, label=label, **style)
        for name, label in MODULATED.items()
        if name in set(modulated["objective"])
    ]
    if dense and modulated.groupby(["objective", "evaluation", "x", "y"]).size().max() > 1:
        kinds.append(axes.scatter([], [], marker="o", linewidth=1.6, label="several seeds", **style))
    if not dense and modulated["evaluation"].nunique() > 1:
        kinds.append(
            axes.scatter([], [], marker="D", label="published evaluation: the frame", **(style | {"s": 110}))
        )
    if (modulated["status"] == "diverged").any():
        kinds.append(
            axes.scatter([], [], marker="x", color="black", s=40, label="diverged: last finite weights")
        )
    wedge = axes.fill_between([], [], [], color=SAFE_ZONE, alpha=0.25, label="monotone, no exponential tail")
    wrong = axes.fill_between(
        [], [], [], color=WRONG_ZONE, alpha=0.14, label=f"wrong sign at ρ = 0 (r > {WRONG_SIGN_RATIO:.4g})"
    )
    return [*kinds, wedge, wrong, *axes.get_lines()]
