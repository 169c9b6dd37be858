"""Tables of names and numbers that fit the screen: names stay whole, and columns of less weight give way."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

WIDEST = 1000


def build_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], console: Console, least: Sequence[int] = ()
) -> Table:
    """A table whose first column holds names and the others numbers.

    Args:
        headings: Of all columns.
        rows: A text for each column.
        console: What it has to fit.
        least: The columns that are left out where it does not fit, by their places, the first of them first.
    """
    unlimited = console.options.update(max_width=WIDEST)
    for number in range(len(least) + 1):
        kept = [place for place in range(len(headings)) if place not in least[:number]]
        table = _draw([headings[place] for place in kept], [[row[place] for place in kept] for row in rows])
        if Measurement.get(console, unlimited, table).maximum <= console.width:
            break
    return table


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
