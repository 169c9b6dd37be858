"""How all figures look: one colour, marker and line a loss, readable in grey and for the colour-blind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Look:
    """How one loss is drawn in every figure."""

    colour: str
    marker: str
    line: str


# Okabe and Ito's palette, which is safe for the common kinds of colour blindness; the marker and the dashes
# tell the losses apart where there is no colour.
LOOKS = {
    "sft": Look("#000000", "*", "none"),
    "dpo": Look("#0072B2", "o", "-"),
    "ipo": Look("#56B4E9", "s", "--"),
    "hinge": Look("#E69F00", "^", "-."),
    "discopop": Look("#009E73", "D", ":"),
    "dlrml": Look("#D55E00", "v", (0, (5, 1, 1, 1, 1, 1))),
    "dlrml_learned": Look("#7F3C8D", "X", (0, (3, 1))),
}
OTHER = Look("#CC79A7", "P", (0, (1, 2)))


def get_look(objective: str) -> Look:
    """The look of an objective; those without one of their own share one."""
    return LOOKS.get(objective, OTHER)


def darken(colour: str) -> str:
    """The colour for text: the light ones of the palette are hard to read in small letters on white."""
    return to_hex([0.7 * channel for channel in to_rgb(colour)])


def set_style() -> None:
    """Set fonts, grid and embedding for the figures that follow."""
    sns.set_theme(context="paper", style="whitegrid", font="DejaVu Sans")
    mpl.rcParams.update(
        {
            "font.size": 8,
            "axes.titlesize": 9,
            "axes.labelsize": 8,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "legend.fontsize": 7,
            "axes.edgecolor": "#888888",
            "axes.linewidth": 0.7,
            "grid.linewidth": 0.4,
            "grid.color": "#dddddd",
            "pdf.fonttype": 42,
            "svg.fonttype": "none",
            # Without these two, the same picture is another file every time.
            "svg.hashsalt": "lossgrid",
            "savefig.dpi": 200,
        }
    )


def save_figure(figure: Figure, paths: Sequence[Path]) -> None:
    """Write a figure in the formats that the paths' endings name, without a date."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}[path.suffix]
        figure.savefig(path, bbox_inches="tight", metadata=metadata)
    plt.close(figure)
