"""What the jobs of this run will ask for, looked at before any of them: a cell's turn may come after days."""

from snakemake.exceptions import InputFunctionException, WorkflowError

from execution.site import SiteError


def check_requests(workflow) -> None:
    """Compute what a job of each rule and study asks of Slurm.

    Args:
        workflow: Snakemake's workflow, whose DAG is built.

    Raises:
        WorkflowError: One cannot be placed on this cluster; the message is a line with study, key, value and fix.
    """
    seen = set()
    for job in workflow.dag.needrun_jobs():
        kind = (job.rule.name, job.wildcards_dict.get("study"))
        if job.is_local or kind in seen:
            continue
        seen.add(kind)
        try:
            # Snakemake computes them anew when the job's turn comes.
            _ = job.resources
        except InputFunctionException as error:
            if isinstance(error.__cause__, SiteError):
                raise WorkflowError(str(error.__cause__)) from None
            raise
