"""The points of win rates over length: a setting's two rates, its seeds, and the axes that hold them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import ScaledTranslation

from lossgrid.figures.frontier import INTERVAL, NAMED
from lossgrid.figures.labels import place_labels
from lossgrid.figures.looks import get_look
from lossgrid.figures.style import darken

EVEN = 50.0
# In points: a length-controlled rate stands so far right of its win rate, so that their intervals can be told apart.
ASIDE = 4
# Beyond this ratio of the longest to the shortest mean, lengths are on a logarithmic axis.
WIDE = 8
# In percentage points: the axis reaches to 50 % unless all that is drawn ends farther than this from it.
NEAR = 25


def draw_setting(axes: Axes, mean: pd.Series, seeds: pd.DataFrame, dense: bool) -> None:
    """Draw the win rate of a setting, beside it the length-controlled one, and its seeds.

    Args:
        axes: Win rates over lengths.
        mean: Means over seeds: avg_length, win_rate and controlled, both with an error; and diverged. Its name is
            the objective and the label.
        seeds: Runs of the setting, with avg_length and win_rate.
        dense: Whether there are so many that the seeds stand back.
    """
    look = get_look(mean.name[0])
    size = 8 if look.marker == "*" else 5
    # Labels keep clear of points, and not of the markers of lines.
    style = {"edgecolor": look.colour, "marker": look.marker, "linewidth": 1}
    bar = {"color": look.colour, "fmt": "none"}
    length, rate, controlled = mean["avg_length"], mean["win_rate"], mean["controlled"]
    fill = "white" if mean["diverged"] else look.colour
    axes.scatter(length, rate, s=size**2, facecolor=fill, zorder=4, **style)
    axes.errorbar(length, rate, _get_reach(mean["error"]), elinewidth=1, zorder=3.5, **bar)
    if np.isfinite(controlled):
        aside = axes.transData + ScaledTranslation(ASIDE / 72, 0, axes.figure.dpi_scale_trans)
        hollow = {"s": (0.8 * size) ** 2, "facecolor": "white", "transform": aside}
        axes.scatter(length, controlled, zorder=3, **hollow, **style)
        reach = _get_reach(mean["controlled_error"])
        axes.errorbar(length, controlled, reach, elinewidth=0.6, zorder=2.5, transform=aside, **bar)
        ends = {
            "coordsA": axes.transData,
            "coordsB": aside,
            "xyA": (length, rate),
            "xyB": (length, controlled),
        }
        axes.add_artist(ConnectionPatch(**ends, color=look.colour, linewidth=0.5, linestyle=":", zorder=2))
    seeds = seeds.dropna(subset=["avg_length", "win_rate"])
    if len(seeds) > 1:
        faint = {"color": darken(look.colour), "alpha": 0.25 if dense else 0.8}
        axes.scatter(seeds["avg_length"], seeds["win_rate"], s=7, linewidth=0, zorder=5, **faint)
        # Of many settings, lines would be a web.
        for seed in () if dense else seeds.itertuples():
            axes.plot([seed.avg_length, length], [seed.win_rate, rate], linewidth=0.4, zorder=2, **faint)
    if mean["diverged"]:
        axes.scatter(length, rate, s=45, color="black", marker="x", linewidth=1, zorder=5)


def scale_axes(axes: Axes, means: pd.DataFrame, seeds: pd.DataFrame) -> bool:
    """Make room for all that is drawn, and draw the line of an even win rate.

    Returns:
        Whether that line is near enough to be on the axes.
    """
    lengths = means["avg_length"][means["avg_length"] > 0]
    if len(lengths) and lengths.max() > WIDE * lengths.min():
        # Linear at the left, so that empty answers have a place.
        axes.set_xscale("symlog", linthresh=lengths.min() / 2, linscale=0.5)
        axes.set_xlim(left=(0.8 if len(lengths) == len(means) else -0.05) * lengths.min())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ends = [seeds["win_rate"]]
    for rate, error in (("win_rate", "error"), ("controlled", "controlled_error")):
        reach = INTERVAL * means[error].fillna(0)
        ends += [means[rate] - reach, means[rate] + reach]
    ends = pd.concat(ends).dropna()
    if ends.empty:
        return False
    near = bool(ends.min() - NEAR <= EVEN <= ends.max() + NEAR)
    if near:
        axes.axhline(EVEN, color="black", linewidth=0.7, linestyle=(0, (4, 4)), zorder=1)
        ends = np.append(ends, EVEN)
    margin = 0.05 * (ends.max() - ends.min()) or 1.0
    axes.set_ylim(ends.min() - margin, ends.max() + margin)
    return near


def label_settings(axes: Axes, means: pd.DataFrame, by_title: bool, dense: bool) -> None:
    """Write the settings beside their win rates; of many, the best and the worst that did not diverge."""
    named = means[means.index.get_level_values(0) != "sft"]
    if dense:
        healthy = named[~named["diverged"]]
        order = healthy["controlled"].fillna(healthy["win_rate"]).sort_values(kind="stable").index
        named = named.loc[[*order[:NAMED], *order[-NAMED:]]]
    settings = named.groupby(level=0).size()
    texts = []
    for (objective, label), row in named.iterrows():
        title = row["title"] if settings[objective] == 1 else f"{row['title']}, {label}"
        texts.append((title if by_title else label) + (" (diverged)" if row["diverged"] else ""))
    place_labels(
        axes,
        list(zip(named["avg_length"], named["win_rate"], strict=True)),
        texts,
        [darken(get_look(objective).colour) for objective, _ in named.index],
    )


def _get_reach(error: float) -> float | None:
    """Half of an interval; none is drawn without an error."""
    return INTERVAL * error if np.isfinite(error) else None
