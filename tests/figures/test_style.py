"""The losses look different to every reader: in colour, in grey, and with the common colour blindnesses.

The named losses differ pairwise in everything. Of the others, any two have colours that differ to every eye, or
share a colour and differ in marker and line; and any two differ in marker or line, whatever their colours.
"""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lossgrid import figures
from lossgrid.figures.looks import (
    COLOURS,
    DASHES,
    LOOKS,
    NAMED_LOOKS,
    OTHER,
    SAFE_ZONE,
    WRONG_ZONE,
    assign_looks,
    get_look,
)
from lossgrid.figures.style import darken
from lossgrid.objectives.catalogue import CATALOGUE

# Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1.0, for linear RGB.
MACHADO = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "full colour": np.eye(3).tolist(),
}
# IEC 61966-2-1 (sRGB, D65).
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
PROPERTIES = ("colour", "marker", "line")
NAMED_PAIRS = list(combinations(NAMED_LOOKS, 2))
# As many losses as the automatic looks last for, whatever the catalogue holds today.
CAPACITY = len(COLOURS) * len(DASHES)
MADE_UP = [f"loss_{place}" for place in range(CAPACITY)]


def get_lab(colour: str, sight: str) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody sees it."""
    encoded = np.array(to_rgb(colour))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(MACHADO[sight]) @ linear, 0, 1)
    ratio = XYZ @ seen / (XYZ @ np.ones(3))
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def measure_difference(one: str, other: str, sight: str) -> float:
    """ΔE of two colours: 2.3 is just noticeable, 10 is plain at a glance."""
    return float(np.linalg.norm(get_lab(one, sight) - get_lab(other, sight)))


def test_the_measure_of_colour_is_right():
    """White is L* = 100 without colour; sRGB red is (53.24, 80.09, 67.20) in every table of Lab values."""
    assert get_lab("#ffffff", "full colour") == pytest.approx([100, 0, 0], abs=1e-6)
    # The matrix has four digits, so that Lab is right to about 0.02.
    assert np.abs(get_lab("#ff0000", "full colour") - [53.24, 80.09, 67.20]).max() < 0.03


def test_the_named_losses_share_nothing():
    """They stand beside each other in most figures: two that share a colour, marker or line are one to the reader."""
    for name in PROPERTIES:
        assert len({getattr(look, name) for look in NAMED_LOOKS.values()}) == len(NAMED_LOOKS), name


def test_every_loss_of_the_catalogue_has_a_look_of_its_own():
    """Two losses with one look are one loss to the reader; a longer catalogue needs more dashes and markers."""
    looks = [get_look(name) for name in CATALOGUE]
    assert len(set(looks)) == len(looks)
    assert OTHER not in looks
    for one, other in combinations(looks, 2):
        shared = [name for name in PROPERTIES if getattr(one, name) == getattr(other, name)]
        assert len(shared) <= 1, (one, other)


def test_a_researcher_s_loss_gets_a_look_without_an_edit():
    """The first figure of a new loss must show it unlike every other, named or not, wherever it is listed."""
    for names in ([*CATALOGUE, "mine"], ["mine", *CATALOGUE]):
        looks = assign_looks(names)
        mine = looks.pop("mine")
        assert mine.colour not in {look.colour for look in NAMED_LOOKS.values()}
        assert all(mine.marker != look.marker or mine.line != look.line for look in looks.values())
        assert {name: looks[name] for name in NAMED_LOOKS} == NAMED_LOOKS


def test_any_two_losses_differ_in_two_things_and_without_colour():
    """In a grey print, marker and line are all that is left."""
    looks = assign_looks(MADE_UP)
    assert len(looks) == len(NAMED_LOOKS) + CAPACITY
    for one, other in combinations(looks.values(), 2):
        same = {name: getattr(one, name) == getattr(other, name) for name in PROPERTIES}
        assert sum(same.values()) <= 1, (one, other)


@pytest.mark.parametrize("sight", MACHADO)
def test_two_colours_differ_to_every_eye(sight):
    """One man in twelve sees colours in one of these ways. Losses that share a colour differ in the rest."""
    colours = [*COLOURS, *(look.colour for look in NAMED_LOOKS.values()), OTHER.colour]
    assert len(set(colours)) == len(colours)
    assert min(measure_difference(*pair, sight) for pair in combinations(colours, 2)) > 10


@pytest.mark.parametrize("zone", [SAFE_ZONE, WRONG_ZONE])
def test_a_zone_has_no_loss_s_colour(zone):
    """The safe wedge in DiscoPOP's green would be read as something of DiscoPOP's."""
    looks = [*LOOKS.values(), OTHER]
    assert min(measure_difference(zone, look.colour, "full colour") for look in looks) > 10


def test_colours_of_losses_are_given_in_one_place():
    """A figure that draws a loss in a colour of its own breaks the key that all figures share."""
    colours = {look.colour.lower() for look in [*LOOKS.values(), OTHER]} - {"#000000"}
    for file in Path(figures.__file__).parent.rglob("*.py"):
        if file.name != "looks.py":
            assert not colours & {
                found.lower() for found in re.findall(r"#[0-9a-fA-F]{6}", file.read_text())
            }, file


@pytest.mark.parametrize("pair", NAMED_PAIRS, ids="-".join)
def test_two_named_losses_differ_in_a_grey_print(pair):
    """What has nearly the same grey must have another marker and another line."""
    one, other = (NAMED_LOOKS[name] for name in pair)
    greys = [get_lab(look.colour, "full colour")[0] for look in (one, other)]
    assert abs(greys[0] - greys[1]) > 10 or (one.marker != other.marker and one.line != other.line)


def test_the_learned_mix_stands_apart_from_dlrml_in_grey():
    """The two are drawn together wherever a study asks whether learning β_mix helps."""
    greys = [
        get_lab(NAMED_LOOKS[name].colour, "full colour")[0]
        for name in ("dlrml", "dlrml_learned", "sft", "dpo")
    ]
    assert min(abs(one - other) for one, other in combinations(greys, 2)) > 5
    assert abs(greys[0] - greys[1]) > 20


@pytest.mark.parametrize("colour", [*(look.colour for look in NAMED_LOOKS.values()), *COLOURS, OTHER.colour])
def test_labels_can_be_read_on_white(colour):
    """Small letters in sky blue or orange vanish; WCAG asks for a contrast of 3 for graphics."""
    luminance = ((get_lab(darken(colour), "full colour")[0] + 16) / 116) ** 3
    assert 1.05 / (luminance + 0.05) > 3
