"""Which colour, marker and line a loss has in every figure and on every page."""

from collections.abc import Iterable
from dataclasses import dataclass

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

# Zones of the modulated losses, and what a loss does in them: no loss has these colours.
SAFE_ZONE, WRONG_ZONE = "#227733", "#CC1144"

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
