"""The frontier: what each loss reaches, and how far it moves from the reference for it."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, SymmetricalLogLocator

from lossgrid.figures.labels import place_labels
from lossgrid.figures.looks import Look, get_look
from lossgrid.figures.published import PublishedFrontier
from lossgrid.figures.published_marks import HANDLERS, draw_frontier, get_handle
from lossgrid.figures.style import TEXT_WIDTH, darken, fade, save_figure, set_style
from lossgrid.statistics.quality import TRUE_REWARD, Quality
from lossgrid.studies.start_warnings import RIGHT_START_UP_TO

# Below this the KL axis is linear, so that the SFT model at 0 has a place on it.
LINEAR_BELOW = 0.1
INTERVAL = 1.96
# A label a setting can be read for so many; of a larger sweep, so many of the best and of the worst are labelled.
FEW, NAMED = 20, 3
# More losses than this, of one setting or little more each, are labelled with their titles instead of a legend.
LEGEND = 8
# So many curves of one loss, one a ratio, can be told apart.
CURVES = 3
# The divergence of a published frontier, as the table of cells has it.
SHARED = "kl_reference_per_token"
PUBLISHED = "published runs"
NOTHING = "the study measures neither a reward nor a score of a judge beside the divergence"
PALE = f"pale: wrong sign at ρ = 0 (r > {RIGHT_START_UP_TO:.4g})"


def plot_frontier(
    cells: pd.DataFrame,
    title: str,
    paths: Sequence[Path],
    published: PublishedFrontier | None = None,
    quality: Quality | None = TRUE_REWARD,
) -> None:
    """Draw the study's primary metric, which is the reward where it has one, against KL, one look a loss.

    Every seed is a small point with 95 % intervals, tied to the mean over seeds, which carries the setting. A
    curve joins the means of settings that differ in the strength of regularisation alone, from weak to
    strong. A diverged cell is crossed out and takes no part in a curve; cells without finite scores are named
    below the figure. Of a sweep over many settings, the best and the worst alone are labelled, and modulated losses
    that start in the wrong direction are pale; a study of many losses has their titles beside their points.

    Args:
        cells: Table written by `collect_cells`; aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
        published: Frontier of a paper that the study repeats, for axes beside: its own, or, where the study measures
            the paper's divergence and reward, axes that our runs share with it.
        quality: The primary metric; None where the study measures the divergence alone, and there is no frontier.
    """
    set_style()
    if quality is None:
        figure, axes = plt.subplots(figsize=(TEXT_WIDTH, 1.0), layout="constrained")
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        axes.set_axis_off()
        axes.set_title(NOTHING, loc="left")
        save_figure(figure, paths)
        return
    sft, trained, scored = select_scored(cells, quality)

    by_title, dense = choose_labels(trained)
    figure = plt.figure(figsize=(TEXT_WIDTH, 5.6 if by_title else 4.7), layout="constrained")
    ratios = (1, 0.9 if published.shared else 0.55) if published else (1,)
    axes, *beside = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
    for panel in beside:
        draw_frontier(panel, published, trained["objective"].unique())
        if published.shared:
            draw_shared(panel, sft, trained, quality)

    axes.axhline(sft[quality.metric], color="black", linewidth=0.7, linestyle=(0, (4, 4)), zorder=1)
    look = get_look("sft")
    counted = f"{sft[quality.n]:.0f} {quality.items} a run; bars: 95 %"
    axes.errorbar(
        0, sft[quality.metric], INTERVAL * sft[quality.error], color=look.colour, marker=look.marker, markersize=9,
        linestyle="none", label=f"SFT = reference ({counted})", zorder=5,
    )  # fmt: skip

    labels = []
    for objective, group in trained[scored].groupby("objective", sort=False):
        means = _draw_loss(axes, group, get_look(objective), dense, quality)
        name = group["title"].iloc[0]
        for label, mean in means.iterrows():
            text = (name if len(means) == 1 else f"{name}, {label}") if by_title else label
            text = f"{text} (diverged)" if mean["diverged"] else text
            labels.append((mean[quality.metric], mean["kl"], text, darken(get_look(objective).colour)))
        if not by_title:
            look = get_look(objective)
            axes.plot(
                [], [], color=look.colour, linestyle=look.line, marker=look.marker, markersize=6, linewidth=1.2,
                label=name,
            )  # fmt: skip
    if dense:
        ordered = sorted(labels)
        labels = ordered[:NAMED] + ordered[-NAMED:]
        axes.scatter([], [], s=20, color=fade("#555555"), edgecolor="#555555", label=PALE)
    if (trained["status"] == "diverged").any():
        axes.scatter([], [], s=45, color="black", marker="x", label="diverged: last finite weights")

    axes.set_xscale("symlog", linthresh=LINEAR_BELOW, linscale=0.6)
    axes.xaxis.set_major_locator(SymmetricalLogLocator(linthresh=LINEAR_BELOW, base=10, subs=[1, 2, 5]))
    axes.set_xlim(left=min(-0.03, 1.1 * (trained["kl"] - INTERVAL * trained["kl_se"]).min()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("KL(policy ‖ reference) of a response, nats")
    axes.set_ylabel(quality.axis)
    axes.set_title(title, loc="left")
    handles, named = axes.get_legend_handles_labels()
    if published:
        handles, named = [*handles, get_handle(PUBLISHED)], [*named, PUBLISHED]
    # Outside, a legend hides nothing.
    figure.legend(
        loc="outside lower center", ncols=3 if dense or published else 4, alignment="left", title_fontsize=7,
        title=_say_missing(trained[~scored]), handles=handles, labels=named, handler_map=HANDLERS,
    )  # fmt: skip
    place_labels(
        axes,
        [(kl, value) for value, kl, *_ in labels],
        [text for *_, text, _ in labels],
        [colour for *_, colour in labels],
    )
    save_figure(figure, paths)


def select_scored(cells: pd.DataFrame, quality: Quality) -> tuple[pd.Series, pd.DataFrame, pd.Series]:
    """The SFT model's row, the trained runs without aliases, and which of these have a place on the axes."""
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
    scored = np.isfinite(trained[["kl", quality.metric]].astype(float)).all(axis=1)
    return cells[cells["objective"] == "sft"].iloc[0], trained, scored


def choose_labels(settings: pd.DataFrame) -> tuple[bool, bool]:
    """How the settings in columns objective and label are told apart.

    Returns:
        Whether the titles of their losses stand beside them, because there are many; and whether the best and the
        worst alone are labelled, because there are many of each.
    """
    losses, count = settings["objective"].nunique(), settings.groupby(["objective", "label"]).ngroups
    by_title = losses > LEGEND and count <= 1.5 * losses
    return by_title, count > FEW and not by_title


def draw_shared(axes: Axes, sft: pd.Series, trained: pd.DataFrame, quality: Quality) -> None:
    """Draw our runs among published ones: filled means over seeds with the 95 % intervals of each run, and no labels.

    Args:
        axes: Axes of a published frontier, whose divergence the study measures too.
        sft: The SFT model's row.
        trained: The trained runs.
        quality: The reward, on the published scale.
    """
    look, own = get_look("sft"), trained.assign(label=trained["label"].fillna(""))
    axes.plot(
        0,
        sft[quality.metric],
        color=look.colour,
        marker=look.marker,
        markersize=8,
        linestyle="none",
        zorder=5,
    )
    scored = own[np.isfinite(own[[SHARED, quality.metric]].astype(float)).all(axis=1)]
    for objective, group in scored.groupby("objective", sort=False):
        look = get_look(objective)
        axes.errorbar(
            group[SHARED], group[quality.metric], INTERVAL * group[quality.error], INTERVAL * group[f"{SHARED}_se"],
            linestyle="none", color=look.colour, alpha=0.55, elinewidth=0.7, zorder=3,
        )  # fmt: skip
        means = group.groupby("label", sort=False)[[SHARED, quality.metric]].mean()
        broken = (group["status"] == "diverged").groupby(group["label"], sort=False).any()
        fill = np.where(broken.reindex(means.index), "white", look.colour)
        axes.scatter(
            means[SHARED], means[quality.metric], s=30, marker=look.marker, edgecolor=look.colour, linewidth=1,
            color=list(fill), zorder=7,
        )  # fmt: skip
        crossed = means[broken.reindex(means.index)]
        axes.scatter(
            crossed[SHARED], crossed[quality.metric], s=70, color="black", marker="x", linewidth=1, zorder=8
        )
    # Room for the SFT model at 0.
    axes.set_xlim(left=-0.015)
    axes.set_ylabel(f"{quality.axis}, ours and published", fontsize=7)


def _draw_loss(axes: Axes, group: pd.DataFrame, look: Look, dense: bool, quality: Quality) -> pd.DataFrame:
    """Draw the cells of one loss and return the means over seeds, by label."""
    value = quality.metric
    axes.errorbar(
        group["kl"], group[value], INTERVAL * group[quality.error], INTERVAL * group["kl_se"], linestyle="none",
        color=look.colour, marker=look.marker, markersize=3, alpha=0.3 if dense else 0.55, elinewidth=0.7, zorder=2,
    )  # fmt: skip
    means = _average(group, value)
    for cell in group.itertuples():
        mean = means.loc[cell.label]
        axes.plot(
            [cell.kl, mean["kl"]],
            [getattr(cell, value), mean[value]],
            color=look.colour,
            linewidth=0.6,
            zorder=2,
        )
    curves = means[~means["diverged"]].groupby(["shape", "evaluation"])
    # A sweep over many ratios is a cloud; lines through it would hide it.
    for _, curve in curves if means["shape"].nunique() <= CURVES or not dense else ():
        curve = curve.sort_values("strength")
        axes.plot(curve["kl"], curve[value], color=look.colour, linestyle=look.line, linewidth=1.2, zorder=3)
    wrong = dense & (means["shape"] > RIGHT_START_UP_TO)
    fill = np.select([means["diverged"], wrong], ["white", fade(look.colour)], look.colour)
    axes.scatter(
        means["kl"], means[value], s=22 if dense else 34, marker=look.marker, edgecolor=look.colour,
        linewidth=1, zorder=4, color=list(fill),
    )  # fmt: skip
    crossed = means[means["diverged"]]
    axes.scatter(crossed["kl"], crossed[value], s=80, color="black", marker="x", linewidth=1.2, zorder=5)
    return means


def _average(group: pd.DataFrame, value: str) -> pd.DataFrame:
    """Means over seeds by label, with what orders and what parts the curves."""
    strength = group["beta"].fillna(group["beta_kl"])
    settings = group.assign(
        strength=strength,
        # What shapes a modulated loss besides its strength; 0 for the losses of the scaled margin alone.
        shape=(group["beta_mix"].fillna(group["beta"]) / group["tau"] / strength).fillna(0).round(6),
        diverged=group["status"] == "diverged",
        evaluation=group["evaluation"].fillna(""),
    ).groupby("label", sort=False)
    means = settings[["kl", value, "strength", "shape"]].mean()
    return means.join(settings["diverged"].any()).join(settings["evaluation"].first())


def _say_missing(cells: pd.DataFrame) -> str | None:
    """Which cells have no place on the axes."""
    if cells.empty:
        return None
    named = [f"{row.title} {row.label} ({row.status})" for row in cells.head(FEW).itertuples()]
    more = [f"{len(cells) - FEW} more"] if len(cells) > FEW else []
    return textwrap.fill(f"without finite scores: {'; '.join(named + more)}", 120)
