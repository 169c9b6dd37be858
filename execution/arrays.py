"""Arrays of jobs: what Snakemake offers is submitted at once, and the jobs of an array ask for the same.

The executor plugin 2.8.0 holds back an array until as many of its jobs are offered as are ready; Snakemake, which
takes them for submitted, never offers them again. And it asks for all of an array what its first job needs. Of jobs
that start steps on several nodes themselves, all tasks of an array would run the first.
"""

from collections.abc import Callable, Iterable

# Of no concern to sbatch, and for each job another.
NOT_ASKED = {"disk", "disk_mb", "disk_mib", "tmpdir"}


def correct_arrays(plugin) -> None:
    """Let the executor plugin submit each group of jobs that ask for the same, at once.

    Args:
        plugin: Its module; changed.
    """
    # An array of which nothing more is to come is submitted.
    plugin.pending_jobs_for_rule = lambda dag, rule: 0
    plugin.Executor.run_jobs = run_alike(plugin.Executor.run_jobs)


def run_alike(run_jobs: Callable) -> Callable:
    """A method `run_jobs` that takes jobs of different requests as well."""

    def run(self, jobs):
        for group in group_alike(jobs):
            run_jobs(self, group)

    return run


def group_alike(jobs: Iterable) -> list[list]:
    """Jobs by what they ask of Slurm, each in its old order.

    Args:
        jobs: Of Snakemake; a group of jobs is alone, and so is a job of several nodes.
    """
    groups = {}
    for job in jobs:
        alone = job.is_group() or job.resources.get("mpi")
        key = job.jobid if alone else (job.rule.name, job.threads, describe_request(job))
        groups.setdefault(key, []).append(job)
    return list(groups.values())


def describe_request(job) -> tuple[tuple[str, str], ...]:
    """The resources of a job, as far as sbatch is told them."""
    return tuple(sorted((name, str(value)) for name, value in job.resources.items() if name not in NOT_ASKED))
