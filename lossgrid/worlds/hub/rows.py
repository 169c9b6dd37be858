"""Splits of a data set as rows, checked against what the study and its lock say of them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import load_dataset
from datasets.exceptions import DatasetGenerationError

from lossgrid.studies.lock import Lock, LockedSplit
from lossgrid.worlds.hub.repositories import HubError, find_snapshot

COLUMNS = {
    "conversations": ("chosen", "rejected"),
    "texts": ("prompt", "chosen", "rejected"),
    "choice": ("prompt", "responses", "chosen"),
}


def load_locked_split(world, lock: Lock | None, split: str) -> list[dict]:
    """A split as the lock knows it.

    Args:
        world: `HubWorld` of the study.
        lock: Its lock.
        split: Split, in the notation of datasets.

    Raises:
        HubError: It is not locked, not on this machine, or not what was locked.
    """
    data = world.data
    locked = lock.datasets.get(data.name) if lock else None
    if locked is None or split not in locked.splits:
        raise HubError(
            f"{data.name} {split}: not in the study's lock file; run `snakemake prepare` where there is a network"
        )
    rows = load_split(find_snapshot(data.name, "datasets", locked.revision), data, split)
    found, wanted = describe_split(rows), locked.splits[split]
    if found != wanted:
        raise HubError(
            f"{data.name} {split}: {found.rows:,} rows with hash {found.sha256[:12]}, and the lock file says "
            f"{wanted.rows:,} with {wanted.sha256[:12]}; restore the lock file, or fetch the data again into an "
            "empty HF_HOME"
        )
    return rows


def load_split(folder: Path, data, split: str) -> list[dict]:
    """Read a split of a data set on this machine.

    Args:
        folder: Snapshot of its repository.
        data: `HubData` of the study.
        split: Split, in the notation of datasets.

    Returns:
        Rows with all their columns, never none.

    Raises:
        HubError: No such configuration or split, an empty one, or one whose columns are not the format's.
    """
    where = f"{data.name} {split}"
    try:
        rows = load_dataset(str(folder), name=data.config, split=split)
    except DatasetGenerationError as error:
        cause = error.__cause__ or error
        raise HubError(f"{where}: its files cannot be read ({cause}); choose another revision") from error
    except (ValueError, FileNotFoundError) as error:
        # datasets names the splits or configurations that there are.
        raise HubError(f"{where}: {error}; correct world.data in the study") from error
    if not len(rows):
        raise HubError(f"{where}: is empty; choose another split or revision")
    _check_columns(rows.column_names, data.format, where)
    try:
        read = rows.to_list()
    except UnicodeDecodeError as error:
        raise HubError(
            f"{where}: its files cannot be read as UTF-8 ({error}); choose another revision"
        ) from None
    _check_kind(read[0]["chosen"], data.format, where)
    return read


def describe_split(rows: Sequence[dict]) -> LockedSplit:
    """Number of rows and SHA-256 of their content, whatever file format they lay in."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return LockedSplit(rows=len(rows), sha256=digest.hexdigest())


def _check_columns(names: Sequence[str], form: str, where: str) -> None:
    missing = [name for name in COLUMNS[form] if name not in names]
    if missing:
        raise HubError(
            f"{where}: has no column {', '.join(missing)}, which format: {form} needs; it has {', '.join(names)}; "
            "correct world.data.format or name another data set"
        )


def _check_kind(first: Any, form: str, where: str) -> None:
    kinds = {"conversations": list, "texts": str, "choice": int}
    if not isinstance(first, kinds[form] | None):
        likely = next((name for name, kind in kinds.items() if isinstance(first, kind)), "another data set")
        raise HubError(
            f"{where}: column chosen holds {type(first).__name__}, which is not format: {form}; is it {likely}?"
        )
