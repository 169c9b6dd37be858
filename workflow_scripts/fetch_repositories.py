"""Fetch the models and data of a study from the Hugging Face Hub, and write down which they are."""

import sys
from datetime import date
from pathlib import Path

import tyro


def main(study: Path, record: Path) -> None:
    """Write a study's lock file, and fetch what it names into HF_HOME.

    Args:
        study: Study file; its lock is written beside it, and what it holds already stays.
        record: Text file to write: a line for each repository.
    """
    from lossgrid.studies import load_study
    from lossgrid.studies.lock import get_lock_file, spell_lock
    from lossgrid.worlds.hub.locking import lock_study
    from lossgrid.worlds.hub.repositories import HubError

    loaded = load_study(study)
    try:
        lock, lines = lock_study(loaded)
    except HubError as error:
        sys.exit(f"{type(error).__name__}: {study}: {error}")
    file = get_lock_file(study)
    if lock != loaded.lock:
        beside = file.with_suffix(".beside")
        beside.write_text(
            spell_lock(
                lock, f"Read from the hub on {date.today()} by `snakemake prepare`. Commit it with the study."
            ),
            encoding="utf-8",
        )
        beside.rename(file)
    record.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(*lines, sep="\n")


if __name__ == "__main__":
    tyro.cli(main)
