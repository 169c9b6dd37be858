"""A study together with what its names of the hub stand for."""

from pathlib import Path

from lossgrid.studies.hub import Repository
from lossgrid.studies.lock import get_lock_file, read_lock
from lossgrid.studies.schema import Study


def complete_study(study: Study, path: Path) -> Study:
    """The study with its lock, where it needs one, and its judge at the commit that the lock holds.

    Args:
        study: As its file says.
        path: The file, beside which the lock lies.

    Raises:
        StudyError: The lock is none.
    """
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
