"""Where each job goes: partition, GPUs and time, from what it needs and what the site has."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_slurm
from hypothesis import given
from hypothesis import strategies as st
from snakemake.resources import Resources
from snakemake_executor_plugin_slurm.validation import validate_slurm_extra

from execution.nodes import Nodes
from execution.partitions import Partition, read_minutes
from execution.placement import PLACED, choose_kind, place_rules
from execution.scratch import EXPANDED
from execution.site import GpuMemory, Partitions, Site, SiteError
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


WILDCARDS = SimpleNamespace(study="large")


def place(
    gpus=0, gpu_memory_gb=0.0, runtime=60, attempt=1, site=SITE, partitions=PARTITIONS, chosen=None, mem_mb=1000,
    rule="train_cell", default=None, **options,
) -> dict:  # fmt: skip
    """The resources of a job, as Snakemake itself evaluates them."""
    need = Requirements(gpus, gpu_memory_gb, 1, mem_mb, runtime)
    given = {"runtime": 1, **(default or {}), **(chosen or {})}
    rule = SimpleNamespace(name=rule, resources=Resources.from_mapping(given))
    get_need = {rule.name: lambda wildcards, attempt=1: need.scale(attempt)}.__getitem__
    place_rules([rule], get_need, site, partitions, {rule.name: chosen or {}}, **options)
    return {
        name: resource.evaluate(WILDCARDS, attempt=attempt).value for name, resource in rule.resources.items()
    }


def test_job_with_one_gpu():
    """Most jobs of a study: without account, partition or GPU they fail, or start on nodes that have none."""
    assert place(gpus=1, gpu_memory_gb=30, runtime=100) == {
        "slurm_account": "lab",
        "slurm_partition": "long",
        "runtime": 100,
        "mem_mb": 1000,
        "nodes": 1,
        "slurm_extra": None,
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


@pytest.mark.parametrize(("gpus", "nodes", "each"), [(9, 3, 3), (16, 2, 8), (18, 3, 6)])
def test_job_with_more_gpus_has_a_step_and_as_many_gpus_on_each_node(gpus, nodes, each):
    """Beyond one node the plugin must leave the start of the processes to the job."""
    placed = place(gpus=gpus, gpu_memory_gb=70)
    assert (placed["nodes"], placed["tasks"], placed["mpi"], placed["tasks_per_gpu"]) == (
        nodes,
        nodes,
        "srun",
        0,
    )
    assert placed["slurm_extra"] == f"--gpus-per-node=a100:{each}"
    site = SITE.model_copy(update={"gpu_model": None})
    assert place(gpus=gpus, site=site)["slurm_extra"] == f"--gpus-per-node={each}"


def test_options_of_the_users_profile_stay():
    """`slurm_extra` in `default-resources` is how a reservation is named: nodes must not take its place."""
    given = {"slurm_extra": "--reservation=course"}
    assert place(gpus=1, default=given)["slurm_extra"] == "--reservation=course"
    assert place(gpus=16, default=given)["slurm_extra"] == "--reservation=course --gpus-per-node=a100:8"


def test_options_for_several_nodes_are_allowed_by_the_plugin():
    """It refuses those that it gives itself: every job of several nodes would fail at its submission."""
    (extra,) = (place(gpus=16)["slurm_extra"],)
    validate_slurm_extra(SimpleNamespace(resources=SimpleNamespace(slurm_extra=extra)))


def test_processes_that_no_nodes_divide_are_refused_with_the_nearest_that_can_be():
    """Such a job fails at its start, after everything before it was made."""
    with pytest.raises(SiteError) as error:
        place(gpus=17)
    assert str(error.value) == (
        "study large: training.processes: 17: cannot be divided evenly among nodes of 8 GPUs (slurm/site.yaml: "
        "gpus_per_node); write 16 or 18"
    )


def test_server_that_needs_more_than_a_node_is_refused():
    """It is one process on one node: the GPUs of a second one would stand idle, and the model not fit."""
    assert place(gpus=8, rule="judge_responses")["nodes"] == 1
    with pytest.raises(SiteError, match=r"study large: judge\.gpus: 16: .* has 8 GPUs .*; write 8 or less"):
        place(gpus=16, rule="judge_responses")


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
        *("slurm_extra", "mpi", "tasks", "tasks_per_gpu", "gpu_model", "constraint", "qos")
    }
    assert "tmpdir" not in placed


def test_memory_of_a_job_is_divided_among_its_nodes():
    """Slurm takes it for each node: sixteen times what a process needs fits on none."""
    assert place(gpus=1, mem_mb=100_000)["mem_mb"] == 100_000
    assert place(gpus=16, mem_mb=100_001)["mem_mb"] == 50_001
    assert place(gpus=18, mem_mb=99_000, attempt=2)["mem_mb"] == 66_000


def test_no_attempt_asks_for_more_memory_than_its_nodes_have():
    """The third attempt asks for three times the first: Slurm would refuse it, and two tries would be all."""
    nodes = tuple(
        Nodes("long", frozenset({feature}), (("a100", 8),), memory)
        for feature, memory in (("small", 200_000), ("big", 500_000))
    )
    partitions = {**PARTITIONS, "long": Partition("long", 1440, nodes)}
    asked = [
        place(gpus=1, gpu_memory_gb=30, mem_mb=180_000, attempt=attempt, partitions=partitions)["mem_mb"]
        for attempt in (1, 2, 3)
    ]
    # A percent is left to the cluster itself; from the second attempt on the job goes to the larger nodes.
    assert asked == [180_000, 360_000, 495_000]
    # Where nothing is known of the nodes, nothing is cut.
    assert place(gpus=1, mem_mb=180_000, attempt=3)["mem_mb"] == 540_000


def test_site_may_allow_less_time_than_its_partitions():
    """Where a quality of service ends sooner, a job that asks for what the partition allows waits for ever."""
    site = SITE.model_copy(update={"max_runtime": 480})
    assert place(gpus=1, runtime=600, site=site)["runtime"] == 480
    assert place(runtime=9999, site=site)["runtime"] == 480
    assert place(gpus=1, runtime=300, site=site)["runtime"] == 300


def test_shortest_limit_is_a_limit():
    """A partition of half a minute is none without a limit."""
    assert (
        place(gpus=1, runtime=60, partitions={"long": Partition("long", read_minutes("0:30"))})["runtime"]
        == 1
    )


def test_gpu_that_is_larger_than_any_is_told_once_with_rule_and_study():
    """By the estimate the job runs out of memory, and again at each attempt: better to read it before."""
    said = []
    place(gpus=1, gpu_memory_gb=80, say=said.append)
    assert said == []
    place(gpus=1, gpu_memory_gb=95.5, say=said.append)
    (line,) = said
    assert line.startswith(
        "study large: train_cell: needs 95.5 GB on a GPU by the estimate, and the largest have 80 "
    )
    # A dry run says nothing.
    assert place(gpus=1, gpu_memory_gb=95.5)["constraint"] == "big"


def test_scratch_of_the_site_is_read_inside_of_jobs_alone(monkeypatch):
    """On the login node Snakemake would make the folder for its own jobs, and end with a traceback if it cannot."""
    monkeypatch.setenv("SCRATCH", "/local/scratch")
    monkeypatch.delenv(EXPANDED, raising=False)
    site = SITE.model_copy(update={"scratch": "$SCRATCH/tmp"})
    assert "tmpdir" not in place(site=site)
    assert place(site=site, inside=True)["tmpdir"] == "/local/scratch/tmp"
    assert "tmpdir" not in place(inside=True)


def test_what_the_user_sets_on_the_command_line_stays():
    """`--set-resources train_cell:runtime=7` without effect would send a job somewhere else than asked."""
    placed = place(gpus=1, runtime=600, chosen={"runtime": 7, "slurm_partition": "debug"})
    assert (placed["runtime"], placed["slurm_partition"]) == (7, "debug")
    assert placed["slurm_account"] == "lab"
    # Snakemake gives one name to all spellings of a size.
    assert [place(chosen=chosen)["mem_mb"] for chosen in ({"mem": "7 GB"}, {"mem_mb": 7000})] == [7000, 7000]


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


@given(
    st.sampled_from([0, 1, 8, 16, 40]),
    st.integers(1, 5000),
    st.integers(1, 4),
    st.integers(1, 3000) | st.none(),
)
def test_no_job_asks_for_more_time_than_its_partition_allows(gpus, runtime, attempt, limit):
    """Such a job waits for ever with the reason PartitionTimeLimit, and so does its main process."""
    partitions = {name: Partition(name, limit) for name in ("short", "long")}
    asked = place(gpus=gpus, runtime=runtime, attempt=attempt, partitions=partitions)["runtime"]
    assert asked == min(runtime * attempt, limit or runtime * attempt)
