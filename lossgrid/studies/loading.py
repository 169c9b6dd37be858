"""Reading study files; every mistake of a file is reported at once."""

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lossgrid.studies.checks import check_grid
from lossgrid.studies.claims import find_unevaluated, get_evaluated_metrics
from lossgrid.studies.document import Document, read_document
from lossgrid.studies.errors import Problem, StudyError
from lossgrid.studies.hub import Repository
from lossgrid.studies.lock import get_lock_file, read_lock
from lossgrid.studies.schema import Grid, Study, StudyFile
from lossgrid.studies.translation import get_location, translate

# Where studies lie, from the repository's root.
FOLDER = Path("studies")
NAME = re.compile(r"[A-Za-z0-9_]+")


def load_study(path: Path) -> Study:
    """Read and check one study.

    Args:
        path: ``studies/<name>.yaml``; the stem is the study's name.

    Raises:
        StudyError: The file has mistakes; one line each.
    """
    path = Path(path)
    if path.suffix != ".yaml" or not NAME.fullmatch(path.stem):
        raise StudyError(f"{path}: must be named <name>.yaml, with a name of A-Z a-z 0-9 _; rename the file")
    document = read_document(path)
    study, problems = validate(document)
    if problems:
        ordered = sorted(problems, key=lambda problem: problem.line)
        raise StudyError(*(problem.describe(str(path)) for problem in ordered))
    return complete(Study.model_construct(name=path.stem, **dict(study)), path)


def complete(study: Study, path: Path) -> Study:
    """The study with its lock, where it needs one, and its judge at the commit that the lock holds."""
    judge, served = study.judge, None
    if judge is not None and judge.needs_revision():
        served = Repository(name=judge.model)
    if study.world.kind != "hub" and served is None:
        return study
    lock = read_lock(get_lock_file(path))
    if served is not None and lock is not None and served.name in lock.models:
        command = judge.get_command(lock.models[served.name].revision)
        judge = judge.model_copy(update={"command": command})
    return study.model_copy(update={"lock": lock, "judge": judge, "served": served})


def load_studies(folder: Path) -> dict[str, Study]:
    """Read every ``*.yaml`` of a folder but the lock files that lie beside the studies.

    Returns:
        The studies by name, in alphabetical order.

    Raises:
        StudyError: The folder does not exist or a study has mistakes; the lines of all files together.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StudyError(f"{folder}: no such folder; create it and write a study into it")
    studies, lines = (
        {},
        [f"{path}: would be passed over; rename it to .yaml" for path in folder.glob("*.yml")],
    )
    for path in list_study_files(folder):
        try:
            studies[path.stem] = load_study(path)
        except StudyError as error:
            lines.extend(error.lines)
    if lines:
        raise StudyError(*lines)
    return studies


def list_study_files(folder: Path) -> list[Path]:
    """The studies of a folder, in alphabetical order; lock files are none."""
    return [path for path in sorted(Path(folder).glob("*.yaml")) if not path.name.endswith(".lock.yaml")]


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
