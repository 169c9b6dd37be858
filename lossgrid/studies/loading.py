"""Reading study files; every mistake of a file is reported at once."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lossgrid.studies.checks import check_grid
from lossgrid.studies.claims import find_unevaluated, get_evaluated_metrics
from lossgrid.studies.document import Document, read_document
from lossgrid.studies.errors import Mistake, Problem, StudyError
from lossgrid.studies.extending import Read, resolve_study
from lossgrid.studies.folder import OVERLAYS, is_overlay, list_passed_over, list_study_files
from lossgrid.studies.locked import complete_study
from lossgrid.studies.schema import Grid, Study, StudyFile
from lossgrid.studies.translation import get_location, translate

NAME = re.compile(r"[A-Za-z0-9_]+")


def load_study(path: Path) -> Study:
    """Read and check one study, with what it extends.

    Args:
        path: ``studies/<name>.yaml``; the stem is the study's name.

    Raises:
        StudyError: The file, or one that it extends, has mistakes; one line each.
    """
    return read_study(Path(path), read_document)


def read_study(path: Path, read: Read) -> Study:
    """As `load_study`, where `read` may remember the files that it has read."""
    if path.suffix != ".yaml" or not NAME.fullmatch(path.stem):
        raise StudyError(f"{path}: must be named <name>.yaml, with a name of A-Z a-z 0-9 _; rename the file")
    if is_overlay(path):
        raise StudyError(
            f"{path}: is an overlay and no study by itself; name it in a study, "
            f"such as extends: [mini, {OVERLAYS}/{path.stem}]"
        )
    resolved = resolve_study(path, read)
    study, problems = validate(resolved.document)
    if problems:
        ordered = sorted(problems, key=lambda each: (each.file != str(path), each.file, each.line))
        raise StudyError(*(Mistake(each.describe(), resolved.readers[each.file]) for each in ordered))
    return complete_study(Study.model_construct(name=path.stem, **dict(study)), path)


def load_studies(folder: Path) -> dict[str, Study]:
    """Read every ``*.yaml`` of a folder but the lock files that lie beside the studies, each file once.

    Returns:
        The studies by name, in alphabetical order.

    Raises:
        StudyError: The folder does not exist or a study has mistakes; the lines of all files together, the mistake
            of a file once, however many studies extend it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StudyError(f"{folder}: no such folder; create it and write a study into it")
    studies, read = {}, cache(read_document)
    mistakes = [
        Mistake(f"{path}: would be passed over; rename it to .yaml") for path in list_passed_over(folder)
    ]
    for path in list_study_files(folder):
        try:
            studies[path.stem] = read_study(path, read)
        except StudyError as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise StudyError(*keep_once(mistakes))
    return studies


def keep_once(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Each mistake where the fewest files lead to it."""
    kept: dict[str, Mistake] = {}
    for mistake in mistakes:
        present = kept.setdefault(mistake.line, mistake)
        if len(mistake.readers) < len(present.readers):
            kept[mistake.line] = mistake
    return list(kept.values())


def validate(document: Document) -> tuple[StudyFile | None, list[Problem]]:
    """The study of a document, and all its problems; without a problem there is a study."""
    study, problems, broken = None, list(document.problems), set()
    try:
        study = StudyFile.model_validate(document.data)
    except ValidationError as error:
        problems += translate(error, document)
        broken = {get_location(details)[0] for details in error.errors(include_url=False)}
    grid = select_grid(document.data, broken)
    if grid is not None:
        found = [*check_grid(grid), *find_unevaluated(grid.claims, get_evaluated_metrics(document.data))]
        problems += [document.locate(location, message) for location, message in found]
    return study, problems


def select_grid(data: dict[str, Any], broken: set[int | str]) -> Grid | None:
    """The grid, where its own sections are sound, whatever the others hold; broken claims are left out."""
    if broken & {"seeds", "objectives"}:
        return None
    return Grid.model_validate(
        {key: data[key] for key in Grid.model_fields if key in data and key not in broken}
    )
