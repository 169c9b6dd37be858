"""Runs a study on a private cluster again and again, breaks something again and again, and writes down what follows.

    python tests/cluster/fault_campaign.py --folder F --events 60 --table docs/reliability_events.csv

The study runs once undisturbed on this machine; whatever happens on the cluster, `snakemake --profile slurm`, given
again after each of its failures, must come to the same results to the bit without training a finished cell again.
A campaign that was stopped goes on where it was, by the same command; it loses the run that it was in.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from campaign_run import GO_ON_TIMEOUT, CampaignRun
from campaign_table import Blow, append_blows, find_failure, read_table
from cluster_study import ClusterStudy, copy_repository
from compare_results import find_differences, hash_results
from faults import Fault, Setting, plan_run
from slurm_cluster import Cluster

# Of each node: four jobs of one thread at once, more than that is slow on two cores.
CPUS = 2
SMALL_DISK = "128m"
# Every so manyth run starts from nothing; the others have what all cells share.
FROM_NOTHING = 3


def run_campaign(folder: Path, study: str, table: Path, events: int, per_run: int) -> None:
    """Fill a table up to a number of events.

    Args:
        folder: Of the copies of the repository, the cluster and the logs.
        study: Name of the study.
        table: The CSV file.
        events: Rows that the table will have.
        per_run: Faults that one run of the study suffers.
    """
    expected = get_reference(folder / "reference", study)
    if not (folder / "struck").exists():
        copy_repository(folder / "struck", study)
    while len(rows := read_table(table)) < events:
        number = max((int(row["run"]) for row in rows), default=0) + 1
        setting, faults = plan_run([row["kind"] for row in rows], min(per_run, events - len(rows)))
        print(f"run {number}: {setting}", flush=True)
        with Cluster(folder / f"cluster-{number}", setting.accounting, CPUS) as cluster:
            struck = ClusterStudy(folder / "struck", study, cluster=cluster)
            from_nothing = number % FROM_NOTHING == 1
            blows = suffer_run(struck, setting, faults, expected, random.Random(number), from_nothing)
        for event, blow in enumerate(blows, len(rows) + 1):
            blow.event, blow.run = event, number
        append_blows(table, blows)
        for blow in blows:
            print(f"  {blow}", flush=True)


def get_reference(
    folder: Path, study: str, study_text: str | None = None, targets: tuple = ()
) -> dict[str, str]:
    """The hashes of the undisturbed results, from a run on this machine that is made once."""
    file = folder.with_name("reference.json")
    if not file.exists():
        copy_repository(folder, study, study_text)
        print(f"running {study} undisturbed", flush=True)
        file.write_text(json.dumps(ClusterStudy(folder, study, targets).run_locally(), indent=1))
    return json.loads(file.read_text())


def suffer_run(
    study: ClusterStudy,
    setting: Setting,
    faults: list[Fault],
    expected: dict[str, str],
    chance: random.Random,
    from_nothing: bool = True,
) -> list[Blow]:
    """Run a study once under faults.

    Args:
        study: Which.
        setting: What the run offers.
        faults: Strike one after the other; those that find nothing left to strike are left out.
        expected: Hashes of the undisturbed results.
        chance: Chooses victims and moments.
        from_nothing: Whether nothing of the study is there at the start.

    Returns:
        What each fault did.
    """
    cells = {str(Path(*Path(path).parts[1:4])) for path in expected if path.endswith("health.json")}
    study.choose_partition(setting.partition)
    with hold_disk(study.results, setting.small_disk):
        study.remove_results(shared=from_nothing)
        run = CampaignRun(study, setting.partition, cells, chance)
        try:
            study.start()
            blows = [blow for fault in faults if (blow := strike(run, fault))]
            outcome = run.finish()
        finally:
            study.stop()
        differences = find_differences(expected, hash_results(study.results))
        for blow in blows:
            blow.ended, blow.identical = not outcome, not differences
            blow.commands, blow.retrained = study.commands, run.count_retrained()
            blow.note = "; ".join(filter(None, [blow.note, outcome, *differences[:3]]))
    return blows


def strike(run: CampaignRun, fault: Fault) -> Blow | None:
    """Let a fault strike and watch how the work goes on; None where there was nothing left to strike."""
    job = fault.choose(run)
    if job is None or run.has_ended():
        return None
    cell = run.study.get_cell(job)
    at, begun = datetime.now(UTC), time.time()
    log_size = run.study.log.stat().st_size
    blow = Blow(0, 0, fault.kind, run.study.study, at.isoformat(timespec="seconds"), job.rule, cell)
    blow.step = run.get_step(job) if cell else None
    print(f"  {fault.kind}: {job.id} {job.name} {blow.step or ''}", flush=True)
    blow.observed = fault.strike(run, job)
    struck = time.time()
    if blow.observed.startswith("hang"):
        blow.note = blow.observed
    steps = run.study.get_steps(cell) if fault.strikes_job and cell else None
    survived = fault.strikes_job and blow.observed.startswith(("COMPLETED", "RUNNING"))
    if survived and not fault.small_disk:
        print(f"    missed: {blow.observed}", flush=True)
        return None

    def goes_on() -> bool:
        return survived or (run.runs_again(job, struck) if fault.strikes_job else run.goes_on(struck))

    if run.wait_while_moving(lambda: goes_on() or run.has_ended(), GO_ON_TIMEOUT):
        blow.seconds = round(time.time() - begun, 1)
    else:
        blow.note = f"hang: nothing for {GO_ON_TIMEOUT} s"
        run.study.start_again()
    if steps is not None and not survived:
        resumed = run.await_resumption(job, cell, struck)
        blow.steps_lost = None if resumed is None else steps - resumed
    log = run.study.log.read_bytes()[log_size:].decode(errors="replace")
    blow.failure = find_failure(job.id, run.study.read_journal(), log)
    print(f"    {blow.observed}; {blow.failure}; on after {blow.seconds} s; {blow.note}", flush=True)
    return blow


@contextmanager
def hold_disk(results: Path, small: bool):
    """The folder of the results, empty and on a small disk of its own where that is asked for."""
    results.mkdir(parents=True, exist_ok=True)
    if small:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(results)], check=True
        )
    try:
        yield
    finally:
        if small:
            subprocess.run(["umount", str(results)], check=True)


def main() -> None:
    """Run a campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, required=True, help="for copies, clusters and logs; short path"
    )
    parser.add_argument("--events", type=int, default=60, help="rows that the table will have")
    parser.add_argument("--per-run", type=int, default=5, help="faults that one run of the study suffers")
    parser.add_argument("--study", default="mini_fault")
    parser.add_argument("--table", type=Path, required=True)
    arguments = parser.parse_args()
    # Ends the cluster and its jobs on the way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    run_campaign(
        arguments.folder.resolve(), arguments.study, arguments.table, arguments.events, arguments.per_run
    )


if __name__ == "__main__":
    main()
