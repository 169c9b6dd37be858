"""The health of every cell's training, step by step, thinned out so that a page can hold a thousand of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lossgrid.training.training_log import read_records

# Of each record; the page shows them under these names.
SHOWN = {
    "loss": "loss",
    "grad_norm": "gradient norm before clipping",
    "rho_median": "median margin ρ, nats",
    "accuracy": "share of pairs with ρ > 0",
    "beta_mix": "β_mix",
}
# Points of all cells together, the most of one, and the fewest.
MOST_POINTS, MOST_OF_ONE, FEWEST = 30_000, 120, 16


def gather_timelines(cells_folder: Path, cells: Iterable[str]) -> dict[str, dict[str, list]]:
    """Columns of numbers by cell: ``step`` and what of `SHOWN` the logs hold; None for what is not finite.

    Args:
        cells_folder: Folder of the study's cells.
        cells: Those wanted; one without a log is left out.
    """
    logs = {cell: cells_folder / cell / "training.jsonl" for cell in cells}
    logs = {cell: log for cell, log in logs.items() if log.exists()}
    most = max(FEWEST, min(MOST_OF_ONE, MOST_POINTS // max(len(logs), 1)))
    return {cell: thin_out(read_records(log), most) for cell, log in logs.items()}


def thin_out(records: list[dict[str, Any]], most: int) -> dict[str, list]:
    """So many records, evenly spaced; the first, the last and those that are not finite are always among them."""
    count = min(most, len(records))
    places = {round(place * (len(records) - 1) / max(count - 1, 1)) for place in range(count)}
    broken = [place for place, record in enumerate(records) if record.get("nonfinite")]
    places |= set(broken[:FEWEST])
    chosen = [records[place] for place in sorted(places)]
    names = [name for name in SHOWN if any(record.get(name) is not None for record in chosen)]
    return {
        "step": [record["step"] for record in chosen],
        **{name: [shorten(record.get(name)) for record in chosen] for name in names},
    }


def shorten(value: float | None) -> float | None:
    """Four digits are more than a chart shows."""
    return None if value is None else float(f"{value:.4g}")
