"""How long chosen and rejected responses are: whether a loss could win by length alone."""

from collections.abc import Sequence
from math import ceil, floor, log10
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.ticker import MaxNLocator

from lossgrid.figures.style import TEXT_WIDTH, save_figure, set_style

# Differences and lengths beyond those of this share are counted at the ends.
SHOWN = 0.99
# At most so many bins to either side of 0, and along either length.
BINS, CELLS = 30, 32
# So few pairs are points.
FEW = 300
LONGER, SHORTER, EQUAL, MEAN = "#2F6690", "#E0B04B", "#999999", "#8C2F1B"
FURTHER = {"facecolor": "none", "edgecolor": "#555555", "hatch": "///////", "linewidth": 0.4}
COUNTS = LinearSegmentedColormap.from_list("counts", ["#d8e6f3", "#2F6690", "#0b2239"])


def plot_length_differences(
    lengths: pd.DataFrame, data: pd.DataFrame, title: str, paths: Sequence[Path]
) -> None:
    """Draw the lengths of chosen minus rejected responses, and of the one over the other.

    Left: the distribution of the differences, with 0 and the mean with its 95 % interval; the few further away are
    counted in bars of their own at the ends, and not cut off. Right: each pair by the lengths of its two responses;
    above the line the chosen one is longer.

    Args:
        lengths: Columns `chosen_tokens` and `rejected_tokens`, a row a pair.
        data: Table written by `describe_data`, for the mean and the shares.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    figure = plt.figure(figsize=(TEXT_WIDTH, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    measures = data[data["part"] == "reference"].set_index("measure")
    _draw_differences(left, lengths, measures)
    _draw_lengths(right, lengths)
    figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    save_figure(figure, paths)


def count_beyond(differences: np.ndarray) -> tuple[int, int, int]:
    """The largest difference that has a bin, and how many lie further to the left and to the right of 0."""
    reach = get_reach(differences)
    width, counts, right = cut_into_bins(differences[differences > 0], reach)
    _, _, left = cut_into_bins(-differences[differences < 0], reach)
    return len(counts) * width, left, right


def get_reach(differences: np.ndarray) -> float:
    """The size that few differences go beyond."""
    return float(np.quantile(np.abs(differences), SHOWN, method="inverted_cdf"))


def cut_into_bins(sizes: np.ndarray, reach: float) -> tuple[int, np.ndarray, int]:
    """Count whole numbers from 1 on in bins of one width.

    Args:
        sizes: Shape (n,), whole numbers above 0.
        reach: Up to where bins are wanted.

    Returns:
        The width of a bin: bin k holds the sizes from k·width + 1 to (k + 1)·width; how many each holds; and how many
        sizes lie beyond the last one, which ends at or after the reach.
    """
    width = max(1, ceil(reach / BINS))
    bins = max(1, ceil(reach / width))
    places = (sizes - 1) // width
    return width, np.bincount(places[places < bins], minlength=bins), int((places >= bins).sum())


def _draw_differences(axes: Axes, lengths: pd.DataFrame, measures: pd.DataFrame) -> None:
    differences = (lengths["chosen_tokens"] - lengths["rejected_tokens"]).to_numpy()
    n, reach = len(differences), get_reach(differences)
    for sign, colour, side in ((1, LONGER, "chosen"), (-1, SHORTER, "rejected")):
        width, counts, beyond = cut_into_bins(sign * differences[sign * differences > 0], reach)
        centres = 0.5 + width * (np.arange(len(counts)) + 0.5)
        axes.bar(
            sign * centres, 100 * counts / n, width, color=colour, edgecolor="white", linewidth=0.3,
            label=f"{side} longer: {_say_share(measures, f'{side}_longer')}",
        )  # fmt: skip
        # Beside the last bin, which is none of it.
        end = centres[-1] + 1.5 * width
        axes.bar(sign * end, 100 * beyond / n, width, **FURTHER)
    axes.bar(
        0, 100 * (differences == 0).sum() / n, 1, color=EQUAL,
        label=f"same length: {_say_share(measures, 'same_length')}",
    )  # fmt: skip
    limit, left, right = count_beyond(differences)
    if left or right:
        said = f"further than {limit:,} tokens: {left:,} to the left, {right:,} to the right"
        axes.bar(0, 0, **FURTHER, label=said)
    mean, low, high = measures.loc["length_difference_mean", ["value", "low", "high"]].astype(float)
    top = axes.get_ylim()[1]
    axes.axvline(0, color="black", linewidth=0.7, zorder=3)
    axes.vlines(mean, 0, 1.06 * top, color=MEAN, linewidth=0.8, linestyle=(0, (4, 2)), zorder=4)
    half = None if np.isnan(low) else (high - low) / 2
    axes.errorbar(
        mean, 1.06 * top, xerr=half, color=MEAN, marker="D", markersize=4, capsize=2, linestyle="none",
        label=f"mean {_say_interval(mean, low, high)} tokens", zorder=4,
    )  # fmt: skip
    axes.set_xlim(-end - width, end + width)
    axes.set_ylim(0, 1.12 * top)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel(
        f"chosen − rejected, tokens ({n:,} pairs)" if n > 1 else "chosen − rejected, tokens (1 pair)"
    )
    axes.set_ylabel(f"share of pairs in {width:,} tokens, %" if width > 1 else "share of pairs, %")


def _draw_lengths(axes: Axes, lengths: pd.DataFrame) -> None:
    chosen, rejected = (lengths[f"{side}_tokens"].to_numpy() for side in ("chosen", "rejected"))
    both = np.concatenate([chosen, rejected])
    few = len(chosen) <= FEW
    most = max(1, ceil(both.max() if few else np.quantile(both, SHOWN, method="inverted_cdf")))
    cut = both.max() > most
    width = ceil((most + 1) / CELLS)
    edges = np.arange(0, most + width + 1, width) - 0.5
    if few:
        axes.scatter(
            np.minimum(rejected, most), np.minimum(chosen, most), s=12, color=LONGER, alpha=0.5, linewidth=0
        )
    else:
        counts, *_ = np.histogram2d(np.minimum(chosen, most), np.minimum(rejected, most), [edges, edges])
        mesh = axes.pcolormesh(
            edges, edges, np.ma.masked_equal(counts, 0), cmap=COUNTS, norm=LogNorm(1, max(counts.max(), 2)),
            linewidth=0,
        )  # fmt: skip
        bar = axes.figure.colorbar(mesh, ax=axes, label="pairs", shrink=0.8, format="{x:,.0f}", pad=0.02)
        # Shapes and no picture, without seams between them.
        bar.solids.set(rasterized=False, edgecolor="face")
    axes.axline((0, 0), slope=1, color="black", linewidth=0.7)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(edges[0], edges[-1]), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("rejected response, tokens" + (f"\n(over {most:,}: in the last cells)" if cut else ""))
    axes.set_ylabel("chosen response, tokens")


def _say_share(measures: pd.DataFrame, name: str) -> str:
    share, low, high = 100 * measures.loc[name, ["value", "low", "high"]].astype(float)
    return f"{share:.1f} % ({low:.1f} to {high:.1f})"


def _say_interval(mean: float, low: float, high: float) -> str:
    """All three to the place of the second digit of half the interval."""
    half = (high - low) / 2
    places = min(max(0, 1 - floor(log10(half))), 6) if half > 0 else 0 if abs(mean) >= 100 else 2
    numbers = [f"{number:,.{places}f}".replace("-", "−") for number in (mean, low, high)]
    return f"{numbers[0]} ({numbers[1]} to {numbers[2]})" if half >= 0 else f"{numbers[0]} (no interval)"
