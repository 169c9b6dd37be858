"""What `python -m lossgrid status` does."""

import shutil
from pathlib import Path

from rich.console import Console

from lossgrid.progress.failed_jobs import print_failed
from lossgrid.progress.overview import print_overview
from lossgrid.progress.study_progress import StudyProgress, read_study_progress
from lossgrid.studies import Study, StudyError
from lossgrid.studies.built import read_built


def show_status(
    studies: list[Study], failed: bool = False, every_run: bool = False, console: Console | None = None
) -> None:
    """Print how far studies have come, one after the other.

    Args:
        studies: The studies.
        failed: Show what failed and what its rerun will do.
        every_run: Show every run, however many there are.
        console: Where to print; None is standard output.
    """
    console = console or Console()
    for number, study in enumerate(studies):
        if number:
            console.print()
        progress = read_study_progress(study, Path("results", study.name))
        command = get_command(progress)
        if failed:
            print_failed(progress, console, command)
        else:
            print_overview(progress, console, command, every_run)


def get_command(progress: StudyProgress) -> str:
    """What the user types to run a study, as it was run before."""
    mains = progress.journal.mains
    executor = mains[-1].executor if mains else ""
    is_cluster = executor == "slurm" if executor else shutil.which("sbatch") is not None
    name = progress.study.name
    try:
        is_built = name in read_built()
    except StudyError:
        is_built = False
    named = "" if is_built else f' --config "studies=[{name}]"'
    return f"snakemake --profile {'slurm' if is_cluster else 'profiles/local'}{named}"
