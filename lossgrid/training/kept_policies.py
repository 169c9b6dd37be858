"""Which policies of a study stay on disk. Imports no torch: the workflow removes the others when it ends.

A removed policy leaves no folder behind. Snakemake asks for a missing one only when something is to be made from it,
and then trains it again; what remained of a folder would pass for the policy and fail whoever loads it.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from lossgrid.cards.removal import note_removal
from lossgrid.statistics.best_settings import find_best_cells, get_primary_metric, list_metric_tables
from lossgrid.studies import Study, get_trained_cells

POLICY = "policy"
ANSWERS = ("responses/heldout.jsonl", "responses/judged.jsonl")
LEFT_OVER = "policy.removed"


def remove_policies(study: Study, results: Path) -> list[str]:
    """Remove the policies that the study does not keep and nothing waits for; the SFT model always stays.

    With `none` these are the policies that have answered all prompts; with `best` all but those of each objective's
    best setting (`find_best_cells`), as soon as the tables hold every cell. To be called while no job runs.

    Args:
        study: The study.
        results: Its results folder.

    Returns:
        Paths of the cells whose policies were removed.
    """
    if study.keep_policy == "all":
        return []
    cells = [cell.path for cell in get_trained_cells(study)]
    folders = {path: results / "cells" / path for path in cells}
    kept: set[str] = set()
    if study.keep_policy == "best":
        tables = [
            results / "tables" / f"{name}.csv" for name in list_metric_tables(get_primary_metric(study))
        ]
        if not is_newer(tables, [folder / "health.json" for folder in folders.values()]):
            return []
        kept = {path for paths in find_best_cells(study, results / "tables").values() for path in paths}
    removed = []
    for path, folder in folders.items():
        shutil.rmtree(folder / LEFT_OVER, ignore_errors=True)
        policy = folder / POLICY
        if path in kept or not policy.is_dir() or policy.is_symlink():
            continue
        # A policy that was trained again because somebody wants it stays until it has answered again.
        if is_newer([folder / answers for answers in ANSWERS], [folder / "health.json"]):
            # A kill must leave no half of a folder that passes for a whole one.
            policy.rename(folder / LEFT_OVER)
            shutil.rmtree(folder / LEFT_OVER)
            note_removal(results / "cards" / path / "README.md")
            removed.append(path)
    return removed


def is_newer(files: Iterable[Path], others: Iterable[Path]) -> bool:
    """Whether all of these files are there, and none is older than the newest of the others, which are there too."""
    try:
        times = [file.stat().st_mtime for file in files]
        return min(times) >= max(file.stat().st_mtime for file in others)
    except FileNotFoundError:
        return False
