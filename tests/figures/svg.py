"""What an SVG file of a figure says and where."""

import re
from pathlib import Path
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def read_texts(path: Path) -> list[str]:
    """Every text of a figure, in drawing order."""
    tree = ElementTree.parse(path)
    return ["".join(element.itertext()).strip() for element in tree.iter(f"{SVG}text")]


def read_sizes(path: Path) -> list[float]:
    """The font size of every text, in points of the SVG (72 an inch)."""
    styles = (element.get("style", "") for element in ElementTree.parse(path).iter(f"{SVG}text"))
    return [float(size) for style in styles for size in re.findall(r"([\d.]+)px", style)[:1]]


def read_width(path: Path) -> float:
    """The width of a figure in inches."""
    return float(ElementTree.parse(path).getroot().get("width").removesuffix("pt")) / 72
