"""What a study's names of repositories stood for when `prepare` read them: commits, rows and hashes of rows."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from lossgrid.studies.base import StrictModel
from lossgrid.studies.errors import StudyError
from lossgrid.studies.hub import Repository, RepositoryType

Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class LockedModel(StrictModel):
    """A model repository at one commit, and the revision that the study asked for."""

    asked: str | None
    revision: Commit


class LockedSplit(StrictModel):
    """A split: how many rows, and the SHA-256 of their content."""

    rows: int
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LockedDataset(StrictModel):
    """A data set at one commit, with the splits that the study reads, and the revision that it asked for."""

    asked: str | None
    config: str | None = None
    revision: Commit
    splits: dict[str, LockedSplit]


class Lock(StrictModel):
    """The lock file of a study."""

    models: dict[str, LockedModel] = Field(default_factory=dict)
    datasets: dict[str, LockedDataset] = Field(default_factory=dict)


def get_lock_file(study_file: Path) -> Path:
    """Where a study's lock lies: beside it."""
    return study_file.with_suffix(".lock.yaml")


def read_lock(file: Path) -> Lock | None:
    """Read a lock file; None where there is none.

    Raises:
        StudyError: It is none that `prepare` wrote.
    """
    if not file.is_file():
        return None
    advice = "restore it from version control, or remove it and run: snakemake prepare"
    try:
        return Lock.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, UnicodeDecodeError):
        raise StudyError(f"{file}: no YAML; {advice}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise StudyError(f"{file}: {where}: {first['msg']}; {advice}") from None


def spell_lock(lock: Lock, heading: str) -> str:
    """The text of a lock file.

    Args:
        lock: What was read from the hub.
        heading: A sentence for its first line.
    """
    body = yaml.safe_dump(lock.model_dump(mode="json"), sort_keys=True)
    return f"# {heading}\n{body}"


def find_unlocked(
    repositories: Iterable[tuple[RepositoryType, Repository]], splits: Sequence[str], lock: Lock | None
) -> list[str]:
    """What a study needs and its lock does not hold: names of models, and data sets with their splits.

    A revision that the study has named anew since is not held either.

    Args:
        repositories: What it needs.
        splits: What it reads of its data set.
        lock: The lock, None where there is no file.
    """
    lock, missing = lock or Lock(), []
    for kind, repository in repositories:
        known = getattr(lock, kind).get(repository.name)
        is_known = known is not None and known.asked == repository.revision
        if kind == "models":
            missing += [] if is_known else [repository.name]
        else:
            is_known = is_known and known.config == repository.config
            unknown = [split for split in splits if not is_known or split not in known.splits]
            missing += [f"{repository.name} {split}" for split in unknown]
    return missing
