"""The losses look different to every reader: in colour, in grey, and with the common colour blindnesses."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lossgrid.figures.style import LOOKS, OTHER, darken, get_look
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
PAIRS = list(combinations(["sft", *CATALOGUE], 2))


def get_lab(colour: str, sight: str) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody sees it."""
    encoded = np.array(to_rgb(colour))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(MACHADO[sight]) @ linear, 0, 1)
    ratio = XYZ @ seen / (XYZ @ np.ones(3))
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_measure_of_colour_is_right():
    """White is L* = 100 without colour; sRGB red is (53.24, 80.09, 67.20) in every table of Lab values."""
    assert get_lab("#ffffff", "full colour") == pytest.approx([100, 0, 0], abs=1e-6)
    # The matrix has four digits, so that Lab is right to about 0.02.
    assert np.abs(get_lab("#ff0000", "full colour") - [53.24, 80.09, 67.20]).max() < 0.03


def test_every_loss_of_the_catalogue_has_a_look_of_its_own():
    """Two losses that share a look are one loss to the reader; add new ones to LOOKS."""
    looks = {name: get_look(name) for name in CATALOGUE}
    assert OTHER not in looks.values()
    for property_name in ("colour", "marker", "line"):
        assert len({getattr(look, property_name) for look in looks.values()}) == len(looks), property_name


def test_a_loss_without_a_look_is_drawn_unlike_the_others():
    """A researcher's new loss must not look like DPO before it has a look of its own."""
    own = get_look("a_new_loss")
    for property_name in ("colour", "marker", "line"):
        assert getattr(own, property_name) not in {getattr(look, property_name) for look in LOOKS.values()}


@pytest.mark.parametrize("sight", MACHADO)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_two_losses_differ_to_every_eye(pair, sight):
    """One reader in twelve of the men has one of these; a ΔE of 2.3 is just noticeable, 10 is plain at a glance."""
    one, other = (get_lab(get_look(name).colour, sight) for name in pair)
    assert np.linalg.norm(one - other) > 10


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_two_losses_differ_in_a_grey_print(pair):
    """What has nearly the same grey must have another marker and another line."""
    one, other = (get_look(name) for name in pair)
    greys = [get_lab(look.colour, "full colour")[0] for look in (one, other)]
    assert abs(greys[0] - greys[1]) > 10 or (one.marker != other.marker and one.line != other.line)


@pytest.mark.parametrize("name", CATALOGUE)
def test_labels_can_be_read_on_white(name):
    """Small letters in sky blue or orange vanish; WCAG asks for a contrast of 3 for graphics."""
    colour = darken(get_look(name).colour)
    luminance = ((get_lab(colour, "full colour")[0] + 16) / 116) ** 3
    assert 1.05 / (luminance + 0.05) > 3
