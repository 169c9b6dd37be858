"""Training curves: what the loss did to the margins, step by step."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from lossgrid.figures.style import get_look, save_figure, set_style

# Single batches of pairs are noisy; the curves are means over this many steps.
WINDOW = 8
ROWS = {
    "rho_median": "median margin ρ, nats",
    "accuracy": "share of pairs with ρ > 0",
    "grad_norm": "gradient norm before clipping",
}
# Below this spread of margins, in nats, no pair has one yet: its sign is that of a rounding error.
NO_MARGINS = 1e-3
LINES = ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1))]


def plot_training_curves(
    cells: pd.DataFrame, logs: Mapping[str, Sequence[dict]], title: str, paths: Sequence[Path]
) -> None:
    """Draw margin, accuracy and gradient norm over steps, a column a loss and a line a cell.

    Steps whose value is not finite are left out of the means, and so is the accuracy of the first steps, before
    any pair has a margin; a diverged cell ends in a cross.

    Args:
        cells: Table written by `collect_cells`; aliases are left out.
        logs: The records of each trained cell's training log, by the cell's path.
        title: Title of the study.
        paths: Files to write, the format by the ending.
    """
    set_style()
    trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
    objectives = list(dict.fromkeys(trained["objective"]))
    figure, grid = plt.subplots(
        len(ROWS), len(objectives), figsize=(max(7.0, 1.4 * len(objectives)), 6.4), sharex=True, sharey="row",
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for column, objective in zip(grid.T, objectives, strict=True):
        group = trained[trained["objective"] == objective]
        _draw_loss(column, group, logs, get_look(objective).colour)
        column[0].set_title(group["title"].iloc[0], loc="left", fontsize=8)
        column[-1].set_xlabel("optimiser step", fontsize=7)
        # Below the axes, a legend hides nothing.
        column[-1].legend(
            loc="upper left", bbox_to_anchor=(-0.1, -0.3), fontsize=6, handlelength=2, frameon=False,
            handletextpad=0.5, borderpad=0, borderaxespad=0,
        )  # fmt: skip
    for axes, (key, label) in zip(grid[:, 0], ROWS.items(), strict=True):
        axes.set_ylabel(label, fontsize=7)
        if key == "rho_median":
            axes.set_yscale("symlog", linthresh=0.1)
        if key == "grad_norm":
            axes.set_yscale("log")
        if key != "accuracy":
            axes.yaxis.set_major_formatter(FuncFormatter(_say_tick))
            axes.yaxis.set_minor_formatter(NullFormatter())
    figure.suptitle(
        f"{title}\nmeans over {WINDOW} steps; thin lines: further seeds; ×: diverged",
        fontsize=8,
        x=0.01,
        ha="left",
    )
    save_figure(figure, paths)


def _draw_loss(column: Sequence[Axes], group: pd.DataFrame, logs: Mapping, colour: str) -> None:
    labels = list(dict.fromkeys(group["label"]))
    for number, label in enumerate(labels):
        # The shade falls with the setting's number, so that lines part in grey as well.
        shade = 1 - 0.4 * number / max(len(labels) - 1, 1)
        for order, cell in enumerate(group[group["label"] == label].sort_values("seed").itertuples()):
            records = pd.DataFrame(logs[cell.cell], columns=["step", "rho_min", "rho_max", *ROWS])
            records.loc[records["rho_max"] - records["rho_min"] < NO_MARGINS, "accuracy"] = np.nan
            for axes, key in zip(column, ROWS, strict=True):
                smooth = _smooth(records[key])
                axes.plot(
                    records["step"], smooth, color=colour, alpha=shade, linestyle=LINES[number % len(LINES)],
                    linewidth=0.6 if order else 1.1, label=None if order else label,
                )  # fmt: skip
                last = smooth.last_valid_index()
                if cell.status == "diverged" and last is not None:
                    axes.scatter(
                        records["step"][last], smooth[last], color="black", marker="x", s=24, zorder=5
                    )


def _smooth(values: pd.Series) -> pd.Series:
    finite = values.astype(float).replace([np.inf, -np.inf], np.nan)
    return finite.rolling(WINDOW, min_periods=1).mean()


def _say_tick(value: float, _position: int) -> str:
    return f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.2g}"
