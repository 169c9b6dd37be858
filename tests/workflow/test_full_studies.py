"""The studies on real models: planned as they are, and run to their reports on stand-ins."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from lossgrid.planning.estimate import estimate_study
from lossgrid.studies import get_trained_cells, load_study
from lossgrid.studies.loading import load_studies
from tests.cluster.working_copy import ROOT, copy_tracked_files, get_environment, run_command

FULL = {name: study for name, study in load_studies(ROOT / "studies").items() if study.world.kind == "hub"}
SHRUNK = sorted(name for name in FULL if name.endswith("_shrunk"))
# Seconds; the longest takes half an hour on two cores.
LONGEST = 2 * 3600


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """What git would commit, with the stand-ins that the pages tell to make."""
    folder = tmp_path_factory.mktemp("full") / "repository"
    copy_tracked_files(folder)
    run(folder, "python -m lossgrid shrink")
    return folder


def run(folder: Path, command: str, seconds: float = 300) -> str:
    environment = {
        **get_environment(),
        "HF_HOME": str(folder / "downloads/shrunk"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(folder),
    }
    return run_command(command, folder, seconds, environment)


def test_every_full_study_can_be_planned_before_anything_is_fetched(copy):
    """Somebody who sees what it would take decides whether to begin."""
    studies = ",".join(name for name in FULL if name not in SHRUNK)
    output = run(copy, f'snakemake -n --cores 1 --config "studies=[{studies}]"')
    trained = sum(len(get_trained_cells(FULL[name])) for name in studies.split(","))
    planned = {line.split()[0]: int(line.split()[1]) for line in output.splitlines() if line.count(" ") > 5 and
               line.split()[0] in ("train_cell", "train_unkept_cell")}  # fmt: skip
    assert sum(planned.values()) == trained
    # Those whose data, models and judges nobody has fetched.
    assert output.count("does not hold") >= len(studies.split(","))


@pytest.mark.parametrize("name", FULL)
def test_every_full_study_has_an_estimate(name):
    """GPU-hours for the full ones, and none where it is shrunk."""
    estimate = estimate_study(FULL[name], parallel=8)
    assert (estimate.gpu_seconds > 3600) is (name not in SHRUNK)
    assert estimate.wall_seconds > 0


@pytest.mark.parametrize("name", [name for name in FULL if name.endswith("_lora")])
def test_adapters_fit_one_gpu_of_24_gb(name):
    """With the head-room that jobs ask for."""
    for step in estimate_study(FULL[name], parallel=1).steps:
        assert step.load.gpus <= 1, step.name
        assert 1.15 * step.load.gpu_bytes <= 24e9 or step.rule == "judge_responses", step.name


def test_stand_ins_change_no_grid_and_no_claim():
    """A shrunk study is the study."""
    for name in SHRUNK:
        full = FULL[name.removesuffix("_shrunk")]
        assert FULL[name].objectives == full.objectives
        assert FULL[name].claims == full.claims
        assert FULL[name].get_evaluations() == full.get_evaluations()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHRUNK)
def test_every_full_study_runs_to_its_report_on_stand_ins(name, copy):
    """What passes here is what runs on a cluster: the same rules, scripts, loaders and trainer."""
    local = f'snakemake --profile profiles/local --config "studies=[{name}]"'
    run(copy, f"{local} -- prepare")
    run(copy, local, LONGEST)
    results = copy / "results" / name
    cells = pd.read_csv(results / "tables" / "cells.csv")
    study = load_study(copy / "studies" / f"{name}.yaml")
    assert cells["alias_of"].isna().sum() == len(get_trained_cells(study)) + 1
    assert (results / "report" / "index.html").stat().st_size > 100_000
    counts = pd.read_csv(results / "tables" / "data.csv").set_index(["part", "measure"])["value"]
    excluded = counts["pairs"][counts["pairs"].index.str.startswith("excluded_")].sum()
    assert counts["pairs", "rows"] == counts["reference", "pairs"] + excluded
    assert "Nothing to be done" in run(copy, local)
    shutil.rmtree(results)
    os.remove(copy / "studies" / f"{name}.lock.yaml")
