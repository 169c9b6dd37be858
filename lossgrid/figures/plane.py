"""The plane of β_kl and β_mix: where the modulated losses learn, and where they break."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm

from lossgrid.figures.labels import place_labels
from lossgrid.figures.style import get_look, save_figure, set_style

# τ and β_mix are one degree of freedom: a cell is drawn at the β_mix that it would have at this τ.
TAU = 0.05
# As a function of z the loss is monotone up to the second ratio and bounded for ρ→−∞ from the first on.
SAFE_RATIO = (1.0, 9.109)


def plot_plane(cells: pd.DataFrame, title: str, paths: Sequence[Path]) -> None:
    """Draw reward and share of non-finite steps over the plane of the modulated family.

    DiscoPOP has its cells where β_mix = β_kl. The means over seeds colour the markers; each seed's value is
    written beside them.

    Args:
        cells: Table written by `collect_cells`; other objectives and aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    modulated = cells[
        cells["objective"].isin(["discopop", "dlrml"]) & (cells["alias_of"].fillna("") == "")
    ].copy()
    modulated["x"] = modulated["beta_kl"].fillna(modulated["beta"])
    modulated["y"] = modulated["beta_mix"].fillna(modulated["beta"]) * TAU / modulated["tau"]
    modulated["share"] = modulated["nonfinite_steps"].astype(float) / modulated["steps"].astype(float)
    sft_reward = cells.loc[cells["objective"] == "sft", "reward"].iloc[0]

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.4, 3.9), sharex=True, sharey=True, layout="constrained"
    )
    if modulated.empty:
        left.set_title("the study has no modulated cell", loc="left")
        save_figure(figure, paths)
        return
    spread = max(abs(modulated["reward"] - sft_reward).max(), 1e-9)
    norm = TwoSlopeNorm(sft_reward, sft_reward - spread, sft_reward + spread)
    for axes in (left, right):
        _draw_wedge(axes, modulated)
    shown = _draw_cells(
        left,
        modulated,
        "reward",
        "PuOr_r",
        norm,
        lambda seeds: " / ".join(f"{reward:.2f}" for reward in seeds["reward"]),
    )
    figure.colorbar(shown, ax=left, label="mean reward, points (white: the SFT model's)", shrink=0.9)
    shown = _draw_cells(
        right, modulated, "share", "Greys", plt.Normalize(0, max(modulated["share"].max(), 0.01)), _say_steps
    )
    figure.colorbar(shown, ax=right, label="share of steps with a non-finite loss or gradient", shrink=0.9)
    left.set_ylabel(f"β_mix (at τ = {TAU})")
    left.set_title(f"{title}: reward of each seed", loc="left")
    right.set_title("non-finite steps / steps made", loc="left")
    left.legend(loc="upper left", handles=_get_handles(left))
    save_figure(figure, paths)


def _draw_cells(axes, modulated: pd.DataFrame, column: str, colours: str, norm, describe):
    points, texts = [], []
    for (objective, evaluation), group in modulated.groupby(["objective", "evaluation"], sort=False):
        places = group.groupby(["x", "y"], sort=False)
        means = places[column].mean()
        x, y = (np.array(list(values)) for values in zip(*means.index, strict=True))
        marker = get_look(objective).marker
        # Cells in both evaluations share a place: the published one is drawn as a larger frame around it.
        size = 90 if evaluation == "log_space" else 230
        face = means.to_numpy()
        shown = axes.scatter(
            x, y, c=face, s=size, marker=marker, cmap=colours, norm=norm, edgecolor="black", linewidth=0.9,
            zorder=4 if evaluation == "log_space" else 3,
        )  # fmt: skip
        for place, seeds in places:
            suffix = " published" if evaluation == "published" else ""
            points.append(place)
            texts.append(describe(seeds) + suffix)
    place_labels(axes, points, texts, ["black"] * len(points))
    return shown


def _say_rewards(seeds: pd.DataFrame) -> str:
    return " / ".join(f"{reward:.2f}" for reward in seeds["reward"])


def _say_steps(seeds: pd.DataFrame) -> str:
    return " / ".join(
        f"{bad}/{steps}" for bad, steps in zip(seeds["nonfinite_steps"], seeds["steps"], strict=True)
    )


def _draw_wedge(axes, modulated: pd.DataFrame) -> None:
    low, high = modulated["x"].min() / 3, modulated["x"].max() * 3
    x = np.geomspace(low, high, 50)
    first, last = (ratio * TAU * x for ratio in SAFE_RATIO)
    axes.fill_between(x, first, last, color="#009E73", alpha=0.13, linewidth=0, zorder=0)
    axes.plot(x, first, color="#009E73", linewidth=0.9, linestyle="--", zorder=1, label="r = 1")
    axes.plot(x, last, color="#009E73", linewidth=0.9, linestyle="-", zorder=1, label="r = 9.109")
    axes.plot(x, x, color="grey", linewidth=0.8, linestyle=":", zorder=1, label="DiscoPOP (r = 20)")
    axes.set(xscale="log", yscale="log", xlim=(low, high), xlabel="β_kl")
    axes.set_ylim(modulated["y"].min() / 4, modulated["y"].max() * 4)


def _get_handles(axes):
    objectives = [
        axes.scatter(
            [], [], marker=get_look(name).marker, s=50, facecolor="white", edgecolor="black", label=label
        )
        for name, label in (("discopop", "DiscoPOP"), ("dlrml", "dLRML"))
    ]
    wedge = axes.fill_between([], [], [], color="#009E73", alpha=0.25, label="monotone and bounded")
    return [*objectives, wedge, *axes.get_lines()]
