"""The judge card: the ratings and verdicts of two judges on the same answers, their agreement and their biases."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lossgrid.figures.judged_settings import head
from lossgrid.figures.style import TEXT_WIDTH, save_figure, set_style
from lossgrid.statistics.judge_card import BOTH, JUDGE, STORED, combine_orders, pick_judged

# The study's judge, the other one, and what is of both.
COLOURS = {JUDGE: "#2F6690", STORED: "#B5541C", BOTH: "#444444"}
MARKERS = {JUDGE: "o", STORED: "s", BOTH: "D"}
# Who can be drawn a bit above the middle of a row, and who below.
OFFSETS = {JUDGE: -0.16, STORED: 0.16, BOTH: 0.0}
RATINGS = list(range(1, 11))
VERDICTS = {"A": "first", "tie": "tie", "B": "second"}
# Rows of the panel of shares, from above: what they are about, the measure, and what a reader calls it.
SHARES = (
    ("ratings", "exact", "same rating"),
    ("ratings", "within_1", "ratings within 1 point"),
    ("ratings", "same_again", "same rating when asked again"),
    ("pairs", "agreement", "same verdict, with ties"),
    ("pairs", "agreement_without_ties", "same verdict, neither a tie"),
    ("pairs", "same_again", "same verdict when asked again"),
    ("pairs", "inconsistent", "verdict changes with the order"),
    ("pairs", "first_place", "of these: leans to the first place"),
    ("pairs", "longer_preferred", "longer answer preferred"),
)
# The most frequent cell is not the darkest blue, so that its number can be read.
SHADE = 1.25
# In letters: what fits over the whole width.
WIDTH = 100


def plot_judge_card(
    rows: Sequence[Mapping],
    card: pd.DataFrame,
    title: str,
    paths: Sequence[Path],
    judge: str,
    stored: str,
) -> None:
    """Draw what two judges said of the same, and what follows from it.

    Args:
        rows: Written by `ask_card`.
        card: Table of `describe_card`.
        title: Title of the study.
        paths: Files to write, the format by the ending.
        judge: Name of the study's judge.
        stored: Name of the judge whose judgments are stored.
    """
    set_style()
    judged = pick_judged(rows)
    ratings = [row for row in judged if row["kind"] == "single"]
    pairs = [row for row in judged if row["kind"] == "pairs"]
    shown = card[[(row.about, row.measure) in _NAMES and row.of in OFFSETS for row in card.itertuples()]]
    kinds = [name for name in ("ratings", "pairs") if (card["about"] == name).any()]
    figure = plt.figure(figsize=(TEXT_WIDTH, 2.9 if len(kinds) == 1 else 4.4), layout="constrained")
    figure.suptitle(head(title, f"{judge}, beside {stored}", WIDTH), fontsize=8, x=0.01, ha="left")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    panels = left.subplots(len(kinds), 1, squeeze=False, height_ratios=(1.7, 1)[: len(kinds)])[:, 0]
    for axes, kind in zip(panels, kinds, strict=True):
        if kind == "ratings":
            _draw_ratings(axes, ratings)
        else:
            _draw_verdicts(axes, pairs)
        axes.set_xlabel(f"{stored}: {'rating' if kind == 'ratings' else 'better answer'}", fontsize=7)
        axes.set_ylabel("the judge", fontsize=7)
    _draw_shares(right.subplots(), shown)
    handles = [
        Line2D([], [], color=COLOURS[of], marker=MARKERS[of], linestyle="none", markersize=4, label=name)
        for of, name in ((JUDGE, judge), (STORED, stored), (BOTH, "both judges together"))
        if (shown["of"] == of).any()
    ]
    right.legend(handles=handles, loc="outside lower center", ncols=1, frameon=False)
    save_figure(figure, paths)


def _draw_ratings(axes: Axes, rows: Sequence[Mapping]) -> None:
    """Counts of rounded ratings; what is on the diagonal is alike."""
    counts = np.zeros((len(RATINGS), len(RATINGS)), int)
    for row in rows:
        counts[_round(row["judged"][0]) - 1, _round(row["stored"][0]) - 1] += 1
    _draw_counts(axes, counts, RATINGS)
    axes.set_title(f"{len(rows):,} answers rated by both", loc="left", fontsize=8)


def _draw_verdicts(axes: Axes, rows: Sequence[Mapping]) -> None:
    """Counts of verdicts of both orders; one that changes with the order is a tie."""
    names = list(VERDICTS)
    counts = np.zeros((len(names), len(names)), int)
    for row in rows:
        ours, theirs = (names.index(combine_orders(row[key])) for key in ("judged", "stored"))
        counts[ours, theirs] += 1
    _draw_counts(axes, counts, [VERDICTS[name] for name in names])
    axes.set_title(f"{len(rows):,} pairs judged by both", loc="left", fontsize=8)


def _draw_counts(axes: Axes, counts: np.ndarray, names: Sequence) -> None:
    most = counts.max(initial=1)
    # As outlines and not as pixels, which journals refuse; the white of the gaps is the grid.
    axes.pcolormesh(
        np.sqrt(counts), cmap="Blues", vmin=0, vmax=SHADE * np.sqrt(most), edgecolors="white", linewidth=0.4
    )
    for (up, across), count in np.ndenumerate(counts):
        if count:
            axes.text(
                across + 0.5, up + 0.5, f"{count:,}", fontsize=6, ha="center", va="center",
                color="white" if count > 0.5 * most else "black",
                fontweight="bold" if up == across else "normal",
            )  # fmt: skip
    middles = [place + 0.5 for place in range(len(names))]
    axes.set_xticks(middles, names)
    axes.set_yticks(middles, names)
    axes.grid(visible=False)


def _draw_shares(axes: Axes, card: pd.DataFrame) -> None:
    present = [key for key in _NAMES if ((card["about"] == key[0]) & (card["measure"] == key[1])).any()]
    for place, key in enumerate(present):
        own = card[(card["about"] == key[0]) & (card["measure"] == key[1])]
        # What is measured of one judge alone stands in the middle of its row.
        alone = len(own) == 1
        for row in own.itertuples():
            if not np.isfinite(row.value):
                continue
            height = place + (0 if alone else OFFSETS[row.of])
            reach = None
            if np.isfinite([row.low, row.high]).all():
                reach = [[100 * (row.value - row.low)], [100 * (row.high - row.value)]]
            axes.errorbar(
                100 * row.value, height, xerr=reach, color=COLOURS[row.of], marker=MARKERS[row.of], markersize=4,
                elinewidth=1, linestyle="none", zorder=3,
            )  # fmt: skip
    labels = [f"{_NAMES[key]}\n{_say_n(card, key)}" for key in present]
    axes.set_yticks(range(len(present)), labels, fontsize=6.5)
    axes.set_ylim(len(present) - 0.5, -0.5)
    axes.set_xlim(-3, 103)
    axes.axvline(50, color="#888888", linewidth=0.7, linestyle="--", zorder=1)
    axes.set_xlabel("share, %, with 95 % intervals", fontsize=7)


def _say_n(card: pd.DataFrame, key: tuple[str, str]) -> str:
    counts = card.loc[(card["about"] == key[0]) & (card["measure"] == key[1]), "n"].astype(int)
    return "n = " + " and ".join(f"{count:,}" for count in dict.fromkeys(counts))


def _round(rating: float) -> int:
    return int(np.clip(np.floor(rating + 0.5), RATINGS[0], RATINGS[-1]))


_NAMES = {(about, measure): name for about, measure, name in SHARES}
