"""Labels of settings: which belong together, and how they fit beside each other."""

import textwrap
from collections.abc import Iterable, Iterator
from math import ceil

# What ends the label of a setting that is not evaluated as its loss is by default.
PUBLISHED = ", published"


def split_labels(labels: Iterable[str], most: int, size: int) -> Iterator[tuple[str, list[str], list[str]]]:
    """Split the settings of an objective into panels.

    Up to ``most`` settings stay together. More are split by the values of all hyper-parameters but the last, a
    sweep over β_kl and β_mix by β_kl, and these into even parts where they are too many.

    Args:
        labels: Labels of settings, as "β_kl 0.05, β_mix 0.2".
        most: How many stay together at least.
        size: How many a part of a split objective has at most.

    Yields:
        What the labels of a panel share, or ""; the labels; and what is left of them without it.

    Examples:
        >>> list(split_labels(["β 1", "β 2"], most=6, size=6))
        [('', ['β 1', 'β 2'], ['β 1', 'β 2'])]
        >>> list(split_labels(["β_kl 1, β_mix 2", "β_kl 1, β_mix 3"], most=1, size=6))
        [('β_kl 1', ['β_kl 1, β_mix 2', 'β_kl 1, β_mix 3'], ['β_mix 2', 'β_mix 3'])]
    """
    labels = list(labels)
    if len(labels) <= most:
        yield "", labels, labels
        return
    families: dict[str, list[str]] = {}
    for label in labels:
        families.setdefault(label.removesuffix(PUBLISHED).rpartition(", ")[0], []).append(label)
    if len(families) > len(labels) / 2:
        families = {"": labels}
    for shared, family in families.items():
        step = ceil(len(family) / ceil(len(family) / size))
        for first in range(0, len(family), step):
            part = family[first : first + step]
            yield shared, part, [label.removeprefix(f"{shared}, ") if shared else label for label in part]


def wrap_label(label: str, width: int) -> str:
    """The label in lines of so many letters; a name stays with its value unless they are longer than a line."""
    parts = (part if len(part) >= width else part.replace(" ", "\u00a0") for part in label.split(", "))
    joined = ", ".join(parts)
    return textwrap.fill(joined, width, break_long_words=False).replace("\u00a0", " ")


def count_lines(label: str, width: int) -> int:
    """How many lines a wrapped label has."""
    return wrap_label(label, width).count("\n") + 1
