"""The start of Snakemake's processes: the main one is guarded and places jobs, those inside jobs are placed alike."""

import os
import sys
from collections.abc import Callable

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from execution.accounts import check_account
from execution.invocation import Invocation, read_invocation
from execution.main_process import AnotherMainProcessError, MainProcess
from execution.nodes_check import check_nodes
from execution.partitions import Partition, check_partitions
from execution.placement import place_rules
from execution.queue import QueueError, insist
from execution.scratch import keep_scratch
from execution.site import Site, SiteError, read_site
from execution.software import choose_software
from execution.start_guard import PATIENCE, StartRefusedError, guard_start

# Jobs inherit it: their own processes of Snakemake see neither profile nor executor.
EXECUTOR = "LOSSGRID_EXECUTOR"


def start_process(workflow, get_need: Callable[[str], Callable], orphans: str) -> MainProcess | None:
    """Prepare this process of Snakemake; to be called when all rules are there.

    Args:
        workflow: Snakemake's workflow.
        get_need: What the jobs of a rule need, by its name.
        orphans: What to do with jobs that an earlier main process left: wait, cancel or stop.

    Returns:
        The record of this process where it is a main one that will run jobs.

    Raises:
        WorkflowError: It must not start: the site's settings have mistakes, a partition is unknown, another main
            process is there, or one that has gone left what cannot be settled.
    """
    try:
        if workflow.is_main_process:
            return start_main_process(workflow, get_need, orphans, read_invocation(sys.argv[1:]))
        if os.environ.get(EXECUTOR) == "slurm":
            site = read_site()
            keep_scratch(site.scratch)
            place_jobs(workflow, get_need, site, {}, inside=True)
        return None
    except (AnotherMainProcessError, QueueError, SiteError, StartRefusedError) as error:
        raise WorkflowError(str(error)) from None
    except KeyboardInterrupt:
        # Asked for, while jobs of an earlier main process are waited for: no traceback.
        raise WorkflowError("interrupted before any job was submitted") from None


def start_main_process(workflow, get_need, orphans: str, invocation: Invocation) -> MainProcess | None:
    """Prepare the main process for what it was asked to do."""
    os.environ[EXECUTOR] = invocation.executor
    if invocation.executor == "slurm":
        site = read_site()
        runs = invocation.runs_jobs
        place_jobs(
            workflow, get_need, site, check_site(site) if runs else {}, say=logger.warning if runs else None
        )
        choose_software(workflow.deployment_settings, site.software)
    if not invocation.runs_jobs:
        return None
    return guard_start(invocation.executor, orphans, logger.warning)


def check_site(site: Site) -> dict[str, Partition]:
    """The limits of the cluster's partitions, once it is clear that the site's settings fit the cluster."""
    partitions = insist(lambda: check_partitions(site), PATIENCE, logger.warning)
    check_account(site)
    check_nodes(site, partitions)
    return partitions


def place_jobs(workflow, get_need, site: Site, partitions: dict[str, Partition], **options) -> None:
    """Give every rule what Slurm has to know; what the command line sets by --set-resources stays."""
    chosen = workflow.resource_settings.overwrite_resources
    place_rules(workflow.rules, get_need, site, partitions, chosen, **options)
