"""How published numbers are drawn: open markers with a dot, apart from every mean, interval and line of ours."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from scipy.stats import t as student

from lossgrid.figures.looks import get_look
from lossgrid.figures.published import Published, PublishedFrontier

SIZE = 6.0
# A legend draws the two parts of such a marker over each other.
HANDLERS = {tuple: HandlerTuple(ndivide=1, pad=0)}


def draw_mark(axes: Axes, objective: str, x: float, y: float, size: float = SIZE) -> None:
    """Draw a published number of a loss; the size is in points."""
    look = get_look(objective)
    axes.scatter(
        x, y, s=size**2, marker=look.marker, facecolor="none", edgecolor=look.colour, linewidth=0.9, zorder=6
    )
    axes.scatter(x, y, s=3, marker="o", color=look.colour, linewidth=0, zorder=6)


def get_handle(label: str) -> tuple[Line2D, Line2D]:
    """The entry of a legend, to be drawn by `HANDLERS`; its label is that of the first part."""
    grey = {"color": "#555555", "linestyle": "none", "marker": "o"}
    return (
        Line2D([], [], markersize=SIZE, markerfacecolor="none", label=label, **grey),
        Line2D([], [], markersize=1.7, **grey),
    )


def get_labels(handles: Iterable) -> list[str]:
    """What a legend says of handles, some of which are such entries."""
    return [(handle[0] if isinstance(handle, tuple) else handle).get_label() for handle in handles]


def draw_rates(
    axes: Axes, placed: Mapping[tuple[str, str], Sequence[float]], published: Published, controlled: bool
) -> None:
    """Draw published win rates in a panel of their own: nothing is known of their lengths.

    Args:
        axes: Axes that share our win rates' axis.
        placed: Win rate and length-controlled one by objective and label, in percent.
        published: Whose they are.
        controlled: Whether ours are length-controlled in the same way; else the second one is left out.
    """
    for place, ((objective, _), (rate, controlled_rate)) in enumerate(placed.items()):
        draw_mark(axes, objective, place, rate)
        if controlled:
            draw_mark(axes, objective, place + 0.35, controlled_rate, size=0.7 * SIZE)
    axes.set_xlim(-0.7, max(len(placed), 1) - 0.2)
    axes.set_xticks([])
    axes.set_title(f"published, judge\n{published.judge},\n{published.judged}", fontsize=6, loc="left")


def include(axes: Axes, values: Iterable[float]) -> None:
    """Widen the vertical axis until values are on it."""
    low, high = axes.get_ylim()
    values = list(values)
    margin = 0.05 * (max(high, *values) - min(low, *values)) if values else 0.0
    if values:
        axes.set_ylim(min(low, min(values) - margin), max(high, max(values) + margin))


def draw_frontier(axes: Axes, published: PublishedFrontier, objectives: Iterable[str]) -> None:
    """Draw a published frontier: a hollow marker a setting, with what has no numbers named above.

    Args:
        axes: Axes without a measure of ours, unless it is the same.
        published: The frontier.
        objectives: Losses of the study; no others are drawn.
    """
    for objective, rows in published.select(objectives).groupby("objective", sort=False):
        look = get_look(objective)
        groups = rows.groupby("beta")[["kl", "reward"]]
        means, halves = groups.mean(), _get_halves(groups)
        axes.errorbar(
            means["kl"], means["reward"], halves["reward"], halves["kl"], fmt="none", ecolor=look.colour,
            elinewidth=0.6, zorder=2,
        )  # fmt: skip
        for mean in means.itertuples():
            draw_mark(axes, objective, mean.kl, mean.reward, size=5)
    axes.set_xscale("symlog", linthresh=0.1, linscale=0.6)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    whose = "" if published.shared else "published "
    axes.set_xlabel(f"{whose}KL(reference ‖ policy)\na token, nats", fontsize=7)
    axes.set_ylabel("published reward", fontsize=7)
    lines = [f"published: {published.source}" if published.shared else f"published:\n{published.source}"]
    if failed := published.list_failed(objectives):
        # The strengths of a loss stay on its line.
        said = "; ".join(name.replace(" ", "\u00a0") for name in failed)
        lines += textwrap.wrap(f"without numbers: {said}", 60 if published.shared else 36)
    axes.set_title("\n".join(lines).replace("\u00a0", " "), fontsize=6.5, loc="left")


def _get_halves(groups) -> pd.DataFrame:
    """Half-widths of 95 % intervals over the runs of each setting; NaN for a single run."""
    counts = groups.count()
    return student.ppf(0.975, counts.where(counts > 1) - 1) * groups.std() / np.sqrt(counts)
