"""The reward–KL frontier: what each loss reaches, and how far it moves from the reference for it."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from lossgrid.figures.labels import place_labels
from lossgrid.figures.style import Look, darken, get_look, save_figure, set_style

# Below this the KL axis is linear, so that the SFT model at 0 has a place on it.
LINEAR_BELOW = 0.1
INTERVAL = 1.96


def plot_frontier(cells: pd.DataFrame, title: str, paths: Sequence[Path]) -> None:
    """Draw reward against KL, one look a loss.

    Every seed is a small point with 95 % intervals, tied to the mean over seeds, which carries the setting. A
    curve joins the means of settings that differ in the strength of regularisation alone, from weak to
    strong. A diverged cell is crossed out and takes no part in a curve; cells without finite scores are named
    below the figure.

    Args:
        cells: Table written by `collect_cells`; aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    figure, axes = plt.subplots(figsize=(7.0, 4.7), layout="constrained")
    sft = cells[cells["objective"] == "sft"].iloc[0]
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
    scored = np.isfinite(trained[["kl", "reward"]].astype(float)).all(axis=1)

    axes.axhline(sft["reward"], color="black", linewidth=0.7, linestyle=(0, (4, 4)), zorder=1)
    look = get_look("sft")
    axes.errorbar(
        0, sft["reward"], INTERVAL * sft["reward_se"], color=look.colour, marker=look.marker, markersize=9,
        linestyle="none", label=f"SFT = reference ({sft['n']:.0f} responses a run; bars: 95 %)", zorder=5,
    )  # fmt: skip

    points, texts, colours = [], [], []
    for objective, group in trained[scored].groupby("objective", sort=False):
        means = _draw_loss(axes, group, get_look(objective))
        points += list(zip(means["kl"], means["reward"], strict=True))
        texts += [f"{label} (diverged)" if mean["diverged"] else label for label, mean in means.iterrows()]
        colours += [darken(get_look(objective).colour)] * len(means)
    if (trained["status"] == "diverged").any():
        axes.scatter([], [], s=45, color="black", marker="x", label="diverged: last finite weights")

    axes.set_xscale("symlog", linthresh=LINEAR_BELOW, linscale=0.6)
    axes.set_xlim(left=min(-0.03, 1.1 * (trained["kl"] - INTERVAL * trained["kl_se"]).min()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("KL(policy ‖ reference) of a response, nats")
    axes.set_ylabel("true reward of a response, points")
    axes.set_title(title, loc="left")
    missing = [f"{row.title} {row.label} ({row.status})" for row in trained[~scored].itertuples()]
    # Outside, a legend hides nothing.
    figure.legend(
        loc="outside lower center", ncols=4, alignment="left", title_fontsize=7,
        title=f"without finite scores: {'; '.join(missing)}" if missing else None,
    )  # fmt: skip
    place_labels(axes, points, texts, colours)
    save_figure(figure, paths)


def _draw_loss(axes: Axes, group: pd.DataFrame, look: Look) -> pd.DataFrame:
    """Draw the cells of one loss and return the means over seeds, by label."""
    axes.errorbar(
        group["kl"], group["reward"], INTERVAL * group["reward_se"], INTERVAL * group["kl_se"], linestyle="none",
        color=look.colour, marker=look.marker, markersize=3, alpha=0.55, elinewidth=0.7, zorder=2,
    )  # fmt: skip
    settings = group.assign(
        strength=_get_strength(group),
        # What shapes a modulated loss besides its strength; 0 for the losses of the scaled margin alone.
        shape=(group["beta_mix"].fillna(group["beta"]) / group["tau"] / _get_strength(group)).fillna(0).round(6),
        diverged=group["status"] == "diverged",
    ).groupby("label", sort=False)  # fmt: skip
    means = settings[["kl", "reward", "strength", "shape"]].mean().join(settings["diverged"].any())
    for cell in group.itertuples():
        mean = means.loc[cell.label]
        axes.plot(
            [cell.kl, mean["kl"]], [cell.reward, mean["reward"]], color=look.colour, linewidth=0.6, zorder=2
        )
    for _, curve in means[~means["diverged"]].groupby("shape"):
        curve = curve.sort_values("strength")
        axes.plot(
            curve["kl"], curve["reward"], color=look.colour, linestyle=look.line, linewidth=1.2, zorder=3
        )
    axes.scatter(
        means["kl"], means["reward"], s=34, marker=look.marker, edgecolor=look.colour, linewidth=1, zorder=4,
        color=["white" if diverged else look.colour for diverged in means["diverged"]],
    )  # fmt: skip
    axes.plot(
        [], [], color=look.colour, linestyle=look.line, marker=look.marker, markersize=6, linewidth=1.2,
        label=group["title"].iloc[0],
    )  # fmt: skip
    crossed = means[means["diverged"]]
    axes.scatter(crossed["kl"], crossed["reward"], s=80, color="black", marker="x", linewidth=1.2, zorder=5)
    return means


def _get_strength(group: pd.DataFrame) -> pd.Series:
    return group["beta"].fillna(group["beta_kl"])
