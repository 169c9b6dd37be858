"""The reward–KL frontier: what each loss reaches, and how far it moves from the reference for it."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from lossgrid.figures.labels import place_labels
from lossgrid.figures.style import get_look, save_figure, set_style

# Below this the KL axis is linear, so that the SFT model at 0 has a place on it.
LINEAR_BELOW = 0.1


def plot_frontier(cells: pd.DataFrame, title: str, paths: Sequence[Path]) -> None:
    """Draw reward against KL, one curve a loss.

    Every seed is a small point with 95 % intervals; the curve joins the means over seeds in order of KL and
    its points carry their settings. A diverged cell is crossed out and takes no part in the curve.

    Args:
        cells: Table written by `collect_cells`; aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    figure, axes = plt.subplots(figsize=(7.0, 4.6))
    sft = cells[cells["objective"] == "sft"].iloc[0]
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]

    axes.axhline(sft["reward"], color="black", linewidth=0.8, linestyle=(0, (4, 4)), zorder=1)
    look = get_look("sft")
    axes.errorbar(
        0, sft["reward"], 1.96 * sft["reward_se"], color=look.colour, marker=look.marker, markersize=10,
        linestyle="none", label=f"SFT = reference (n={sft['n']})", zorder=5,
    )  # fmt: skip

    points, texts, colours = [], [], []
    for objective, group in trained.groupby("objective", sort=False):
        look = get_look(objective)
        axes.errorbar(
            group["kl"], group["reward"], 1.96 * group["reward_se"], 1.96 * group["kl_se"], linestyle="none",
            color=look.colour, marker=look.marker, markersize=3, alpha=0.55, elinewidth=0.7, zorder=2,
        )  # fmt: skip
        settings = group.groupby("label", sort=False)
        means = settings[["kl", "reward"]].mean()
        diverged = settings["status"].agg(lambda status: (status == "diverged").any())
        curve = means[~diverged].sort_values("kl")
        axes.plot(
            curve["kl"], curve["reward"], color=look.colour, linestyle=look.line, marker=look.marker,
            markersize=6, linewidth=1.3, label=group["title"].iloc[0], zorder=3,
        )  # fmt: skip
        crossed = means[diverged]
        axes.scatter(
            crossed["kl"],
            crossed["reward"],
            s=36,
            facecolor="white",
            edgecolor=look.colour,
            marker=look.marker,
        )
        axes.scatter(
            crossed["kl"], crossed["reward"], s=90, color="black", marker="x", linewidth=1.4, zorder=5
        )
        for label, mean in means.iterrows():
            points.append((mean["kl"], mean["reward"]))
            texts.append(f"{label} (diverged)" if diverged[label] else label)
            colours.append(look.colour)
    if (trained["status"] == "diverged").any():
        axes.scatter([], [], s=60, color="black", marker="x", label="diverged: last finite weights")

    axes.set_xscale("symlog", linthresh=LINEAR_BELOW, linscale=0.6)
    axes.set_xlim(left=-0.03)
    axes.set_xlabel("KL(policy ‖ reference) of a response, nats")
    axes.set_ylabel("true reward of a response, points")
    axes.set_title(title, loc="left")
    axes.legend(loc="lower left", frameon=True)
    place_labels(axes, points, texts, colours)
    save_figure(figure, paths)
