"""The tables of a study as the report reads them."""

from pathlib import Path
from typing import Any

import pandas as pd

# Half the width of a 95 % interval in standard errors.
HALF_WIDTH = 1.959964


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """A table of the study; empty where the study has none of that name."""
    file = folder / f"{name}.csv"
    # An empty word is no missing value: the label of a loss without hyper-parameters is one.
    return pd.read_csv(file, keep_default_na=False, na_values=[""]) if file.exists() else pd.DataFrame()


def list_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain data, without what is empty."""
    return [
        {name: value for name, value in row.items() if not pd.isna(value)}
        for row in table.astype(object).to_dict("records")
    ]


def get_interval(value: Any, error: Any) -> dict[str, float] | None:
    """A mean with its 95 % interval, for a chart and for a column to sort by; None where there is no mean.

    Args:
        value: The mean.
        error: Its standard error; empty where it has none.
    """
    if value is None or pd.isna(value):
        return None
    half = 0.0 if error is None or pd.isna(error) else HALF_WIDTH * float(error)
    return {"value": float(value), "low": float(value) - half, "high": float(value) + half}
