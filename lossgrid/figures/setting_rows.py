"""Settings as rows of a figure, grouped by loss, with their names at the left."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from lossgrid.figures.judged_settings import name_setting
from lossgrid.figures.looks import get_look
from lossgrid.figures.setting_labels import count_lines, wrap_label
from lossgrid.figures.style import darken

# In heights of a row: what a further line of a name takes, and the gap between losses.
LINE, GAP = 0.65, 0.4
# In inches: the height of all rows together that fits a page, and the bounds of that of one.
PAGE, LOWEST, HIGHEST = 8.4, 0.12, 0.17


@dataclass(frozen=True)
class Rows:
    """Where the rows are.

    Attributes:
        places: Height of each setting by objective and label; 0 is the top, a row is 1 high.
        names: Height, text, colour and weight of each line of names.
        borders: Heights between two losses.
        end: Height of all rows.
    """

    places: dict[tuple[str, str], float]
    names: list[tuple[float, str, str, str]]
    borders: list[float]
    end: float

    @property
    def pitch(self) -> float:
        """Inches a row, so that a page holds some seventy."""
        return self.fit(PAGE)

    def fit(self, height: float) -> float:
        """Inches a row, so that all rows have so many inches together as far as they can be read."""
        return min(max(height / self.end, LOWEST), HIGHEST)


def lay_out_rows(settings: pd.DataFrame, width: int) -> Rows:
    """Give every setting a row; a loss of several settings has a row of its own above them.

    Args:
        settings: Columns objective, title, label and diverged, in the order to draw; repeated settings are one row.
        width: Letters that a line of a name has at most.
    """
    settings = settings.drop_duplicates(["objective", "label"])
    places, names, borders, top = {}, [], [], 0.0
    alone, before = True, ""
    for objective, group in settings.groupby("objective", sort=False):
        colour = darken(get_look(objective).colour)
        # Losses of one row each need nothing between them.
        if top and not (alone and len(group) == 1 and before != "sft"):
            borders.append(top + GAP / 2)
            top += GAP
        alone, before = len(group) == 1, objective
        if not alone:
            names.append((top + 0.5, group["title"].iloc[0], colour, "bold"))
            top += 1
        for row in group.itertuples():
            text = name_setting(row.title if alone else "", row.label, row.diverged)
            height = 1 + LINE * (count_lines(text, width) - 1)
            places[objective, row.label] = top + height / 2
            names.append((top + height / 2, wrap_label(text, width), colour, "normal"))
            top += height
    return Rows(places, names, borders, top)


def draw_rows(axes: Axes, rows: Rows, named: bool = True, pitch: float | None = None) -> None:
    """Set the vertical axis to the rows, with their names unless another panel has them.

    Args:
        axes: Axes of their own.
        rows: Where the settings are.
        named: Whether the names stand beside these axes.
        pitch: Inches a row, where it is not the one for a page of its own.
    """
    # Room above the first name for what stands over its line.
    axes.set_ylim(rows.end + 0.2, -0.3)
    axes.set_yticks(
        [height for height, *_ in rows.names], [text if named else "" for _, text, *_ in rows.names]
    )
    axes.tick_params(axis="y", length=0, labelsize=6.5 if (pitch or rows.pitch) > 0.14 else 6)
    axes.grid(visible=False, axis="y")
    for tick, (*_, colour, weight) in zip(axes.get_yticklabels(), rows.names, strict=True):
        tick.set(color=colour, fontweight=weight, linespacing=1.0)
    axes.hlines(
        list(rows.places.values()),
        0,
        1,
        transform=axes.get_yaxis_transform(),
        color="#eeeeee",
        linewidth=0.4,
        zorder=0,
    )
    axes.hlines(
        rows.borders, 0, 1, transform=axes.get_yaxis_transform(), color="#bbbbbb", linewidth=0.5, zorder=0
    )


def write_column(
    axes: Axes, rows: Rows, heading: str, texts: Mapping[tuple[str, str], str], right: float
) -> None:
    """Write a text at the right of each row, which ends so many points from the axes."""
    style = {"xytext": (right, 0), "textcoords": "offset points", "fontsize": 6, "ha": "right"}
    for key, text in texts.items():
        axes.annotate(text, (1, rows.places[key]), xycoords=axes.get_yaxis_transform(), va="center", **style)
    axes.annotate(heading, (1, 1), xycoords="axes fraction", **style | {"xytext": (right, 3)})
