"""The launch of a training job: every process on its node, with the script's arguments as they were given."""

import itertools
import os
import subprocess
import sys

import pytest
from marked_process import ROOT

from execution.launch import Allocation, compose_launch, find_allocation
from execution.queue import QueueError

SCRIPT = ["workflow_scripts/train_cell.py", "--settings", '{"title": "a b", "beta": 0.1}', "--empty", ""]
# As they are on a node: the rank of the second of two, and one that says what it was given, an argument a line.
SRUN = """\
while [ $# -gt 0 ]; do case "$1" in -*) shift ;; *) break ;; esac; done
SLURM_NODEID=1 exec "$@"
"""
ACCELERATE = """printf '%s\\n' "$@"\n"""
SCONTROL = """\
case "$2 $3" in
"job 4711") echo "JobId=4711 ReqNodeList=(null) NodeList=gpu[07-08] BatchHost=gpu07 NumNodes=2 NumCPUs=64" ;;
"job 4713_1") echo "JobId=4713 ArrayJobId=4713 ArrayTaskId=1 NodeList=gpu[07-08] NumNodes=2 NumCPUs=64" ;;
"job 4713") for task in 2 1; do echo "JobId=47$task ArrayTaskId=$task NodeList=gpu07 NumNodes=1 NumCPUs=64"; done ;;
"job 4712") echo "JobId=4712 ReqNodeList=(null) NodeList=gpu07 BatchHost=gpu07 NumNodes=1 NumCPUs=64" ;;
"hostnames gpu[07-08]") echo gpu07; echo gpu08 ;;
"node gpu07") echo "NodeName=gpu07 Arch=x86_64 NodeAddr=10.0.0.7 NodeHostName=gpu07" ;;
*) exit 1 ;;
esac
"""


@pytest.mark.parametrize("allocation", [None, Allocation(4711, 1, "127.0.0.1")])
def test_processes_of_one_node_are_launched_there(allocation):
    """By srun, all processes of a machine without Slurm would fail to start."""
    command = compose_launch(8, "zero2", SCRIPT, allocation)
    assert command[:2] == ["accelerate", "launch"]
    assert command[command.index("--num_processes") + 1] == "8"
    assert command[command.index("--deepspeed_config_file") + 1] == "deepspeed/zero2.json"
    assert "--num_machines" not in command
    assert command[-len(SCRIPT) :] == SCRIPT


def test_each_node_launches_its_own_processes_with_the_scripts_arguments(slurm, folder):
    """A quote lost on the way through a node's shell, and training starts with other settings, or not at all."""
    slurm.add_program("srun", SRUN)
    slurm.add_program("accelerate", ACCELERATE)
    command = compose_launch(16, "zero3", SCRIPT, Allocation(4711, 2, "10.0.0.7"))
    assert {"--nodes=2", "--ntasks=2", "--ntasks-per-node=1"} < set(command[1 : command.index("bash")])
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    given = dict(itertools.pairwise(said))
    assert said[-len(SCRIPT) :] == SCRIPT
    expected = {
        "--num_processes": "16",
        "--num_machines": "2",
        "--machine_rank": "1",
        "--main_process_ip": "10.0.0.7",
        "--deepspeed_config_file": "deepspeed/zero3.json",
        "--deepspeed_multinode_launcher": "standard",
    }
    assert {name: given.get(name) for name in expected} == expected


def test_ports_of_jobs_on_one_node_differ():
    """Two jobs that share a node would answer each other's processes."""
    ports = set()
    for job in range(4711, 4731):
        on_node = compose_launch(16, "zero3", SCRIPT, Allocation(job, 2, "10.0.0.7"))
        (launch,) = [word for word in on_node if "--main_process_port" in word]
        ports.add(int(launch.split("--main_process_port ")[1].split()[0]))
    assert len(ports) == 20
    # Below those that the system gives to clients.
    assert max(ports) < 32768
    assert min(ports) > 1024


def test_processes_that_cannot_be_divided_among_the_nodes():
    """Accelerate would start some of them, which wait for the others until the time is out."""
    with pytest.raises(
        ValueError, match=r"training.processes: 15 cannot be divided among the 2 nodes of job 4711"
    ):
        compose_launch(15, "zero3", SCRIPT, Allocation(4711, 2, "10.0.0.7"))


def test_nodes_of_a_job_are_asked_of_slurm(slurm, monkeypatch):
    """Of a job's variables the executor plugin leaves hardly more than its id."""
    slurm.add_program("scontrol", SCONTROL)
    assert find_allocation() is None
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    assert find_allocation() == Allocation(4711, 2, "10.0.0.7")
    monkeypatch.setenv("SLURM_JOB_ID", "4712")
    assert find_allocation().nodes == 1
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    with pytest.raises(QueueError, match="scontrol"):
        find_allocation()


def test_task_of_an_array_asks_for_itself(slurm, monkeypatch):
    """By the array's id Slurm shows all tasks: one would take another's nodes for its own."""
    slurm.add_program("scontrol", SCONTROL)
    for name, value in {"JOB_ID": "4713", "ARRAY_JOB_ID": "4713", "ARRAY_TASK_ID": "1"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert find_allocation() == Allocation(4713, 2, "10.0.0.7")


@pytest.mark.parametrize(
    ("job", "line"),
    [
        ("1", "scontrol: exit status 1"),
        (
            "4711",
            "training.processes: 3 cannot be divided among the 2 nodes of job 4711; choose a multiple of 2",
        ),
    ],
)
def test_launch_that_cannot_be_is_one_line(slurm, folder, job, line):
    """It ends up in the log of a job, whose last line `status` shows."""
    slurm.add_program("scontrol", SCONTROL)
    process = subprocess.run(
        [sys.executable, "-m", "execution.launch", "--processes", "3", "--deepspeed", "zero2", *SCRIPT],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SLURM_JOB_ID": job},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert process.stderr == f"{line}\n"


def test_command_line_becomes_the_launch(slurm, folder):
    """The rules name this module: its options must be the ones that they write."""
    slurm.add_program("accelerate", ACCELERATE)
    process = subprocess.run(
        [sys.executable, "-m", "execution.launch", "--processes", "2", "--deepspeed", "zero2", *SCRIPT],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert process.stdout.splitlines()[-len(SCRIPT) :] == SCRIPT
