"""Fonts inside of SVG files: matplotlib names them only, and where they are not installed all letters are others."""

import base64
import re
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties, findfont

SVG = "{http://www.w3.org/2000/svg}"
# Of "font-size: 7px; font-family: 'DejaVu Sans'; font-weight: 700"; the usual style and weight are left out.
PROPERTY = re.compile(r"font-(family|style|weight): '?([^';]+)")


def embed_fonts(path: Path) -> None:
    """Write the letters that an SVG file uses into it, as web fonts in its first style sheet.

    The text stays text, to be searched and edited.

    Args:
        path: A file that matplotlib wrote with ``svg.fonttype: none``; it is replaced.

    Raises:
        ValueError: A font that the file names is none of matplotlib's.
    """
    text = path.read_text(encoding="utf-8")
    rules = "".join(
        f'@font-face {{font-family: "{family}"; font-style: {style}; font-weight: {weight}; '
        f'src: url(data:font/woff;base64,{_cut(family, style, weight, "".join(sorted(letters)))}) format("woff");}}\n'
        for (family, style, weight), letters in sorted(find_letters(text).items())
    )
    opening = '<style type="text/css">'
    path.write_text(text.replace(opening, opening + rules, 1), encoding="utf-8")


def find_letters(text: str) -> Mapping[tuple[str, str, str], set[str]]:
    """The letters that each font of an SVG file is used for, by family, style and weight."""
    found: dict[tuple[str, str, str], set[str]] = {}
    _collect(ElementTree.fromstring(text), None, found)
    return found


def _collect(element: ElementTree.Element, font: tuple[str, str, str] | None, found: dict) -> None:
    """Add the letters of an element, which have its own font or that of what it stands in."""
    properties = dict(PROPERTY.findall(element.get("style", "")))
    if "family" in properties:
        font = (properties["family"], properties.get("style", "normal"), properties.get("weight", "400"))
    if font and element.tag in (f"{SVG}text", f"{SVG}tspan"):
        found.setdefault(font, set()).update(element.text or "")
    for child in element:
        _collect(child, font, found)


@cache
def _cut(family: str, style: str, weight: str, letters: str) -> str:
    """The part of a font that holds some letters, as WOFF in base 64; the same bytes every time."""
    properties = FontProperties(family=family, style=style, weight=int(weight))
    font = TTFont(findfont(properties, fallback_to_default=False), recalcTimestamp=False)
    options = Options(flavor="woff", hinting=False, recalc_timestamp=False)
    # When the font was edited; of no use to a reader.
    options.drop_tables += ["FFTM"]
    subsetter = Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(font)
    font.flavor = "woff"
    written = BytesIO()
    font.save(written)
    return base64.b64encode(written.getvalue()).decode("ascii")
