"""MT-Bench: which kinds of questions each setting answers well, and its score over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from lossgrid.figures.judged_settings import (
    SETTING,
    average_seeds,
    head,
    mark_runs,
    name_setting,
    say_missing,
)
from lossgrid.figures.mt_bench_dots import TURNS, count_failed, draw_dots
from lossgrid.figures.mt_bench_radar import choose_lines, draw_radar
from lossgrid.figures.published import Published
from lossgrid.figures.published_marks import HANDLERS, draw_mark, get_handle, get_labels
from lossgrid.figures.setting_rows import lay_out_rows
from lossgrid.figures.style import TEXT_WIDTH, save_figure, set_style

EVEN_LINE = {"color": "black", "linewidth": 0.7, "linestyle": (0, (4, 4))}
# In inches: the radar with the names around it, and a line of its legend.
RADAR, LINE = 2.9, 0.15
# In letters: a name beside the dots, and a line of the heading and of the legend over the whole width.
NAME, HEADING, WIDTH = 27, 105, 125


@dataclass(frozen=True)
class Measure:
    """What the dots are of: the unit, and the value that is neither better nor worse than no training."""

    unit: str
    even: float
    even_name: str


def plot_mt_bench(
    scores: pd.DataFrame,
    cells: pd.DataFrame,
    title: str,
    paths: Sequence[Path],
    judge: str = "",
    published: Published | None = None,
) -> None:
    """Draw the score of each category on a radar, and that of all questions as dots with 95 % intervals.

    Every setting has a row of dots: its mean over seeds with an interval, its seeds as small points, its turns as
    pale numbers, and at the right how many judgments it has and how many failed. The radar has a line a setting,
    or for more than eight the SFT model and the best setting of each of the best losses. What has no readable
    judgment is named below.

    Args:
        scores: Table of MT-Bench scores (1–10), a row for each run, category and turn; or of shares won against
            a baseline, which are drawn in percent.
        cells: Table written by `collect_results`, for what diverged; aliases are left out.
        title: Title of the study.
        paths: Files to write, the format by the ending.
        judge: Who judged, with the date.
        published: Scores of a paper that the study repeats, for the rows of its settings.
    """
    set_style()
    scores, measure = _measure(mark_runs(scores, cells).astype({"turn": str}))
    every_category, every_turn = scores["category"] == "all", scores["turn"] == "all"
    overall, turns = scores[every_category & every_turn], scores[every_category & ~every_turn]
    categories = scores[~every_category & every_turn]
    means = average_seeds(overall, "score", "score_se")
    rows = lay_out_rows(overall, NAME)
    lines, chosen = choose_lines(overall, means["score"])
    height = max(0.4 + rows.end * rows.pitch, RADAR + LINE * (len(lines) + 1))
    figure = plt.figure(figsize=(TEXT_WIDTH, height + 0.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06)
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.05), height_ratios=(RADAR, height - RADAR))
    radar, below = figure.add_subplot(grid[0, 0], projection="polar"), figure.add_subplot(grid[1, 0])
    centre, rim = draw_radar(radar, categories, lines)
    below.set_axis_off()
    if lines:
        below.legend(
            *radar.get_legend_handles_labels(),
            loc="upper center",
            frameon=False,
            handlelength=3.2,
            borderpad=0,
        )
    dots = figure.add_subplot(grid[:, 1])
    draw_dots(dots, overall, turns, means, rows)
    placed = (
        {key: score for key, score in published.place(cells).items() if key in rows.places}
        if published
        else {}
    )
    for key, score in placed.items():
        draw_mark(dots, key[0], score, rows.places[key])
    if np.isfinite(measure.even):
        dots.axvline(measure.even, zorder=1, **EVEN_LINE)
    dots.set_xlabel(f"all questions, {measure.unit}")
    failed, judgments = count_failed(overall)
    figure.suptitle(
        f"{head(title, judge, HEADING)}\nMT-Bench, {measure.unit}; {failed:,} of {judgments:,} judgments failed\n"
        f"radar: {chosen}, from {centre} (centre) to {rim}; dots: every setting; 95 % intervals",
        fontsize=8, x=0.01, ha="left",
    )  # fmt: skip
    handles = _get_handles(overall, measure)
    if placed:
        handles.append(get_handle(published.mark))
    # Outside, a legend hides nothing.
    figure.legend(
        loc="outside lower center", handles=handles, labels=get_labels(handles), handler_map=HANDLERS,
        ncols=4 if placed else 6, alignment="left", title_fontsize=7,
        title="\n".join(_say_gaps(overall, categories, means)) or None,
    )  # fmt: skip
    save_figure(figure, paths)


def _measure(scores: pd.DataFrame) -> tuple[pd.DataFrame, Measure]:
    """What the table measures, and the table with that in its columns score and score_se."""
    if "score" in scores:
        overall = scores[(scores["category"] == "all") & (scores["turn"] == "all")]
        sft = overall.loc[overall["objective"] == "sft", "score"].mean()
        return scores, Measure("points of 1–10", sft, "SFT")
    baseline = "SFT" if (scores["baseline"] == "sft").all() else scores["baseline"].iloc[0]
    shares = scores.assign(score=100 * scores["win_rate"], score_se=100 * scores["win_rate_se"])
    return shares, Measure(f"% won against {baseline}", 50.0, "50 %: even")


def _get_handles(overall: pd.DataFrame, measure: Measure) -> list:
    grey = {"color": "#555555", "linestyle": "none"}
    seeds = overall.groupby(SETTING).size().max() > 1
    handles = [
        Line2D([], [], marker="o", markersize=4.5, label="mean over seeds" if seeds else "setting", **grey),
        *(
            Line2D([], [], marker=mark, markersize=4, label=f"turn {turn}", **grey)
            for turn, (mark, _) in TURNS.items()
        ),
    ]
    if seeds:
        handles.insert(
            1, Line2D([], [], marker="o", markersize=3, markerfacecolor="white", label="seed", **grey)
        )
    if np.isfinite(measure.even):
        handles.append(Line2D([], [], label=measure.even_name, **EVEN_LINE))
    if overall["diverged"].any():
        handles.append(
            Line2D([], [], color="black", marker="x", linestyle="none", markersize=5, label="diverged")
        )
    return handles


def _say_gaps(overall: pd.DataFrame, categories: pd.DataFrame, means: pd.DataFrame) -> list[str]:
    """What has no place, in lines."""
    titles = overall.drop_duplicates(SETTING).set_index(SETTING)["title"]
    full = {key: name_setting(title, key[1], False) for key, title in titles.items()}
    seeds = overall.groupby(SETTING).size()
    unread = [
        full[key] + (f", seed {row.seed:g}" if seeds[key] > 1 else "")
        for row in overall[overall["score"].isna()].itertuples()
        for key in [(row.objective, row.label)]
    ]
    scored = categories.groupby([*SETTING, "category"], sort=False)["score"].mean()
    empty = {key: [] for key in full if np.isfinite(means["score"][key])}
    for objective, label, category in scored.index[scored.isna()]:
        empty.get((objective, label), []).append(category)
    partly = [f"{full[key]} ({', '.join(names)})" for key, names in empty.items() if names]
    unsure = [full[key] for key in means.index[means["score"].notna() & means["score_se"].isna()]]
    return [
        *say_missing("without a readable judgment", unread, WIDTH),
        *say_missing("without one in a category", partly, WIDTH),
        *say_missing("without an interval", unsure, WIDTH),
    ]
