"""The plugin's own executor, as far as it submits jobs, with Snakemake around it left out."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import snakemake_executor_plugin_slurm as plugin
from snakemake.iocontainers import ResourceList


@dataclass(frozen=True)
class Job:
    """A job as the plugin sees one of Snakemake's.

    Attributes:
        jobid: Snakemake's number.
        resources: What it asks for.
        name: Of its rule.
    """

    jobid: int
    resources: ResourceList
    name: str = "train_cell"
    threads: int = 8

    @property
    def rule(self):
        """Its rule, of which the plugin knows the name."""
        return SimpleNamespace(name=self.name)

    @property
    def wildcards(self) -> list[str]:
        """What tells it from the others of its rule."""
        return ["mini", f"seed~{self.jobid}"]

    def is_group(self) -> bool:
        """It is one job."""
        return False


def make_job(number: int, name: str = "train_cell", **resources) -> Job:
    """A job that asks for some resources."""
    asked = {"slurm_account": "lab", "slurm_partition": "gpu", "runtime": 60, "mem_mb": 4000, "nodes": 1}
    return Job(number, ResourceList(fromdict={**asked, **resources}), name)


@dataclass
class Told:
    """What the executor tells Snakemake.

    Attributes:
        submitted: Slurm's id by Snakemake's number.
        failed: The message by Snakemake's number.
    """

    submitted: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)


def make_executor(folder: Path, ready: list[Job], array_jobs: set[str] = frozenset()) -> tuple:
    """The executor and what it tells.

    Args:
        folder: For its logs.
        ready: The jobs that Snakemake calls ready: those it offers, and more where it has no room for them.
        array_jobs: Names of the rules whose jobs are to be arrays.
    """
    executor, told = object.__new__(plugin.Executor), Told()
    settings = plugin.ExecutorSettings(init_seconds_before_status_checks=5, requeue=True)
    for name, value in {
        "workflow": SimpleNamespace(
            executor_settings=settings, dag=SimpleNamespace(ready_jobs=ready), workdir_init=str(folder)
        ),
        "logger": logging.getLogger("test"),
        "run_uuid": "0ef2e46e-855f-4537-bdfe-70febb9e00a3",
        "slurm_logdir": folder / "slurm_logs",
        "array_jobs": set(array_jobs),
        "max_array_size": 1000,
        "_partitions": None,
        "_failed_nodes": set(),
        "_submitted_job_clusters": set(),
        "_main_event_loop": None,
        "_job_submission_executor": ThreadPoolExecutor(max_workers=2),
        "run_job_pre": lambda job: None,
        "format_job_exec": lambda job: f"run {job.jobid}",
        "report_job_submission": lambda info: told.submitted.update({info.job.jobid: info.external_jobid}),
        "report_job_error": lambda info, msg: told.failed.update({info.job.jobid: msg}),
    }.items():
        setattr(executor, name, value)
    return executor, told
