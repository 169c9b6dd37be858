"""What Snakemake and the Slurm plugin say of every failure must not hide what went wrong in one of them."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_slurm
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

from lossgrid.progress.failures import NO_ERROR, Kind, explain_failure

SBATCH = "sbatch: error: Batch job submission failed: Invalid feature specification"

# The end of a job's log as Slurm 22.05 and Snakemake 9.27 wrote it, with the command cut short.
SLURM_LOG = """\
[Sat Nov 21 21:09:32 2026]
Job 0: mini_fault: tokenising the pairs and weighing them by the reference
Reason: Forced execution
RuleException:
CalledProcessError in file "/home/me/lossgrid/rules/reference.smk", line 24:
Command 'set -euo pipefail;  python error.py > results/mini/logs/error.log 2>&1' returned non-zero exit status 1.
[Sat Nov 21 21:09:34 2026]
Error in rule compute_reference_logps:
    message: None
    jobid: 0
    input: results/mini_fault/pairs, results/mini_fault/sft/policy
    output: results/mini_fault/reference
    log: results/mini_fault/logs/compute_reference_logps.log (check log file(s) for error details)
    shell:
        python error.py > results/mini/logs/error.log 2>&1
        (command exited with non-zero exit code)
Shutting down, this might take some time.
Exiting because a job execution failed. Look above for error messages
Storing output in storage.
Elapsed time: 0:00:02.733669
WorkflowError:
At least one job did not complete successfully.
srun: error: g2: task 0: Exited with exit code 1
"""


def get_plugin_message(beginning: str, **values: str) -> str:
    """A message of the Slurm plugin as its source has it, with the values that its expressions stand for."""
    source = Path(snakemake_executor_plugin_slurm.__file__).read_text()
    messages = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
    for message in messages:
        text = "".join(
            part.value if isinstance(part, ast.Constant) else values.get(ast.unparse(part.value), "4711")
            for part in message.values
        )
        if text.startswith(beginning):
            return text
    raise LookupError(f"{beginning}: the plugin says no such thing any more")


class Executor(RemoteExecutor):
    """Snakemake's own way to tell an error."""

    run_job = check_active_jobs = cancel_jobs = None


def say(message: str) -> str:
    """What arrives in the journal when the plugin says so: Snakemake's remote executor adds its own sentence."""
    told = []
    job = SimpleNamespace(log_error=lambda text, **_: told.append(text))
    object.__new__(Executor).print_job_error(SimpleNamespace(job=job, external_jobid="4711"), message)
    return told[0]


@pytest.fixture
def failed() -> str:
    """Of a job that ended with the state FAILED."""
    text = get_plugin_message("SLURM-job '4711' failed, SLURM status is: 'FAILED'. Detailed", status="FAILED")
    return say(text)


def test_the_executor_speaks_of_errors_every_time(failed):
    """If it does so no more, what is passed over here is out of date."""
    assert "Detailed failure reason unavailable" in failed
    assert failed.endswith(
        "For further error details see the cluster/cloud log and the log files of the involved rule(s)."
    )


def test_a_refused_submission_is_told_in_the_words_of_sbatch():
    """The executor sends the reader to logs that are not there, and the rule's log is of an earlier attempt."""
    text = get_plugin_message(
        "SLURM sbatch failed. ", **{"e.output.strip()": SBATCH, "call": "sbatch -C error"}
    )
    failure = explain_failure(None, say(text), "ValueError: of the attempt before\n")
    assert failure.kind == Kind.REFUSED
    assert failure.line == "sbatch: Batch job submission failed: Invalid feature specification"
    assert "slurm/site.yaml" in failure.kind.remedy


def test_all_that_sbatch_says_is_told():
    """Its first line names the value that is wrong, its last the rule."""
    said = (
        "sbatch: error: invalid partition specified: 'gpuu'\n"
        "sbatch: error: Batch job submission failed: Invalid partition name specified"
    )
    text = get_plugin_message("SLURM sbatch failed. ", **{"e.output.strip()": said})
    assert explain_failure(None, say(text), "").line == (
        "sbatch: invalid partition specified: 'gpuu'; Batch job submission failed: Invalid partition name specified"
    )


def test_a_refused_array_says_where_the_words_of_sbatch_are():
    """The plugin tells them once for all its jobs, in Snakemake's log alone."""
    text = get_plugin_message("Part of failed array", start_index="1", end_index="8")
    failure = explain_failure(None, say(text), "")
    assert failure.kind == Kind.REFUSED
    assert failure.line == (
        "Part of failed array sbatch submission (tasks 1-8); what sbatch said stands in the newest file of "
        ".snakemake/log"
    )


@pytest.mark.parametrize("slurm_log", ["", SLURM_LOG])
def test_a_killed_program_is_called_killed(failed, slurm_log):
    """The executor's sentence was the only line that spoke of an error, and so hid the kill."""
    rule_log = "step 1\nbash: line 1:  4711 Killed                  python train.py\nKilled\n"
    assert explain_failure("FAILED", slurm_log + failed, rule_log).kind == Kind.KILLED


@pytest.mark.parametrize("slurm_log", ["", SLURM_LOG])
def test_a_job_without_an_error_says_that_there_is_none(failed, slurm_log):
    """Snakemake inside the job and srun around it pass an error on that they do not know."""
    failure = explain_failure("FAILED", slurm_log + failed, "step 1\nstep 2\n")
    assert (failure.kind, failure.line) == (Kind.ERROR, f"{NO_ERROR}; its last line: step 2")
    assert explain_failure("FAILED", slurm_log + failed, "").line == NO_ERROR


@pytest.mark.parametrize(
    ("slurm_log", "line"),
    [
        ("bash: python: command not found\n" + SLURM_LOG, "bash: python: command not found"),
        (
            'CreateCondaEnvironmentException in file "rules/data.smk", line 4:\nCould not create conda environment\n',
            "CreateCondaEnvironmentException: Could not create conda environment",
        ),
        (
            "slurmstepd: error: execve(): x: Permission denied\n",
            "slurmstepd: error: execve(): x: Permission denied",
        ),
    ],
)
def test_what_went_wrong_before_the_command_is_kept(failed, slurm_log, line):
    """It stands in Slurm's log alone, before what is said of every failure."""
    failure = explain_failure("FAILED", slurm_log + failed, "")
    assert (failure.kind, failure.line) == (Kind.ERROR, line)
