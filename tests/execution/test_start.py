"""The start of Snakemake's processes: what is wrong is told in a line before any job, and jobs get their place."""

import os
import re
import shutil
from types import SimpleNamespace

import pytest
from marked_process import ROOT
from snakemake.exceptions import WorkflowError
from snakemake.resources import Resources
from tiny_workflow import MAKE

from execution.partitions import check_partitions
from execution.site import FILE, Partitions, Site, SiteError, read_site
from execution.start import EXECUTOR, start_process
from lossgrid.planning.requirements import Requirements

SITE = """\
account: lab
partitions: {cpu: cpu, gpu: gpu}
gpu_model: a100
gpu_memory:
  - {gb: 40, constraint: small}
software: host
"""


def set_site(folder, text: str) -> None:
    """Write a site's file."""
    (folder / FILE).parent.mkdir(exist_ok=True)
    (folder / FILE).write_text(text)


def test_dry_run_for_the_cluster_shows_the_place_of_each_job(tiny, slurm):
    """`snakemake --profile slurm -n` is how a user sees what will be asked for, on any machine."""
    tiny.write(MAKE)
    set_site(tiny.folder, SITE)
    slurm.stop_answering()
    process = tiny.run("--executor", "slurm", "--jobs", "1", "-n", "--set-resources", "make:constraint=mine")
    assert process.returncode == 0, process.stdout
    shown = re.search(r"resources: (.*)", process.stdout).group(1)
    asked = dict(item.split("=", 1) for item in shown.split(", "))
    expected = {
        "slurm_account": "lab",
        "slurm_partition": "gpu",
        "gpu_model": "a100",
        "runtime": "600",
        "nodes": "1",
    }
    assert {name: asked.get(name) for name in expected} == expected
    # What the user sets by hand stays.
    assert asked["constraint"] == "mine"
    # The plugin itself asks for Slurm's configuration.
    assert {line.split()[0] for line in slurm.get_calls()} <= {"scontrol"}
    assert not (tiny.folder / ".snakemake/lossgrid").exists()


def test_unset_site_is_told_before_any_job(tiny):
    """The first command of every new user ends here: three lines to fill in, and no traceback."""
    tiny.write(MAKE)
    set_site(tiny.folder, (ROOT / FILE).read_text())
    process = tiny.run("--executor", "slurm", "--jobs", "1")
    assert process.returncode != 0
    assert re.search(r"slurm/site.yaml:\d+: account: null: unset; write its value", process.stdout)
    assert len(re.findall(r"slurm/site.yaml:\d+: partitions\.[cg]pu: null: unset", process.stdout)) == 2
    assert "Traceback" not in process.stdout
    assert "Building DAG" not in process.stdout


def test_one_of_several_partitions_that_is_not_there_is_named(slurm, folder):
    """Sbatch takes several, with commas: a job goes to the one that starts it first."""
    set_site(folder, "account: lab\npartitions:\n  cpu: gpu,cpus\n  gpu: gpu\n")
    check_partitions(Site(account="lab", partitions=Partitions(cpu="cpu,gpu", gpu="gpu")))
    with pytest.raises(SiteError) as error:
        check_partitions(read_site())
    assert str(error.value) == (
        "slurm/site.yaml:3: partitions.cpu: 'gpu,cpus': cpus: no such partition; there are cpu, gpu"
    )


def test_partition_that_is_not_there_is_named_with_those_that_are(slurm, folder):
    """Sbatch would refuse every job one by one, after the data was made."""
    set_site(folder, "account: lab\npartitions: {cpu: cpu, gpu: gpus}\n")
    with pytest.raises(SiteError) as error:
        check_partitions(read_site())
    assert str(error.value) == (
        "slurm/site.yaml:2: partitions.gpu: 'gpus': gpus: no such partition; there are cpu, gpu"
    )
    good = Site(account="lab", partitions=Partitions(cpu="cpu", gpu="gpu"))
    assert check_partitions(good)["cpu"].most_minutes == 1440


def test_all_that_the_cluster_lacks_is_told_before_any_job(tiny, slurm):
    """In a dry run nothing is asked of Slurm; in a run sbatch would refuse every job after hours."""
    tiny.write(MAKE)
    set_site(tiny.folder, SITE.replace("a100", "h100").replace("small", "huge"))
    process = tiny.run("--executor", "slurm", "--jobs", "1")
    assert process.returncode != 0
    assert "slurm/site.yaml:3: gpu_model: 'h100': no node of partition gpu has such GPUs; there are a100" in (
        process.stdout
    )
    assert re.search(
        r"slurm/site.yaml:5: gpu_memory\[0\].constraint: 'huge': no node of .*; there are small",
        process.stdout,
    )
    assert "Traceback" not in process.stdout
    assert tiny.run("--executor", "slurm", "--jobs", "1", "-n").returncode == 0


def test_laptop_without_slurm_is_told_at_once(tiny, tmp_path, monkeypatch):
    """Its programs were asked for again and again, for ten minutes, where they are not installed."""
    tiny.write(MAKE)
    set_site(tiny.folder, SITE)
    (tmp_path / "laptop").mkdir()
    for program in ("bash", "which"):
        (tmp_path / "laptop" / program).symlink_to(shutil.which(program))
    monkeypatch.setenv("PATH", str(tmp_path / "laptop"))
    process = tiny.run("--executor", "slurm", "--jobs", "1")
    assert process.returncode != 0
    assert "sinfo: no such command; run on a node from which jobs are submitted" in process.stdout
    assert "asking again" not in process.stdout


def make_workflow(**changes):
    """Snakemake's workflow inside of a job, as far as the start needs it."""
    rule = SimpleNamespace(name="make", resources=Resources())
    settings = SimpleNamespace(overwrite_resources={})
    about = {"is_main_process": False, "rules": [rule], "resource_settings": settings, **changes}
    return SimpleNamespace(**about)


def get_need(rule):
    """What a job needs."""
    return lambda wildcards, attempt=1: Requirements(1, 30.0, 8, 4000, 600).scale(attempt)


def test_process_inside_of_a_job_is_placed_alike_and_guards_nothing(folder, slurm, monkeypatch):
    """Each job parses the Snakefile twice: to be held up there, or to ask Slurm, would multiply with the jobs."""
    monkeypatch.setenv(EXECUTOR, "slurm")
    set_site(folder, SITE)
    workflow = make_workflow()
    assert start_process(workflow, get_need, "wait") is None
    assert workflow.rules[0].resources["constraint"].evaluate(None, attempt=1).value == "small"
    assert slurm.get_calls() == []
    assert not (folder / ".snakemake").exists()


def test_process_inside_of_a_local_job_needs_no_site(folder, monkeypatch):
    """Who runs on one machine has never filled in slurm/site.yaml."""
    monkeypatch.setenv(EXECUTOR, "local")
    workflow = make_workflow()
    assert start_process(workflow, get_need, "wait") is None
    assert list(workflow.rules[0].resources) == []


def test_site_that_is_broken_while_jobs_wait_is_one_line_in_their_logs(folder, monkeypatch):
    """A job starts hours after its submission, and a traceback hides which file to mend."""
    monkeypatch.setenv(EXECUTOR, "slurm")
    set_site(folder, "account: lab\n")
    with pytest.raises(WorkflowError, match=r"slurm/site\.yaml:1: partitions: unset"):
        start_process(make_workflow(), get_need, "wait")
    assert os.environ[EXECUTOR] == "slurm"
