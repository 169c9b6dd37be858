"""The plane of β_kl and β_mix: where the modulated losses learn, and where they break."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.ticker import MaxNLocator, PercentFormatter

from lossgrid.figures.labels import place_labels
from lossgrid.figures.style import get_look, save_figure, set_style

# τ and β_mix are one degree of freedom: a cell is drawn at the β_mix that it would have at this τ.
TAU = 0.05
# As a function of z the loss is monotone up to the second ratio and bounded for ρ→−∞ from the first on.
SAFE_RATIO = (1.0, 9.109)
GREEN = "#009E73"
MODULATED = {"discopop": "DiscoPOP", "dlrml": "dLRML"}
# Cells in both evaluations share a place: the published one is drawn as a larger frame around the other.
SIZES = {"log_space": 60, "published": 190}


def plot_plane(cells: pd.DataFrame, title: str, paths: Sequence[Path]) -> None:
    """Draw reward and share of non-finite steps over the plane of the modulated family.

    DiscoPOP has its cells where β_mix = β_kl. The means over seeds colour the markers; each seed's value is
    written beside them. Cells of which a seed diverged are crossed out.

    Args:
        cells: Table written by `collect_cells`; other objectives and aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    figure, panels = plt.subplots(1, 2, figsize=(7.0, 4.1), sharex=True, sharey=True, layout="constrained")
    left, right = panels
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    modulated = _locate(cells)
    if modulated.empty:
        for axes in panels:
            axes.set_axis_off()
        left.set_title("the study has no modulated cell", loc="left")
        save_figure(figure, paths)
        return
    sft_reward = cells.loc[cells["objective"] == "sft", "reward"].iloc[0]
    spread = np.nanmax([*abs(modulated["reward"] - sft_reward), 1e-9])
    norm = TwoSlopeNorm(sft_reward, sft_reward - spread, sft_reward + spread)
    shown, *rewards = _draw_cells(left, modulated, "reward", "PuOr_r", norm, _say_rewards)
    figure.colorbar(shown, ax=left, label=f"mean reward, points (white: SFT, {sft_reward:.2f})", pad=0.02)
    shares = Normalize(0, max(modulated["share"].max(), 0.01))
    shown, *steps = _draw_cells(right, modulated, "share", "Greys", shares, _say_steps)
    bar = figure.colorbar(
        shown, ax=right, label="mean share of non-finite steps", pad=0.02, ticks=MaxNLocator(5)
    )
    bar.formatter = PercentFormatter(1)
    left.set_ylabel(f"β_mix (at τ = {TAU}), 1/nat")
    left.set_title("true reward of each seed, points", loc="left")
    right.set_title("steps with a non-finite loss or gradient", loc="left")
    figure.legend(loc="outside lower center", handles=_get_handles(left, modulated), ncols=4)
    # Only now, because the legend has its share of the space.
    for axes, (points, texts) in zip(panels, (rewards, steps), strict=True):
        place_labels(axes, points, texts, ["black"] * len(texts))
    save_figure(figure, paths)


def _locate(cells: pd.DataFrame) -> pd.DataFrame:
    modulated = cells[cells["objective"].isin(MODULATED) & (cells["alias_of"].fillna("") == "")]
    return modulated.assign(
        x=modulated["beta_kl"].fillna(modulated["beta"]),
        y=modulated["beta_mix"].fillna(modulated["beta"]) * TAU / modulated["tau"],
        share=modulated["nonfinite_steps"].astype(float) / modulated["steps"].astype(float),
    )


def _draw_cells(
    axes: Axes, modulated: pd.DataFrame, column: str, colours: str, norm: Normalize, describe: Callable
) -> tuple:
    """Draw the cells coloured by a column; return what the colour bar needs, and places and texts of labels."""
    low, high = _draw_wedge(axes, modulated)
    colour_map = plt.get_cmap(colours).with_extremes(bad="#66ccff")
    points, texts = [], []
    for (objective, evaluation), group in modulated.groupby(["objective", "evaluation"], sort=False):
        order = 4 if evaluation == "log_space" else 3
        places = group.groupby(["x", "y"], sort=False)
        means = places[column].mean()
        x, y = (np.array(list(values)) for values in zip(*means.index, strict=True))
        shown = axes.scatter(
            x, y, c=means.to_numpy(), s=SIZES[evaluation], marker=get_look(objective).marker, cmap=colour_map,
            norm=norm, edgecolor="black", linewidth=0.8, zorder=order, plotnonfinite=True,
        )  # fmt: skip
        diverged = places["status"].agg(lambda status: (status == "diverged").any()).to_numpy()
        axes.scatter(
            x[diverged],
            y[diverged],
            s=1.2 * SIZES[evaluation],
            color="black",
            marker="x",
            linewidth=1,
            zorder=order,
        )
        for place, seeds in places:
            points.append(place)
            texts.append(describe(seeds) + (" (published)" if evaluation == "published" else ""))
    axes.set(xscale="log", yscale="log", xlim=(low, high), xlabel="β_kl, 1/nat")
    axes.set_ylim(modulated["y"].min() / 4, modulated["y"].max() * 4)
    return shown, points, texts


def _say_rewards(seeds: pd.DataFrame) -> str:
    said = " / ".join(f"{reward:.2f}" for reward in seeds["reward"])
    return said.replace("-", "−").replace("nan", "no finite score")


def _say_steps(seeds: pd.DataFrame) -> str:
    said = [
        f"{bad:.0f}/{made:.0f}" for bad, made in zip(seeds["nonfinite_steps"], seeds["steps"], strict=True)
    ]
    if len(said) > 1 and len(set(said)) == 1:
        return f"{len(said)} × {said[0]}"
    return ", ".join(said)


def _draw_wedge(axes: Axes, modulated: pd.DataFrame) -> tuple[float, float]:
    low, high = modulated["x"].min() / 8, modulated["x"].max() * 8
    x = np.geomspace(low, high, 50)
    first, last = (ratio * TAU * x for ratio in SAFE_RATIO)
    axes.fill_between(x, first, last, color=GREEN, alpha=0.13, linewidth=0, zorder=0)
    axes.plot(x, first, color=GREEN, linewidth=0.9, linestyle="--", zorder=1, label=f"r = {SAFE_RATIO[0]:g}")
    axes.plot(x, last, color=GREEN, linewidth=0.9, linestyle="-", zorder=1, label=f"r = {SAFE_RATIO[1]:g}")
    axes.plot(
        x, x, color="grey", linewidth=0.8, linestyle=":", zorder=1, label=f"β_mix = β_kl (r = {1 / TAU:g})"
    )
    return low, high


def _get_handles(axes: Axes, modulated: pd.DataFrame) -> list:
    style = {"facecolor": "white", "edgecolor": "black", "s": 40}
    kinds = [
        axes.scatter([], [], marker=get_look(name).marker, label=label, **style)
        for name, label in MODULATED.items()
        if name in set(modulated["objective"])
    ]
    if (modulated["status"] == "diverged").any():
        kinds.append(
            axes.scatter([], [], marker="x", color="black", s=40, label="diverged: last finite weights")
        )
    wedge = axes.fill_between([], [], [], color=GREEN, alpha=0.25, label="monotone, no exponential tail")
    return [*kinds, wedge, *axes.get_lines()]
