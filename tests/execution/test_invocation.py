"""What Snakemake was asked to do, read off its command line."""

import ast
import inspect

import pytest
from snakemake.cli import args_to_api, parse_args

from execution.invocation import WITHOUT_JOBS, Invocation, read_invocation


@pytest.fixture(autouse=True)
def at_root(pytestconfig, monkeypatch):
    """Where `--profile slurm` finds the repository's profile."""
    monkeypatch.chdir(pytestconfig.rootpath)
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)


@pytest.mark.parametrize(
    "command",
    [
        "-n",
        "--dry-run results/mini/figures/frontier.pdf",
        "--lint",
        "--lint json",
        "--unlock",
        "--report report.html",
        "--touch",
        "--summary",
        "-D",
        "--dag",
        "--rulegraph mermaid-js",
        "--list-changes code",
        "--delete-all-output",
        "--conda-create-envs-only",
        "--cleanup-metadata results/mini/corpus",
        "-l",
    ],
)
@pytest.mark.parametrize(("profile", "executor"), [("profiles/local", "local"), ("slurm", "slurm")])
def test_looking_is_no_run(command, profile, executor):
    """Who only looks, or unlocks, while the study runs must be neither refused nor made to wait for jobs."""
    assert read_invocation([*command.split(), "--profile", profile]) == Invocation(executor, runs_jobs=False)


@pytest.mark.parametrize(
    ("command", "executor"),
    [
        ("", "local"),
        ("--cores 2", "local"),
        ("--profile profiles/local", "local"),
        ("--profile slurm", "slurm"),
        ("--profile slurm results/mini/figures/frontier.pdf --config orphans=cancel", "slurm"),
        ("--profile slurm --executor local --cores 2", "local"),
        ("--executor slurm --jobs 3", "slurm"),
        ("--cores 2 --report report.html --report-after-run", "local"),
        ("--cores 2 --forceall --rerun-incomplete --nolock", "local"),
        # Snakemake 9.27 knows the option and runs the jobs all the same, without a word.
        ("--cores 2 --export-cwl study.cwl", "local"),
    ],
)
def test_run_is_guarded(command, executor):
    """A run that is taken for a look would start beside another main process, and submit its jobs again."""
    assert read_invocation(command.split()) == Invocation(executor, runs_jobs=True)


def test_profile_of_the_environment_counts(monkeypatch):
    """Users of one cluster export SNAKEMAKE_PROFILE once: their jobs are Slurm's too."""
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "slurm")
    assert read_invocation([]).executor == "slurm"


@pytest.mark.parametrize("command", ["--no-such-option", "--cores two", "--profile no/such/profile"])
def test_other_programs_command_line_is_a_guarded_run_on_this_machine(command, capfd):
    """Snakemake used from Python has another program's command line: to guard it is right, to end it is not."""
    assert read_invocation(command.split()) == Invocation("local", runs_jobs=True)
    assert capfd.readouterr().err == ""


def test_options_are_snakemakes():
    """An option renamed by an update of Snakemake would turn every look into a run."""
    _, parsed = parse_args([])
    assert {name for name in WITHOUT_JOBS if not hasattr(parsed, name)} == set()


def test_all_that_snakemake_can_do_instead_of_a_run_is_known():
    """Snakemake's own code branches by these options: one that is missing here would be refused during a run."""
    options = set()
    for node in ast.walk(ast.parse(inspect.getsource(args_to_api))):
        if isinstance(node, ast.If) and {"workflow_api", "dag_api"} & set(find_names(*node.body)):
            options |= {name.attr for name in ast.walk(node.test) if isinstance(name, ast.Attribute)}
    assert len(options) > 20
    assert options - {"report_after_run"} <= set(WITHOUT_JOBS)


def find_names(*statements: ast.stmt) -> list[str]:
    """Names of the objects whose methods are called, but for those inside further branches."""
    return [
        call.func.value.id
        for statement in statements
        if not isinstance(statement, ast.If)
        for call in ast.walk(statement)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
    ]
