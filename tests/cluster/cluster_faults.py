"""Faults that hit what all jobs need: the services of the cluster, and the main process of Snakemake.

The job that each is given works at that moment, and is not touched.
"""

import os
import re
import signal
import subprocess

from campaign_run import GO_ON_TIMEOUT, CampaignRun
from cluster_study import Job

# Seconds that a service is away.
OUTAGE = 40


def restart_controller(run: CampaignRun, job: Job) -> str:
    """The controller is away, ended or killed."""
    how = run.chance.choice((signal.SIGTERM, signal.SIGKILL))
    run.cluster.end("slurmctld", how)
    run.pause(OUTAGE)
    run.cluster.start_controller()
    return f"slurmctld away for {OUTAGE} s after {how.name}"


def restart_database(run: CampaignRun, job: Job) -> str:
    """The database is away."""
    run.cluster.end("slurmdbd")
    run.pause(OUTAGE)
    run.cluster.start_database()
    return f"slurmdbd away for {OUTAGE} s"


def kill_main(run: CampaignRun, job: Job) -> str:
    """The main process is killed, and the same command given at once, while jobs run."""
    running = len(run.study.list_active())
    run.study.start_again()
    return f"main process killed with {running} jobs in the queue"


def start_second_main(run: CampaignRun, job: Job) -> str:
    """The same command is given while the main process of another one runs."""
    log = run.study.folder.with_name("second.log")
    log.unlink(missing_ok=True)
    second = run.study.give_command(log)
    try:
        run.wait_for(lambda: second.poll() is not None, GO_ON_TIMEOUT)
        if second.poll() is None:
            return "hang: the second main process goes on beside the first"
    finally:
        if second.poll() is None:
            second.send_signal(signal.SIGTERM)
            try:
                second.wait(60)
            except subprocess.TimeoutExpired:
                os.kill(second.pid, signal.SIGKILL)
                second.wait()
    if not second.returncode:
        return "hang: the second main process ended as if it had done the work"
    said = re.search(r"another main process[^;\n]*", log.read_text())
    return f"second main process refused: {said[0] if said else 'for a reason of its own'}"
