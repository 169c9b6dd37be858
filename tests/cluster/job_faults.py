"""Faults that hit one job: each strikes a job that works and says what became of it."""

import os
import signal
import time
from datetime import datetime, timedelta

from campaign_run import CampaignRun
from cluster_study import Job

# Seconds within which Slurm notices: it looks at time limits every 30 s.
NOTICED = 90
# Megabytes that a script has taken before it has done anything, and those of training before its first steps.
TOO_LITTLE, TOO_LITTLE_TO_TRAIN = 150, 800


def kill_process(run: CampaignRun, job: Job) -> str:
    """The machine kills the script, as it does for want of memory."""
    for pid in run.study.find_work(job):
        os.kill(pid, signal.SIGKILL)
    return run.await_end(job, NOTICED)


def cancel_job(run: CampaignRun, job: Job) -> str:
    """Somebody cancels the job."""
    run.cluster.call("scancel", job.id)
    return run.await_end(job, NOTICED)


def exceed_time(run: CampaignRun, job: Job) -> str:
    """The job reaches its time limit."""
    end = datetime.now() + timedelta(seconds=2)
    run.cluster.call("scontrol", "update", f"JobId={job.id}", f"EndTime={end.isoformat(timespec='seconds')}")
    return run.await_end(job, NOTICED)


def choose_pending(run: CampaignRun) -> Job | None:
    """A job that waits, because its partition takes none for the moment; mostly one that will train."""
    partition = run.partition
    run.cluster.call("scontrol", "update", f"PartitionName={partition}", "State=DOWN")
    run.wait_for(lambda: run.study.list_active("PENDING") or run.has_ended(), 600)
    # The others are submitted one after the other.
    run.pause(3)
    waiting = run.study.list_active("PENDING")
    training = [job for job in waiting if job.rule == "train_cell"]
    victims = training if training and run.chance.random() < 0.7 else waiting
    if not victims:
        run.cluster.call("scontrol", "update", f"PartitionName={partition}", "State=UP")
    return run.chance.choice(victims) if victims else None


def exceed_memory(run: CampaignRun, job: Job) -> str:
    """The job takes more memory than it asked for: it is let start with too little."""
    megabytes = TOO_LITTLE_TO_TRAIN if job.rule == "train_cell" else TOO_LITTLE
    try:
        run.cluster.call("scontrol", "update", f"JobId={job.id}", f"MinMemoryNode={megabytes}")
    finally:
        run.cluster.call("scontrol", "update", f"PartitionName={run.partition}", "State=UP")
    run.wait_for(lambda: run.describe(job).get("JobState") not in ("PENDING", None), NOTICED)
    return run.await_end(job, NOTICED)


def lose_node(run: CampaignRun, job: Job) -> str:
    """The node loses its power, and has it back after ten seconds."""
    hit = count_running(run, job.node)
    run.cluster.fail_node(job.node)
    run.cluster.call("scontrol", "update", f"NodeName={job.node}", "State=DOWN", "Reason=fault")
    state = run.await_end(job, NOTICED)
    run.pause(10)
    run.cluster.start_node(job.node)
    # It may be back by itself.
    run.cluster.attempt("scontrol", "update", f"NodeName={job.node}", "State=RESUME")
    return f"{state}, jobs on the node: {hit}"


def preempt(run: CampaignRun, job: Job) -> str:
    """A job of higher priority wants the whole node for five seconds."""
    options = ("--partition=urgent", f"--nodelist={job.node}", "--exclusive", "--output=/dev/null")
    hit = count_running(run, job.node)
    run.cluster.call("sbatch", *options, "--wrap=sleep 5")
    return f"{run.await_end(job, NOTICED)}, jobs on the node: {hit}"


def fill_disk(run: CampaignRun, job: Job) -> str:
    """The disk of the results is full until the job has failed, or for a minute."""
    ballast = run.study.results / "ballast"
    begun = time.monotonic()
    try:
        with ballast.open("wb") as file:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
    except OSError:
        state = run.await_end(job, 60)
    finally:
        ballast.unlink()
    return f"{state}, disk full for {time.monotonic() - begun:.0f} s"


def count_running(run: CampaignRun, node: str) -> int:
    """How many jobs of the study a node has."""
    return sum(job.node == node for job in run.study.list_active("RUNNING"))
