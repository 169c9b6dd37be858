"""The runs of a study with what tables and figures call them."""

import json
from pathlib import Path
from typing import Any

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import Study, get_trained_cells


def get_run_names(study: Study) -> dict[str, dict[str, Any]]:
    """The SFT model and every trained cell.

    Returns:
        By folder below the results: `cell` (`sft` or the cell's path), `objective`, `title`, `label` and `seed`.
    """
    names = {"sft": {"cell": "sft", "objective": "sft", "title": "SFT", "label": "", "seed": None}}
    for cell in get_trained_cells(study):
        names[f"cells/{cell.path}"] = {
            "cell": cell.path,
            "objective": cell.objective,
            "title": CATALOGUE[cell.objective].title,
            "label": cell.label,
            "seed": cell.seed,
        }
    return names


def read_score_rows(study: Study, results: Path, evaluation: str) -> dict[str, list[dict[str, Any]]]:
    """The score rows of every run, by its folder below the results."""
    rows = {}
    for run in get_run_names(study):
        with (results / run / "scores" / f"{evaluation}.jsonl").open() as file:
            rows[run] = [json.loads(line) for line in file]
    return rows
