"""The learned mix: where training takes β_mix, and the margins that push it there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lossgrid.figures.looks import SAFE_ZONE, WRONG_ZONE, get_look
from lossgrid.figures.moving_means import WINDOW, smooth
from lossgrid.figures.plane import SAFE_RATIO, WRONG_SIGN_RATIO
from lossgrid.figures.setting_labels import wrap_label
from lossgrid.figures.style import TEXT_WIDTH, get_shades, save_figure, set_style

OBJECTIVE = "dlrml_learned"
# Single batches of pairs are noisy; what pushes β_mix is drawn as means over several steps, β_mix itself is not.
# In letters: what fits beside each other over the whole width.
WIDTH = 90
PUSHES = {
    "rho_median": "median margin ρ, nats",
    "beta_mix_grad": "dL/d log β_mix",
}
# How much of a colour the bands of the intervals have.
BAND = 0.2
LINES = ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (9, 2))]


def plot_learned_mix(
    cells: pd.DataFrame, logs: Mapping[str, Sequence[dict]], title: str, paths: Sequence[Path]
) -> None:
    """Draw β_mix over the steps of training, with the margins and the gradient that move it.

    A column holds the cells of one β_kl and τ, because the ratio r = β_mix/(τβ_kl), on the right axis, is what
    shapes the loss. Positive margins push β_mix down, as a positive gradient does.

    Args:
        cells: Table written by `collect_results`; only the cells with a learned mix are drawn.
        logs: The records of each such cell's training log, by the cell's path, with `beta_mix` (the value that
            the step used), `beta_mix_grad` (gradient of the loss by log β_mix) and `rho_median`.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    trained = cells[(cells["objective"] == OBJECTIVE) & (cells["alias_of"].fillna("") == "")]
    strengths = list(trained.groupby(["beta_kl", "tau"], sort=False))
    figure, grid = plt.subplots(
        1 + len(PUSHES), max(len(strengths), 1), figsize=(TEXT_WIDTH, 6.2), sharex=True,
        squeeze=False, layout="constrained", height_ratios=(2.2, 1, 1),
    )  # fmt: skip
    notes = f"below: means over {WINDOW} steps, 95 % intervals; pairs and gradients above 0 push β_mix down"
    figure.suptitle(f"{title}\n{notes}" if strengths else title, fontsize=8, x=0.01, ha="left")
    if not strengths:
        for axes in grid.flat:
            axes.set_axis_off()
        grid[0, 0].set_title("the study has no cell with a learned mix", loc="left")
        save_figure(figure, paths)
        return
    for column, ((beta_kl, tau), group) in zip(grid.T, strengths, strict=True):
        _draw_cells(column, group, logs, WIDTH // len(strengths))
        _draw_ratios(column[0], tau * beta_kl)
        column[0].set_title(f"β_kl {beta_kl:g}, τ {tau:g}", loc="left", fontsize=8)
        for axes, key in zip(column[1:], PUSHES, strict=True):
            axes.axhline(0, color="black", linewidth=0.7, zorder=1)
            axes.set_yscale("symlog", linthresh=1 if key == "rho_median" else 1e-2)
            axes.yaxis.set_major_formatter(FuncFormatter(_say_tick))
            axes.yaxis.set_minor_formatter(NullFormatter())
        column[-1].set_xlabel("optimiser step", fontsize=7)
        # Below the axes, a legend hides nothing.
        column[-1].legend(
            *column[0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(-0.05, -0.38), fontsize=6,
            handlelength=3, frameon=False, handletextpad=0.5, borderpad=0, borderaxespad=0,
        )  # fmt: skip
    for axes, label in zip(grid[:, 0], ["β_mix, 1/nat", *PUSHES.values()], strict=True):
        axes.set_ylabel(label, fontsize=7)
    figure.legend(handles=_get_handles(), loc="outside lower center", ncols=4)
    save_figure(figure, paths)


def _draw_cells(column: Sequence[Axes], group: pd.DataFrame, logs: Mapping, width: int) -> None:
    labels = list(dict.fromkeys(group["label"]))
    shades = get_shades(get_look(OBJECTIVE).colour, len(labels))
    for number, (label, colour) in enumerate(zip(labels, shades, strict=True)):
        for order, cell in enumerate(group[group["label"] == label].sort_values("seed").itertuples()):
            records = pd.DataFrame(logs[cell.cell], columns=["step", "beta_mix", *PUSHES])
            means, halves = smooth(records[list(PUSHES)])
            curves = [records["beta_mix"].astype(float), *(means[key] for key in PUSHES)]
            for axes, key in zip(column[1:], PUSHES, strict=True):
                low, high = means[key] - halves[key], means[key] + halves[key]
                axes.fill_between(records["step"], low, high, color=colour, alpha=BAND, linewidth=0, zorder=2)
            for axes, curve in zip(column, curves, strict=True):
                axes.plot(
                    records["step"], curve, color=colour, linestyle=LINES[number % len(LINES)],
                    linewidth=0.6 if order else 1.2, zorder=3,
                    label=None if order else wrap_label(_shorten(label), width),
                )  # fmt: skip
                last = curve.last_valid_index()
                if cell.status == "diverged" and last is not None:
                    axes.scatter(
                        records["step"][last], curve[last], color="black", marker="x", s=24, zorder=5
                    )


def _draw_ratios(axes: Axes, unit: float) -> None:
    """Draw the bounds of r, and r on the right; the unit is the β_mix that gives r = 1."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    # The wedge stays in sight, so that a curve far from it is seen to be far.
    low, high = min(0.9 * low, 0.6 * unit), max(1.2 * high, 1.7 * WRONG_SIGN_RATIO * unit)
    first, last = (ratio * unit for ratio in SAFE_RATIO)
    axes.axhspan(first, last, color=SAFE_ZONE, alpha=0.13, linewidth=0, zorder=0)
    axes.axhspan(WRONG_SIGN_RATIO * unit, high, color=WRONG_ZONE, alpha=0.07, linewidth=0, zorder=0)
    axes.axhline(first, color=SAFE_ZONE, linewidth=0.9, linestyle="--", zorder=1)
    axes.axhline(last, color=SAFE_ZONE, linewidth=0.9, zorder=1)
    axes.axhline(WRONG_SIGN_RATIO * unit, color=WRONG_ZONE, linewidth=0.9, zorder=1)
    axes.set_ylim(low, high)
    right = axes.secondary_yaxis("right", functions=(lambda beta: beta / unit, lambda ratio: ratio * unit))
    right.set_ylabel("r = β_mix/(τβ_kl)", fontsize=7)
    for axis in (axes.yaxis, right.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axis.set_major_formatter(FuncFormatter(_say_tick))
        axis.set_minor_formatter(NullFormatter())
    right.tick_params(labelsize=6)


def _get_handles() -> list:
    low, high = SAFE_RATIO
    return [
        Patch(
            color=SAFE_ZONE, alpha=0.25, label=f"monotone, no exponential tail: {low:.4g} ≤ r ≤ {high:.4g}"
        ),
        Patch(color=WRONG_ZONE, alpha=0.14, label=f"wrong sign at ρ = 0: r > {WRONG_SIGN_RATIO:.4g}"),
        Line2D([], [], color="black", linewidth=0.6, label="thin: further seeds"),
        Line2D([], [], color="black", marker="x", linestyle="none", markersize=5, label="diverged"),
    ]


def _shorten(label: str) -> str:
    """The label without what the column's heading says."""
    kept = [part for part in label.split(", ") if part.split()[0] not in ("β_kl", "τ")]
    return ", ".join(kept).replace("β_mix", "β_mix from")


def _say_tick(value: float, _position: int) -> str:
    return f"{value:.3g}".replace("-", "−")
