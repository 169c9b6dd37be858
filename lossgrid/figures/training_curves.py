"""Training curves: what the loss did to the margins, step by step."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from lossgrid.figures.style import get_look, save_figure, set_style

# Single batches of pairs are noisy; the curves are means over this many steps.
WINDOW = 8
ROWS = {
    "rho_median": "median margin ρ, nats",
    "accuracy": "share of pairs with ρ > 0",
    "grad_norm": "gradient norm before clipping",
}
LINES = ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1))]


def plot_training_curves(
    cells: pd.DataFrame, logs: Mapping[str, Sequence[dict]], title: str, paths: Sequence[Path]
) -> None:
    """Draw margin, accuracy and gradient norm over steps, a column a loss and a line a cell.

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
        len(ROWS), len(objectives), figsize=(1.2 + 2.1 * len(objectives), 6.6), sharex=True, sharey="row",
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for column, objective in enumerate(objectives):
        group = trained[trained["objective"] == objective]
        labels = list(dict.fromkeys(group["label"]))
        for _, cell in group.iterrows():
            records = pd.DataFrame(logs[cell["cell"]])
            number = labels.index(cell["label"])
            first_seed = cell["seed"] == group.loc[group["label"] == cell["label"], "seed"].min()
            for row, key in enumerate(ROWS):
                _draw(grid[row][column], records, key, get_look(objective).colour, number, first_seed, cell)
        grid[0][column].set_title(group["title"].iloc[0], loc="left")
        grid[-1][column].set_xlabel("optimiser step")
        grid[0][column].legend(loc="upper left", fontsize=5.5, handlelength=2.4)
    for row, (key, label) in enumerate(ROWS.items()):
        grid[row][0].set_ylabel(label)
        if key == "rho_median":
            grid[row][0].set_yscale("symlog", linthresh=0.1)
        if key == "grad_norm":
            grid[row][0].set_yscale("log")
    figure.suptitle(
        f"{title} (means over {WINDOW} steps; thin lines: further seeds; ×: diverged)", fontsize=9
    )
    save_figure(figure, paths)


def _draw(axes, records: pd.DataFrame, key: str, colour: str, number: int, first_seed: bool, cell) -> None:
    values = records[key].where(records[key].abs() != float("inf"))
    smooth = values.rolling(WINDOW, min_periods=1).mean()
    # The shade falls with the setting's number, so that lines part in grey as well.
    axes.plot(
        records["step"], smooth, color=colour, alpha=1 - 0.13 * min(number, 5), linestyle=LINES[number % len(LINES)],
        linewidth=1.2 if first_seed else 0.6, label=cell["label"] if first_seed else None,
    )  # fmt: skip
    if cell["status"] == "diverged":
        last = smooth.last_valid_index()
        axes.scatter(records["step"][last], smooth[last], color="black", marker="x", s=30, zorder=5)
