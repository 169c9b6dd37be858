"""Which runs stand for the cells of a table."""

import numpy as np
import pandas as pd


def find_runs(cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of the cells, without the SFT model's.

    Args:
        cells: Table written by `collect_cells`.

    Returns:
        The same columns with `reference` (objective/setting) and `run`, the path of the cell that was trained for
        it: its own, or for an alias the other one's.
    """
    trained = cells[cells["objective"] != "sft"]
    return trained.assign(
        reference=trained["cell"].str.rpartition("/")[0],
        run=trained["alias_of"].replace("", np.nan).fillna(trained["cell"]),
    )


def get_folders(trained: pd.DataFrame, name: str) -> list[str]:
    """The folders, below the results, of the seeds of `objective/setting` or of `sft`."""
    if name == "sft":
        return ["sft"]
    return [f"cells/{run}" for run in trained.loc[trained["reference"] == name, "run"]]


def find_diverged(trained: pd.DataFrame, folders: list[str]) -> list[str]:
    """Those of the folders whose runs diverged, as paths of cells: their scores are not those of the recipe."""
    diverged = set("cells/" + trained.loc[trained["status"] == "diverged", "run"])
    return [folder.removeprefix("cells/") for folder in folders if folder in diverged]
