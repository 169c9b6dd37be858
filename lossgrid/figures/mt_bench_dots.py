"""The dots of MT-Bench: a row a setting with its interval, its seeds, its turns and its judgments."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from lossgrid.figures.frontier import INTERVAL
from lossgrid.figures.judged_settings import SETTING
from lossgrid.figures.looks import Look, get_look
from lossgrid.figures.setting_rows import Rows, draw_rows, write_column
from lossgrid.figures.style import darken

# The marks of the turns are their numbers, so many points above and below the line that would cross them.
TURNS = {"1": ("$1$", 5), "2": ("$2$", -5)}
# In square points: as high as a digit of the smallest letters.
TURN_SIZE = 19
FAILED = ["n_parse_error", "n_api_error"]


def draw_dots(
    axes: Axes, overall: pd.DataFrame, turns: pd.DataFrame, means: pd.DataFrame, rows: Rows
) -> None:
    """Draw every setting into its row.

    Args:
        axes: Axes of their own.
        overall: A row a run over all questions and turns.
        turns: Rows of runs for one turn each.
        means: Score of each setting with its error, by objective and label.
        rows: Where the settings are.
    """
    draw_rows(axes, rows)
    for turn, (mark, raised) in TURNS.items():
        beside = axes.transData + ScaledTranslation(0, raised / 72, axes.figure.dpi_scale_trans)
        own = turns[turns["turn"] == turn].groupby(SETTING, sort=False)["score"].mean()
        axes.scatter(
            own, [rows.places[key] for key in own.index], s=TURN_SIZE, marker=mark, transform=beside, linewidth=0.2,
            alpha=0.75, zorder=2,
            color=[darken(get_look(objective).colour) for objective, _ in own.index],
        )  # fmt: skip
    counts = {}
    for key, runs in overall.groupby(SETTING, sort=False):
        _draw_setting(axes, runs, means.loc[key], rows.places[key], get_look(key[0]))
        failed, judgments = count_failed(runs)
        counts[key] = f"{judgments - failed}", f"{failed}"
    write_column(axes, rows, "judged", {key: judged for key, (judged, _) in counts.items()}, 26)
    write_column(axes, rows, "failed", {key: failed for key, (_, failed) in counts.items()}, 50)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _draw_setting(axes: Axes, runs: pd.DataFrame, mean: pd.Series, place: float, look: Look) -> None:
    diverged = runs["diverged"].any()
    axes.errorbar(
        mean["score"], place, xerr=INTERVAL * mean["score_se"], color=look.colour, marker=look.marker,
        markerfacecolor="white" if diverged else look.colour, markersize=7 if look.marker == "*" else 4.5,
        elinewidth=1, linestyle="none", zorder=4,
    )  # fmt: skip
    if len(runs) > 1:
        axes.scatter(
            runs["score"], [place] * len(runs), s=9, marker="o", facecolor="white", edgecolor=look.colour,
            linewidth=0.6, zorder=5,
        )  # fmt: skip
    if diverged:
        axes.scatter(mean["score"], place, s=36, color="black", marker="x", linewidth=1, zorder=5)


def count_failed(runs: pd.DataFrame) -> tuple[int, int]:
    """Failed judgments and all of them."""
    failed = int(runs[FAILED].to_numpy().sum())
    return failed, failed + int(runs["n_ok"].sum())
