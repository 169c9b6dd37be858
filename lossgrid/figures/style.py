"""How all figures look: one colour, marker and line a loss, readable in grey and for the colour-blind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from lossgrid.objectives.catalogue import CATALOGUE


@dataclass(frozen=True)
class Look:
    """How one loss is drawn in every figure."""

    colour: str
    marker: str | tuple[int, int, int]
    line: str | tuple


# The losses that most figures hold have looks of their own: Okabe and Ito's palette, which is safe for the common
# kinds of colour blindness, and a darker vermilion for the variant of dLRML. Markers and dashes tell them apart
# where there is no colour.
NAMED_LOOKS = {
    "sft": Look("#000000", "*", "none"),
    "dpo": Look("#0072B2", "o", "-"),
    "ipo": Look("#56B4E9", "s", "--"),
    "hinge": Look("#E69F00", "^", "-."),
    "discopop": Look("#009E73", "D", ":"),
    "dlrml": Look("#D55E00", "v", (0, (5, 1, 1, 1, 1, 1))),
    "dlrml_learned": Look("#7A2B00", ">", (0, (9, 1.5))),
}
# A loss that is not in the catalogue, in a table of another version of it.
OTHER = Look("#CC79A7", "H", (0, (1, 3)))

# What the other losses are drawn with. Each colour was chosen as the one farthest from all before it, for the
# kind of sight that sees the smallest difference; markers and dashes repeat none of those above. No ×, which
# marks diverged cells.
COLOURS = ("#4211A6", "#85A642", "#730B73", "#8DD9A6", "#8257D9", "#734B65", "#BFD98D")
MARKERS = ("P", "<", "p", "d", "h", (4, 1, 0), (3, 1, 0), (6, 1, 0))
DASHES = ((3, 1), (8, 1, 3, 1), (4, 4), (1, 1, 3, 1), (12, 3), (6, 2, 1, 1, 1, 2), (2, 3), (8, 3, 8, 1))


def assign_looks(names: Iterable[str]) -> dict[str, Look]:
    """Give every loss a look: the named ones theirs, the others one by their place.

    Any two of the first 56 of those others differ in at least two of colour, marker and line. After these the
    looks repeat.

    Args:
        names: Names of objectives, in the order of the catalogue.
    """
    looks = dict(NAMED_LOOKS)
    for place, name in enumerate(name for name in names if name not in NAMED_LOOKS):
        rounds, colour = divmod(place, len(COLOURS))
        # Steps of one and of two, so that no two places share a pair of colour, marker and line.
        looks[name] = Look(
            COLOURS[colour],
            MARKERS[(rounds + colour) % len(MARKERS)],
            (0, DASHES[(rounds + 2 * colour) % len(DASHES)]),
        )
    return looks


LOOKS = assign_looks(CATALOGUE)


def get_look(objective: str) -> Look:
    """The look of an objective of the catalogue; all that it does not know share one."""
    return LOOKS.get(objective, OTHER)


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
    """Write a figure in the formats that the paths' endings name, without a date."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}[path.suffix]
        figure.savefig(path, bbox_inches="tight", metadata=metadata)
    plt.close(figure)
