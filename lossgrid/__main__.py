"""The command line of lossgrid; each subcommand imports what it needs when it runs."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro


def audit(study: Annotated[str, tyro.conf.Positional], csv: Path | None = None) -> None:
    """See trouble in the losses of a study before training: starts, traps, tails, overflow.

    Args:
        study: Name of a study in studies/, or path of a study file.
        csv: File to write the whole table to.
    """
    from lossgrid.studies import load_study

    loaded = load_study(find_study(study))
    # Only now: torch takes seconds, which a misspelt name should not wait for.
    from lossgrid.audit import audit_study
    from lossgrid.audit.printing import print_audit, print_claimed_cells

    table = audit_study(loaded)
    if csv:
        table.to_csv(csv, index=False, float_format="%.9g")
    print_audit(table, loaded.name)
    print_claimed_cells(loaded)


def export_batch(
    study: Annotated[str, tyro.conf.Positional],
    evaluation: Annotated[Literal["mt_bench", "alpaca_eval", "summaries"], tyro.conf.Positional],
    folder: Annotated[Path, tyro.conf.Positional],
    results: Path | None = None,
) -> None:
    """Write what a judge has not been asked yet as input files of OpenAI's Batch service, at half the price.

    Args:
        study: Name of a study in studies/, or path of a study file; its responses have been generated.
        evaluation: Which evaluation.
        folder: Gets batch-001.jsonl and so on.
        results: Results folder of the study; results/<study> by default.
    """
    from lossgrid.studies import load_study

    loaded = load_study(find_study(study))
    from lossgrid.judging.batch_jobs import export_evaluation

    files = export_evaluation(loaded, evaluation, results or Path("results", loaded.name), folder)
    print("\n".join(map(str, files)) or "nothing to ask: the ledger has every answer")


def import_batch(
    study: Annotated[str, tyro.conf.Positional],
    evaluation: Annotated[Literal["mt_bench", "alpaca_eval", "summaries"], tyro.conf.Positional],
    files: Annotated[list[Path], tyro.conf.Positional],
    results: Path | None = None,
) -> None:
    """Take the answers of a batch into the ledger; the next run of the workflow asks for what is still missing.

    Args:
        study: As for export-batch.
        evaluation: Which evaluation.
        files: Output and error files of the batch.
        results: Results folder of the study; results/<study> by default.
    """
    from lossgrid.studies import load_study

    if not files:
        raise ValueError("import-batch: no files; give the output and error files of the batch")
    loaded = load_study(find_study(study))
    from lossgrid.judging.batch_jobs import import_evaluation

    counts = import_evaluation(loaded, evaluation, results or Path("results", loaded.name), files)
    print(", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing in the files")


def status(
    study: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[STUDY]")] = None,
    failed: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    every_run: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(name="all")] = False,
) -> None:
    """See how far a study has come and what failed, from its files alone.

    Args:
        study: Name of a study in studies/, or path of a study file; by default those that config.yaml names.
        failed: Show what failed or was interrupted, why, and what its rerun will do.
        every_run: Show every run, however many there are.
    """
    from lossgrid.progress.command import show_status
    from lossgrid.studies import load_study
    from lossgrid.studies.built import read_built

    names = [study] if study else read_built()
    show_status([load_study(find_study(name)) for name in names], failed, every_run)


def estimate(study: Annotated[str, tyro.conf.Positional], jobs: int = 2, results: Path | None = None) -> None:
    """Say what a study will take before it runs: jobs, hours, memory, disk, calls to the judge and their cost.

    Where it has run, the estimate is set beside what was measured.

    Args:
        study: Name of a study in studies/, or path of a study file.
        jobs: Jobs that run at once.
        results: Results folder of the study; results/<study> by default.
    """
    from lossgrid.planning.comparison import print_comparison
    from lossgrid.planning.estimate import estimate_study
    from lossgrid.planning.printing import print_estimate
    from lossgrid.studies import load_study

    loaded = load_study(find_study(study))
    if results is not None and not results.is_dir():
        raise ValueError(f"{results}: no such folder; give the results folder of a study")
    expected = estimate_study(loaded, jobs)
    print_estimate(expected)
    print_comparison(expected, results or Path("results", loaded.name))


def shrink(folder: Path = Path("downloads/shrunk")) -> None:
    """Write tiny stand-ins for the models and data of the full studies, which studies/*_shrunk.yaml run on.

    Args:
        folder: Folder to write; HF_HOME must be this folder when a shrunk study runs.
    """
    from lossgrid.worlds.hub.shrunk.cache import write_shrunk_hub

    print(*write_shrunk_hub(folder), sep="\n")
    print(f"Now: export HF_HOME={folder} HF_HUB_OFFLINE=1")


def show(study: Annotated[str, tyro.conf.Positional]) -> None:
    """Print a study with what it extends as one YAML file; defaults are left out.

    Args:
        study: Name of a study in studies/, or path of a study file.
    """
    from lossgrid.studies.showing import spell_study

    print(spell_study(find_study(study)), end="")


def prune(study: Annotated[str, tyro.conf.Positional], results: Path | None = None) -> None:
    """Remove the policies that a study does not keep (`keep_policy`), as the workflow does when it ends.

    Args:
        study: Name of a study in studies/, or path of a study file; none of its jobs may be running.
        results: Results folder of the study; results/<study> by default.
    """
    from lossgrid.studies import load_study
    from lossgrid.training.kept_policies import remove_policies

    loaded = load_study(find_study(study))
    removed = remove_policies(loaded, results or Path("results", loaded.name))
    print(f"{len(removed)} policies removed (keep_policy: {loaded.keep_policy})", *removed, sep="\n")


def find_study(name: str) -> Path:
    """The file of a study that is named or given as a path.

    Raises:
        StudyError: There is none; the message names the nearest.
    """
    from lossgrid.studies import StudyError
    from lossgrid.studies.errors import find_nearest
    from lossgrid.studies.folder import FOLDER, list_study_files

    path = Path(name)
    if path.suffix == ".yaml":
        if not path.is_file():
            raise StudyError(f"{name}: no such file; give the path of a study file or its name in {FOLDER}/")
        return path
    known = [file.stem for file in list_study_files(FOLDER)]
    if not known:
        raise StudyError(
            f"{name}: no studies in {FOLDER.absolute()}; run from the repository or give a file's path"
        )
    if name not in known:
        raise StudyError(
            f"{name}: no such study; the nearest is {find_nearest(name, known)}; known: {', '.join(known)}"
        )
    return FOLDER / f"{name}.yaml"


def main(arguments: list[str] | None = None) -> None:
    """Run one subcommand; a mistake in a study or a path is told on standard error, with exit status 1.

    Args:
        arguments: The command line without the program's name; None takes the process's own.
    """
    from lossgrid.studies import StudyError

    commands = {
        "audit": audit,
        "export-batch": export_batch,
        "import-batch": import_batch,
        "status": status,
        "estimate": estimate,
        "shrink": shrink,
        "show": show,
        "prune": prune,
    }
    try:
        tyro.extras.subcommand_cli_from_dict(
            commands,
            args=arguments,
            prog="python -m lossgrid",
            description="Studies of language-model training losses.",
        )
    except (StudyError, OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
