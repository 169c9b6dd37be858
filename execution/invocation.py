"""What Snakemake was asked to do, which it tells its Snakefile only in part."""

import contextlib
import io
from dataclasses import dataclass

from snakemake.cli import parse_args
from snakemake.exceptions import CliException

# With any of these, Snakemake looks at the workflow or tidies it up, and runs no job.
WITHOUT_JOBS = (
    "archive",
    "cleanup_metadata",
    "cleanup_shadow",
    "conda_cleanup_envs",
    "conda_create_envs_only",
    "container_cleanup_images",
    "containerize",
    "d3dag",
    "dag",
    "delete_all_output",
    "delete_temp_output",
    "detailed_summary",
    "dryrun",
    "filegraph",
    "generate_unit_tests",
    "lint",
    "list_changes",
    "list_conda_envs",
    "list_input_changes",
    "list_params_changes",
    "list_rules",
    "list_target_rules",
    "list_untracked",
    "print_compilation",
    "rulegraph",
    "summary",
    "touch",
    "unlock",
)


@dataclass(frozen=True)
class Invocation:
    """A command line of Snakemake, its profile included.

    Attributes:
        executor: What runs the jobs: `local`, `slurm` and so on.
        runs_jobs: Whether jobs will run at all: not in a dry run, nor for `--unlock`, `--lint`, `--report`, ….
    """

    executor: str = "local"
    runs_jobs: bool = True


def read_invocation(arguments: list[str]) -> Invocation:
    """Read a command line as Snakemake does.

    Args:
        arguments: Without the program's name.

    Returns:
        What was asked; jobs on this machine where the process was not started by that command line but through
        Snakemake's Python interface.
    """
    try:
        # It says which profile it takes, for the second time.
        with contextlib.redirect_stderr(io.StringIO()):
            _, parsed = parse_args(list(arguments))
    except (SystemExit, CliException):
        return Invocation()
    # Snakemake's defaults are None, False or empty.
    looks = any(getattr(parsed, name, None) for name in WITHOUT_JOBS)
    reports = (parsed.report or parsed.reporter) and not parsed.report_after_run
    return Invocation(executor=parsed.executor or "local", runs_jobs=not looks and not reports)
