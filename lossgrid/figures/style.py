"""How all figures look, and how they are written: at the size that they have in print, with their fonts."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from lossgrid.figures.svg_fonts import embed_fonts

# In inches: the text of a two-column paper, which every figure spans without being scaled, and its page's height.
TEXT_WIDTH, PAGE_HEIGHT = 6.75, 9.0
# In points: no letter is smaller.
LEAST_SIZE = 6.0


def darken(colour: str) -> str:
    """The colour for text: the light ones of the palette are hard to read in small letters on white."""
    return to_hex([0.7 * channel for channel in to_rgb(colour)])


def fade(colour: str) -> str:
    """The colour for the inside of a marker that stands back, whose edge has the colour itself."""
    return to_hex([0.3 * channel + 0.7 for channel in to_rgb(colour)])


def get_shades(colour: str, count: int) -> list[str]:
    """The colour itself, or so many from its dark to its light version, which part in grey as well."""
    if count == 1:
        return [colour]
    dark, light = (
        [factor * channel + lift for channel in to_rgb(colour)] for factor, lift in ((0.45, 0), (0.6, 0.4))
    )
    return [
        to_hex([(1 - share) * one + share * other for one, other in zip(dark, light, strict=True)])
        for share in (number / (count - 1) for number in range(count))
    ]


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
    """Write a figure in the formats that the paths' endings name, at its own size and without a date.

    PDF holds its fonts as TrueType outlines (type 42), SVG as a part of the file.
    """
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}[path.suffix]
        figure.savefig(path, metadata=metadata)
        if path.suffix == ".svg":
            embed_fonts(path)
    plt.close(figure)
