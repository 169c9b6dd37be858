"""What Snakemake and its executors say of every failure alike, and what sbatch says of a job that it refuses."""

import re

# Sentences of the executor plugins (snakemake_interface_executor_plugins/executors/remote.py and
# snakemake_executor_plugin_slurm): they send the reader to the logs, and would pass for the last error there.
SENTENCES = re.compile(
    r"For further error details see the cluster/cloud log and the log files of the involved rule\(s\)\."
    r"|Detailed failure reason unavailable \([^)]*\)\."
)
# What the Snakemake inside a job, and srun around it, say of a command that failed, whatever the cause.
REPORTS = re.compile(
    r"^RuleException: |^Command '|^WorkflowError: At least one job did not complete|"
    r"^Exiting because a job execution failed|^srun: (error: .*Exited with exit code|Job step aborted|"
    r"error: Timed out waiting for job step)"
)
# Below `Error in rule …:` stand the job's inputs, outputs and command.
DETAILS = re.compile(r"^Error in (rule|group) ")
# Snakemake's own errors have their reason in the line below their name.
HEADING = re.compile(r"^(\w+(?:Error|Exception))(?: in [^\n]*)?:\n", re.M)

REFUSED = re.compile(
    r"SLURM sbatch failed\b.*?The error message was '(.*?)'\.(?:\n|$)"
    r"|SLURM job submission failed\. The error message was (.*)",
    re.S,
)
REFUSED_ARRAY = re.compile(r"Part of failed array sbatch submission \(tasks [^)]*\)")
SPEAKER = re.compile(r"^sbatch: (error: )?")


def drop_reports(text: str) -> str:
    """A log of Slurm's, and what the executor said, without what is said of every failure."""
    kept, is_inside = [], False
    for line in HEADING.sub(r"\1: ", SENTENCES.sub("", text)).splitlines():
        is_inside = bool(DETAILS.match(line)) or (is_inside and line.startswith("    "))
        if not is_inside and not REPORTS.match(line):
            kept.append(line)
    return "\n".join(kept)


def find_refusal(text: str) -> str:
    """Why sbatch took no job, in its own words on one line; empty where it was not asked, or took it."""
    if found := REFUSED.search(text):
        lines = [SPEAKER.sub("", line.strip()) for line in (found[1] or found[2]).splitlines()]
        return "sbatch: " + "; ".join(filter(None, lines))
    if found := REFUSED_ARRAY.search(text):
        return f"{found[0]}; what sbatch said stands in the newest file of .snakemake/log"
    return ""
