"""The private cluster that the tests of the workflow break, and that it leaves nothing behind."""

import time
from pathlib import Path

import default_place
import pytest
from default_place import PLACE, claim_default_place, release_default_place
from slurm_cluster import Cluster
from slurm_files import NODES


def run_job(cluster: Cluster, *options: str, command: str = "true") -> str:
    """Submit a job; its id."""
    return cluster.call("sbatch", "--parsable", "-o", "/dev/null", *options, "--wrap", command).strip()


def wait_for_state(cluster: Cluster, job: str, *states: str, seconds: float = 20) -> str:
    """Wait until a job is in one of some states; which."""
    deadline = time.monotonic() + seconds
    while (state := cluster.call("squeue", "-h", "-t", "all", "-j", job, "-o", "%T").strip()) not in states:
        assert time.monotonic() < deadline, (
            f"job {job} is {state} after {seconds} s, not {' or '.join(states)}"
        )
        time.sleep(0.1)
    return state


def find_processes(folder: Path) -> list[str]:
    """Command lines of the processes that know a cluster's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"SLURM_CONF={folder}/".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_a_cluster_runs_jobs_loses_nodes_and_leaves_nothing(cluster):
    """A test that kills the wrong process, or leaves one, breaks the machine that it runs on."""
    before = PLACE.readlink()
    assert before == cluster.configuration
    job = run_job(cluster, "-p", "cpu", "--mem=100", command="srun true")
    assert wait_for_state(cluster, job, "COMPLETED", "FAILED") == "COMPLETED"

    # A node dies with its jobs; those of the others run on.
    dying = run_job(
        cluster, "-p", "gpulow", "-w", "g1", "--no-requeue", "--mem=100", command="srun sleep 1000"
    )
    other = run_job(cluster, "-p", "gpulow", "-w", "g2", "--mem=100", command="srun sleep 1000")
    for each in (dying, other):
        wait_for_state(cluster, each, "RUNNING")
    cluster.fail_node("g1")
    cluster.call("scontrol", "update", "NodeName=g1", "State=DOWN", "Reason=test")
    assert wait_for_state(cluster, dying, "NODE_FAIL") == "NODE_FAIL"
    assert wait_for_state(cluster, other, "RUNNING") == "RUNNING"
    assert "g1" not in cluster.list_ready()
    cluster.start_node("g1")
    cluster.call("scontrol", "update", "NodeName=g1", "State=RESUME")
    cluster.daemons.wait_until(lambda: "g1" in cluster.list_ready(), "slurmctld")

    cluster.stop()
    assert cluster.daemons.list_running() == []
    assert find_processes(cluster.folder) == []
    assert not PLACE.exists()


def test_what_a_job_leaves_behind_ends_with_it(cluster):
    """A process that outlives its job writes into what its successor makes; control groups would end it."""
    command = "trap : TERM; (setsid sh -c 'trap : TERM; while :; do sleep 1; done' &); sleep 1000"
    job = run_job(cluster, "-p", "cpu", "--mem=100", command=command)
    wait_for_state(cluster, job, "RUNNING")
    cluster.daemons.wait_until(
        lambda: "trap : TERM; while" in " ".join(find_processes(cluster.folder)), "slurmctld"
    )
    cluster.call("scancel", job)
    wait_for_state(cluster, job, "CANCELLED")
    assert "trap : TERM; while" not in " ".join(find_processes(cluster.folder))
    # Slurm takes no jobs where the program that it runs at their ends fails.
    time.sleep(1)
    assert cluster.list_ready() == set(NODES)


@pytest.mark.slow
def test_preemption_and_the_memory_limit_hit(cluster):
    """Without them the tests of requeued, cancelled and killed jobs would test nothing."""
    requeued = run_job(cluster, "-p", "gpulow", "-w", "g1", "--mem=100", command="sleep 1000")
    cancelled = run_job(cluster, "-p", "gpukill", "-w", "g1", "--mem=100", command="sleep 1000")
    greedy = run_job(
        cluster, "-p", "cpu", "--mem=50", command="srun head -c 300M /dev/zero | tail | sleep 10"
    )
    for each in (requeued, cancelled):
        wait_for_state(cluster, each, "RUNNING")
    run_job(cluster, "-p", "urgent", "-w", "g1", "--exclusive", command="sleep 1000")
    assert wait_for_state(cluster, cancelled, "PREEMPTED") == "PREEMPTED"
    assert wait_for_state(cluster, requeued, "PENDING") == "PENDING"
    assert wait_for_state(cluster, greedy, "FAILED", "OUT_OF_MEMORY", "COMPLETED") != "COMPLETED"


def test_a_second_cluster_waits_and_says_whose_the_place_is(cluster, tmp_path):
    """Two clusters at once would answer each other's jobs."""
    second = Cluster(tmp_path / "second", patience=0)
    with pytest.raises(RuntimeError, match=f"private cluster of {cluster.folder} for more than 0 s"), second:
        pass
    assert PLACE.readlink() == cluster.configuration
    assert second.daemons.list_running() == []
    assert len(cluster.list_ready()) == 4


def test_a_configuration_of_ones_own_is_left_alone(tmp_path, monkeypatch):
    """A machine that belongs to a real cluster must do so during the tests and after them."""
    place, theirs, ours, following = (tmp_path / name for name in ("slurm.conf", "theirs", "ours", "next"))
    monkeypatch.setattr(default_place, "PLACE", place)
    monkeypatch.setattr(default_place, "LOCK", tmp_path / "lock")
    claim_default_place(ours, lambda configuration: False, seconds=0)
    assert place.readlink() == ours
    # A cluster whose program was killed has put nothing back.
    claim_default_place(following, lambda configuration: False, seconds=0)
    release_default_place(ours)
    assert place.readlink() == following
    release_default_place(following)
    assert not place.is_symlink()

    for set_up in (lambda: place.write_text("theirs"), lambda: place.symlink_to(theirs)):
        place.unlink(missing_ok=True)
        set_up()
        with pytest.raises(RuntimeError, match="has a configuration of Slurm, which stays as it is"):
            claim_default_place(ours, lambda configuration: False, seconds=0)
        release_default_place(ours)
        assert place.is_symlink() or place.read_text() == "theirs"
    assert place.readlink() == theirs
