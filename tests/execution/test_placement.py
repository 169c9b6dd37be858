"""Where each job goes: partition, GPUs and time, from what it needs and what the site has."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_slurm
from hypothesis import given
from hypothesis import strategies as st
from snakemake.resources import Resources

from execution.partitions import Partition
from execution.placement import PLACED, choose_kind, place_rules
from execution.site import GpuMemory, Partitions, Site
from lossgrid.planning.requirements import Requirements

SITE = Site(
    account="lab",
    partitions=Partitions(cpu="short", gpu="long"),
    qos="night",
    gpu_model="a100",
    gpus_per_node=8,
    cpus_per_gpu=6,
    gpu_memory=(GpuMemory(gb=80, constraint="big"), GpuMemory(gb=40, constraint="small")),
)
PARTITIONS = {"short": Partition("short", None), "long": Partition("long", 1440)}


def place(
    gpus=0, gpu_memory_gb=0.0, runtime=60, attempt=1, site=SITE, partitions=PARTITIONS, chosen=None
) -> dict:
    """The resources of a job, as Snakemake itself evaluates them."""
    need = Requirements(gpus, gpu_memory_gb, 1, 1000, runtime)
    rule = SimpleNamespace(
        name="train_cell", resources=Resources.from_mapping({"runtime": 1, **(chosen or {})})
    )
    get_need = {"train_cell": lambda wildcards, attempt=1: need.scale(attempt)}.__getitem__
    place_rules([rule], get_need, site, partitions, {"train_cell": chosen or {}})
    return {name: resource.evaluate(None, attempt=attempt).value for name, resource in rule.resources.items()}


def test_job_with_one_gpu():
    """Most jobs of a study: without account, partition or GPU they fail, or start on nodes that have none."""
    assert place(gpus=1, gpu_memory_gb=30, runtime=100) == {
        "slurm_account": "lab",
        "slurm_partition": "long",
        "runtime": 100,
        "nodes": 1,
        "mpi": None,
        "tasks": None,
        "tasks_per_gpu": None,
        "gpu_model": "a100",
        "cpus_per_gpu": 6,
        "constraint": "small",
        "qos": "night",
    }


def test_job_with_eight_gpus_fills_one_node():
    """Spread over two nodes, one launcher would start all processes on the first."""
    one, eight = place(gpus=1, gpu_memory_gb=70), place(gpus=8, gpu_memory_gb=70)
    assert eight == one
    assert eight["nodes"] == 1


@pytest.mark.parametrize(("gpus", "nodes"), [(9, 2), (16, 2), (17, 3)])
def test_job_with_more_gpus_has_a_step_on_each_node(gpus, nodes):
    """Beyond one node the plugin must leave the start of the processes to the job."""
    placed = place(gpus=gpus, gpu_memory_gb=70)
    assert (placed["nodes"], placed["tasks"], placed["mpi"], placed["tasks_per_gpu"]) == (
        nodes,
        nodes,
        "srun",
        0,
    )


def test_job_without_a_gpu_asks_for_none():
    """A table that asks for a GPU waits behind everybody's training."""
    placed = place(runtime=20)
    assert placed["slurm_partition"] == "short"
    assert (placed["gpu_model"], placed["cpus_per_gpu"], placed["constraint"]) == (None, None, None)
    assert (placed["nodes"], placed["runtime"], placed["slurm_account"]) == (1, 20, "lab")


@pytest.mark.parametrize(
    ("attempt", "runtime", "constraint"),
    [(1, 600, "small"), (2, 1200, "big"), (3, 1440, "big"), (9, 1440, "big")],
)
def test_every_attempt_asks_for_more_until_the_partition_ends_it(attempt, runtime, constraint):
    """A job out of time or memory would fail alike again; one that asks for more than there is never starts."""
    placed = place(gpus=1, gpu_memory_gb=30, runtime=600, attempt=attempt)
    assert (placed["runtime"], placed["constraint"]) == (runtime, constraint)


def test_partition_without_a_limit_and_one_that_is_not_known_cut_nothing():
    """Inside a job nothing is asked of sinfo; a limit made up there would cut what was granted."""
    assert place(runtime=9999)["runtime"] == 9999
    assert place(gpus=1, runtime=9999, partitions={})["runtime"] == 9999


def test_site_that_says_nothing_of_gpus_asks_for_nothing():
    """None is how Snakemake leaves a resource out: any other value becomes an option of sbatch."""
    site = Site(account="lab", partitions=Partitions(cpu="short", gpu="long"))
    placed = place(gpus=1, gpu_memory_gb=30, site=site)
    assert {name for name, value in placed.items() if value is None} == {
        *("mpi", "tasks", "tasks_per_gpu", "gpu_model", "constraint", "qos")
    }
    assert "tmpdir" not in placed


def test_scratch_of_the_site_holds_temporary_files():
    """Temporary files of a hundred jobs on the shared file system slow everybody down."""
    site = SITE.model_copy(update={"scratch": "/local/scratch"})
    assert place(site=site)["tmpdir"] == "/local/scratch"


def test_what_the_user_sets_on_the_command_line_stays():
    """`--set-resources train_cell:runtime=7` without effect would send a job somewhere else than asked."""
    placed = place(gpus=1, runtime=600, chosen={"runtime": 7, "slurm_partition": "debug"})
    assert (placed["runtime"], placed["slurm_partition"]) == (7, "debug")
    assert placed["slurm_account"] == "lab"


def test_all_that_is_placed_is_known_to_the_plugin():
    """A resource whose name the plugin does not know is left out in silence, and the job starts anywhere."""
    folder = Path(snakemake_executor_plugin_slurm.__file__).parent
    source = "\n".join(file.read_text() for file in folder.glob("*.py"))
    for name in PLACED:
        assert re.search(rf"resources\.{name}\b|resources\.get\(\s*\"{name}\"|\"{name}\"", source), name


def test_memory_that_just_suffices_is_enough():
    """A job that needs all of a GPU must not wait for the next larger one."""
    assert choose_kind(SITE.kinds, 40.0, 1).gb == 40
    assert choose_kind(SITE.kinds, 40.1, 1).gb == 80


KINDS = st.lists(st.integers(1, 200), max_size=5).map(
    lambda sizes: tuple(GpuMemory(gb=size) for size in sorted(sizes))
)


@given(KINDS, st.floats(0, 250), st.integers(1, 6))
def test_smallest_kind_that_suffices_and_larger_ones_later(kinds, needed, attempt):
    """Smaller fails for want of memory; larger waits longer for a GPU that others need."""
    chosen = choose_kind(kinds, needed, attempt)
    if not kinds:
        assert chosen is None
        return
    enough = [kind for kind in kinds if kind.gb >= needed]
    if attempt == 1:
        assert chosen.gb == (enough[0] if enough else kinds[-1]).gb
    else:
        # The next in the list, and the largest at the end of it.
        before = choose_kind(kinds, needed, attempt - 1)
        larger = [kind for kind in kinds if kind.gb > before.gb]
        assert chosen.gb >= before.gb
        assert chosen.gb <= (larger[0] if larger else before).gb
    assert chosen in kinds
    if enough:
        assert chosen.gb >= needed


@given(st.integers(0, 40), st.integers(1, 5000), st.integers(1, 4), st.integers(1, 3000) | st.none())
def test_no_job_asks_for_more_time_than_its_partition_allows(gpus, runtime, attempt, limit):
    """Such a job waits for ever with the reason PartitionTimeLimit, and so does its main process."""
    partitions = {name: Partition(name, limit) for name in ("short", "long")}
    asked = place(gpus=gpus, runtime=runtime, attempt=attempt, partitions=partitions)["runtime"]
    assert asked == min(runtime * attempt, limit or runtime * attempt)
