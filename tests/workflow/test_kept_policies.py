"""Policies that a study does not keep: gone in time, missed by nobody, and trained again for who asks."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from workflow_copy import STUDY_FILE, Workflow

from lossgrid.progress.states import State
from lossgrid.progress.study_progress import read_study_progress
from lossgrid.studies import load_study
from lossgrid.training.kept_policies import remove_policies
from tests.cluster.working_copy import get_environment

DPO = "dpo/beta~0.1/seed~1"
ALIAS = "dlrml/beta_kl~0.1__beta_mix~0.1__tau~0.05/seed~1"
TRAINED_FOR_ALIAS = "discopop/beta~0.1__tau~0.05/seed~1"


def set_keep_policy(workflow: Workflow, keep: str) -> None:
    """Write `keep_policy` into the tiny study."""
    workflow.edit(STUDY_FILE, "title: A tiny study\n", f"title: A tiny study\nkeep_policy: {keep}\n")


def prune(workflow: Workflow) -> str:
    """The command that removes what is not kept."""
    command = [sys.executable, "-m", "lossgrid", "prune", "tiny"]
    done = subprocess.run(command, cwd=workflow.folder, env=get_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def find_policies(workflow: Workflow) -> set[str]:
    """The cells whose policies are there, with weights."""
    cells = workflow.results / "cells"
    return {
        str(folder.parent.relative_to(cells))
        for folder in cells.glob("*/*/*/policy")
        if (folder / "model.safetensors").exists()
    }


def get_folder(cell: str) -> str:
    return f"results/tiny/cells/{cell}"


@pytest.mark.parametrize("keep", ["best", "none"])
def test_another_choice_reruns_nothing(workflow, keep):
    """Whoever needs disk space half-way through a study would pay for its cells twice."""
    set_keep_policy(workflow, keep)
    assert workflow.plan() == {}
    prune(workflow)
    assert workflow.plan() == {}


def test_none_is_kept_and_the_study_stays_done(workflow):
    """The SFT model stays, for answers are weighed by it; the status of cells is read from what they leave."""
    assert len(find_policies(workflow)) == 5
    set_keep_policy(workflow, "none")
    assert prune(workflow).startswith("5 policies removed (keep_policy: none)\ndpo/")
    assert not list(workflow.results.glob("cells/**/policy*"))
    assert (workflow.results / "sft/policy/model.safetensors").is_file()
    progress = read_study_progress(load_study(workflow.folder / STUDY_FILE), workflow.results)
    # One cell of the tiny study is made to diverge.
    assert {job.state for job in progress.states.values()} == {State.DONE, State.DIVERGED}
    card = (workflow.results / f"cards/{DPO}/README.md").read_text()
    assert card.count("The weights were removed to save disk space") == 1
    # Nothing that is not there can be removed once more.
    assert prune(workflow) == "0 policies removed (keep_policy: none)\n"


def test_best_keeps_one_setting_of_each_objective(workflow):
    """The study's first claimed metric is MT-Bench; the diverged run of DiscoPOP is never the best."""
    set_keep_policy(workflow, "best")
    prune(workflow)
    kept = find_policies(workflow)
    assert {cell.split("/")[0] for cell in kept} >= {"dpo", "discopop", "dlrml_learned"}
    assert TRAINED_FOR_ALIAS in kept
    assert not any("published" in cell for cell in kept)


def test_best_waits_for_the_tables(workflow):
    """By the tables of before, the policy of a cell that has just been trained would be judged unseen."""
    set_keep_policy(workflow, "best")
    os.utime(workflow.results / f"cells/{DPO}/health.json")
    assert prune(workflow).startswith("0 policies removed")


@pytest.mark.slow
def test_a_removed_policy_that_is_asked_for_is_trained_again(workflow):
    """A half of a folder would fail whoever loads it, and say no word of why."""
    set_keep_policy(workflow, "none")
    prune(workflow)
    assert workflow.plan(f"{get_folder(DPO)}/policy") == {"train_unkept_cell": 1}
    (workflow.results / f"cells/{DPO}/responses/judged.jsonl").unlink()
    assert {"train_unkept_cell": 1, "generate_responses": 1}.items() <= workflow.plan().items()
    asked = workflow.plan(f"{get_folder(ALIAS)}/policy")
    assert {"train_unkept_cell": 1, "adopt_cell": 1}.items() <= asked.items()


@pytest.mark.slow
def test_removed_while_the_study_runs(workflow):
    """Disk space of a sweep is that of the cells that are being trained, whatever their number."""
    set_keep_policy(workflow, "none")
    health = (workflow.results / f"cells/{DPO}/health.json").read_text()
    shutil.rmtree(workflow.get_cell(DPO))
    process = workflow.run(f"{get_folder(DPO)}/scores/frontier.jsonl")
    removal = f"Removing temporary output {get_folder(DPO)}/policy."
    assert len(re.findall(re.escape(removal), process.stdout)) == 1
    assert not (workflow.get_cell(DPO) / "policy").exists()
    assert (workflow.get_cell(DPO) / "health.json").read_text() == health
    # When it ended, those that were there from before.
    assert find_policies(workflow) == set()
    # What is left to do is to judge the new answers.
    assert not {"train_cell", "train_unkept_cell", "generate_responses"} & workflow.plan().keys()


def test_kept_policies_are_not_looked_at(workflow):
    """The default removes nothing, whatever the state of the study."""
    study = load_study(workflow.folder / STUDY_FILE)
    assert study.keep_policy == "all"
    assert remove_policies(study, workflow.results) == []
    assert len(find_policies(workflow)) == 5
