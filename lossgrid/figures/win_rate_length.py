"""Win rate against length: how much of a win rate is nothing but longer answers."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from lossgrid.figures.frontier import NAMED, choose_labels
from lossgrid.figures.judged_settings import (
    SETTING,
    average_seeds,
    head,
    mark_runs,
    name_setting,
    say_missing,
)
from lossgrid.figures.looks import get_look
from lossgrid.figures.published import Published
from lossgrid.figures.published_marks import HANDLERS, draw_rates, get_handle, get_labels, include
from lossgrid.figures.style import TEXT_WIDTH, save_figure, set_style
from lossgrid.figures.win_rate_points import draw_setting, label_settings, scale_axes

# The two length-controlled rates, the columns of their standard errors, and what they are called.
CONTROLLED = {
    "length_controlled_winrate": ("lc_standard_error", "length-controlled (AlpacaEval)"),
    "lc_study": ("lc_study_standard_error", "length-controlled (lc_study)"),
}
# What a study's win rates are against, in words.
BASELINES = {"sft": "SFT", "reference": "the reference outputs"}
EVEN_LINE = {"color": "black", "linewidth": 0.7, "linestyle": (0, (4, 4))}
LENGTH_LINE = {"color": "black", "linewidth": 0.7, "linestyle": ":"}
# In letters: a line of the heading and of the legend over the whole width.
HEADING, WIDTH = 95, 120


def plot_win_rate_length(
    leaderboard: pd.DataFrame,
    cells: pd.DataFrame,
    title: str,
    paths: Sequence[Path],
    judge: str = "",
    baseline: str = BASELINES["sft"],
    baseline_length: float | None = None,
    published: Published | None = None,
) -> None:
    """Draw win rates over the mean length of the answers, as judged (filled) and length-controlled (hollow).

    A setting is its mean over seeds with 95 % intervals; its seeds are small points. The thin line between the two
    rates is what the length control takes or gives. Of many settings the best and the worst alone are labelled; a
    study of many losses has their titles beside the points. What has no place is named below.

    Args:
        leaderboard: Table of win rates in percent and lengths in characters, a row a run, with either
            `length_controlled_winrate` or `lc_study`.
        cells: Table written by `collect_results`, for what diverged; aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
        judge: Who judged, with the date.
        baseline: What the win rates are against.
        baseline_length: Mean length of the baseline's answers in characters; that of the SFT model's by default.
        published: Win rates of a paper that the study repeats, for a panel beside ours.
    """
    set_style()
    runs = mark_runs(leaderboard, cells)
    column = next((name for name in CONTROLLED if name in runs and runs[name].notna().any()), None)
    means = _average(runs, column)
    shown = means[np.isfinite(means[["avg_length", "win_rate"]]).all(axis=1)]
    by_title, dense = choose_labels(runs[runs["objective"] != "sft"])
    placed = published.place(cells) if published else {}
    figure = plt.figure(figsize=(TEXT_WIDTH, 5.4), layout="constrained")
    ratios = (1, 0.1 + 0.02 * len(placed)) if placed else (1,)
    axes, *beside = figure.subplots(1, len(ratios), sharey=True, width_ratios=ratios, squeeze=False)[0]
    for key, mean in shown.iterrows():
        draw_setting(axes, mean, runs[(runs[SETTING] == key).all(axis=1)], dense)
    even = scale_axes(axes, shown, runs)
    for panel in beside:
        draw_rates(panel, placed, published, column == "length_controlled_winrate")
        include(axes, [rate for rates in placed.values() for rate in rates])
    handles = _get_handles(runs, by_title, column, even)
    length = means["avg_length"].get(("sft", ""), np.nan) if baseline_length is None else baseline_length
    if np.isfinite(length):
        axes.axvline(length, zorder=1, **LENGTH_LINE)
        whose = "SFT" if baseline_length is None else baseline
        handles.append(Line2D([], [], label=f"length of {whose}: {length:,.0f}", **LENGTH_LINE))
    if placed:
        handles.append(get_handle(published.mark))
    axes.set_ylabel(f"win rate against {baseline}, %")
    axes.set_xlabel("mean length of an answer, characters")
    # Nobody asks the judge to compare the SFT model with itself.
    asked = runs[runs["objective"] != "sft"] if baseline == BASELINES["sft"] else runs
    notes = _say_counts(asked) + (f"; labelled: the {NAMED} best and {NAMED} worst" if dense else "")
    axes.set_title(f"{head(title, judge, HEADING)}\n{notes}", loc="left", fontsize=8)
    # Outside, a legend hides nothing.
    figure.legend(
        loc="outside lower center", handles=handles, labels=get_labels(handles), handler_map=HANDLERS,
        ncols=4, alignment="left", title_fontsize=7, columnspacing=1.2,
        title="\n".join(_say_gaps(means, runs, column)) or None,
    )  # fmt: skip
    label_settings(axes, shown, by_title, dense)
    save_figure(figure, paths)


def _average(runs: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """Means over seeds, indexed by objective and label."""
    numbers = runs.assign(
        exact=0.0,
        error=runs["standard_error"],
        controlled=runs[column] if column else np.nan,
        controlled_error=runs[CONTROLLED[column][0]] if column else np.nan,
    )
    pairs = (("avg_length", "exact"), ("win_rate", "error"), ("controlled", "controlled_error"))
    means = pd.concat([average_seeds(numbers, *pair) for pair in pairs], axis=1)
    return means.join(runs.groupby(SETTING, sort=False).agg({"title": "first", "diverged": "any"}))


def _say_counts(runs: pd.DataFrame) -> str:
    failed, judgments = int(runs["n_error"].sum()), (runs["n_ok"] + runs["n_error"]).astype(int)
    least, most = judgments.min(), judgments.max()
    each = f"{least:,}" if least == most else f"{least:,}–{most:,}"
    return f"{each} prompts a run; {failed:,} of {judgments.sum():,} judgments failed; 95 % intervals"


def _get_handles(runs: pd.DataFrame, by_title: bool, column: str | None, even: bool) -> list:
    handles = []
    for objective, title in runs.groupby("objective", sort=False)["title"].first().items():
        if objective == "sft" or not by_title:
            look = get_look(objective)
            style = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
            handles.append(Line2D([], [], markersize=6, label=title, **style))
    grey = {"color": "#555555", "marker": "o", "linestyle": "none"}
    handles.append(Line2D([], [], markersize=5, label="win rate", **grey))
    if column:
        name = CONTROLLED[column][1]
        handles.append(Line2D([], [], markersize=4, markerfacecolor="white", label=name, **grey))
    if runs.groupby(SETTING).size().max() > 1:
        handles.append(Line2D([], [], markersize=2.5, label="win rate of a seed", **grey))
    if runs["diverged"].any():
        cross = {"color": "black", "marker": "x", "linestyle": "none"}
        handles.append(Line2D([], [], markersize=5, label="diverged", **cross))
    if even:
        return [*handles, Line2D([], [], label="50 %: even", **EVEN_LINE)]
    return [*handles, Line2D([], [], linestyle="none", label="(50 % is beyond the axis)")]


def _say_gaps(means: pd.DataFrame, runs: pd.DataFrame, column: str | None) -> list[str]:
    """What has no place, in lines."""
    full = [
        name_setting(title, label, False)
        for title, (_, label) in zip(means["title"], means.index, strict=True)
    ]
    names = pd.Series(full, means.index)
    judged, controlled = means["win_rate"].notna(), means["controlled"].notna()
    unsure = (judged & means["error"].isna()) | (controlled & means["controlled_error"].isna())
    lost = runs[runs["win_rate"].isna()].groupby(SETTING, sort=False).size()
    seeds = [f"{names[key]} ({count})" for key, count in lost.items() if judged[key]]
    rates = list(names[judged & ~controlled]) if column else ["every run: not in the table"]
    return [
        *say_missing("without a readable judgment", list(names[~judged]), WIDTH),
        *say_missing("seeds without a readable judgment", seeds, WIDTH),
        *say_missing("without a length", list(names[judged & means["avg_length"].isna()]), WIDTH),
        *say_missing("without a length-controlled rate", rates, WIDTH),
        *say_missing("without an interval", list(names[unsure]), WIDTH),
    ]
