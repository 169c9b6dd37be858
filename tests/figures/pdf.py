"""What a PDF file of a figure holds: its size, its fonts, and how large its letters are."""

import re
import zlib
from pathlib import Path

STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)


def read_page(path: Path) -> tuple[float, float]:
    """Width and height in inches."""
    left, bottom, right, top = map(float, re.search(rb"/MediaBox \[([^\]]*)\]", path.read_bytes())[1].split())
    return (right - left) / 72, (top - bottom) / 72


def read_kinds(path: Path) -> set[str]:
    """Kinds of fonts and objects: Type0 with CIDFontType2 is embedded TrueType; Image is no vector."""
    return {kind.decode() for kind in re.findall(rb"/Subtype /(\w+)", path.read_bytes())}


def count_embedded(path: Path) -> tuple[int, int]:
    """How many descriptors of fonts there are, and how many of them hold the font's outlines."""
    content = path.read_bytes()
    descriptors = re.findall(rb"<<[^<>]*/Type /FontDescriptor.*?>>", content, re.S)
    return len(descriptors), sum(b"/FontFile2" in descriptor for descriptor in descriptors)


def read_letter_sizes(path: Path) -> set[float]:
    """Sizes of all letters in points, which no transformation of ours scales."""
    sizes = set()
    for stream in STREAM.findall(path.read_bytes()):
        try:
            # Not in one go: a stream may end in a byte that looks like the line's end after it.
            text = zlib.decompressobj().decompress(stream)
        except zlib.error:
            continue
        sizes |= {float(size) for size in re.findall(rb"/F\d[\w-]* ([\d.]+) Tf", text)}
    return sizes
