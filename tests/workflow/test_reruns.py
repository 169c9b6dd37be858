"""What a change makes Snakemake run again: all that depends on it, and nothing else."""

import shutil

import pytest
from workflow_copy import STUDY_FILE

DPO = "dpo/beta~0.1/seed~1"
PLOTS = {
    "plot_frontier": 1,
    "plot_plane": 1,
    "plot_training_curves": 1,
    "plot_learned_mix": 1,
    "plot_mt_bench": 1,
    "plot_win_rates": 1,
    "plot_differences": 1,
}
SUMMARY = {
    "collect_results": 1,
    "collect_costs": 1,
    "collect_mt_bench": 1,
    "collect_leaderboard": 1,
    "collect_summaries": 1,
    "collect_judge": 1,
    "compare_cells": 1,
    "compare_predictions": 1,
    "evaluate_claims": 1,
    "write_numbers": 1,
    "write_cards": 1,
    "make_explorer": 1,
    "make_report": 1,
    **PLOTS,
}


def rejudge(shards: int, runs: int) -> dict[str, int]:
    """The judging jobs of so many shards, and the cutting of scores of so many runs in three evaluations."""
    return {
        "judge_responses": 3 * shards,
        "score_judgments": 3 * runs,
    }


TRAINED = {"train_cell": 1, "generate_responses": 1, "score_frontier": 1}
# The other two runs of the shard are judged with it, from the ledger.
ONE_CELL = {**TRAINED, **rejudge(shards=1, runs=3), **SUMMARY}
# The SFT model and six cells, cut into shards anew.
ONE_MORE_CELL = {**TRAINED, **rejudge(shards=3, runs=7), **SUMMARY}
AUDIT = {"audit_objectives": 1, "plot_loss_shapes": 1}


def test_finished_study_has_nothing_to_do(finished):
    """A second run of the same command must cost nothing."""
    assert finished.plan() == {}


def test_deleted_cell_is_the_only_one_trained_again(workflow):
    """Deleting a cell's folder is how a user asks for it again."""
    shutil.rmtree(workflow.get_cell(DPO))
    assert workflow.plan() == ONE_CELL


def test_added_setting_is_the_only_one_trained(workflow):
    """A β more in the grid must not cost the cells that are there."""
    workflow.edit(STUDY_FILE, "dpo: {beta: 0.1}", "dpo: {beta: [0.1, 0.5]}")
    assert workflow.plan() == {**ONE_MORE_CELL, **AUDIT}


def test_added_seed_is_the_only_one_trained(workflow):
    """A further seed of one objective must not cost the others."""
    workflow.edit(STUDY_FILE, "dpo: {beta: 0.1}", "dpo: {beta: 0.1, seeds: [1, 2]}")
    assert workflow.plan() == ONE_MORE_CELL


MADE_FROM = {
    "corpus": "make_corpus",
    "sft/policy": "train_sft",
    "pairs": "make_pairs",
    "reference": "compute_reference_logps",
    "prompts": "make_prompts",
    "judgments/mt_bench/shard~1.jsonl": "judge_responses",
    "sft/responses/judged.jsonl": "generate_responses",
    f"cells/{DPO}/health.json": "train_cell",
}


@pytest.mark.parametrize("made", MADE_FROM)
def test_what_a_failed_job_took_with_it_is_made_again(workflow, made):
    """Snakemake deletes the outputs of a job that fails; what an earlier run made from them must not pass for new."""
    path = workflow.results / made
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    plan = workflow.plan()
    assert plan[MADE_FROM[made]] == 1
    assert plan.keys() & SUMMARY.keys()


def test_removed_policies_are_not_trained_again(workflow):
    """The policies are most of a study's disk space, and nobody needs those of a sweep that is judged."""
    for policy in workflow.results.glob("cells/*/*/*/policy"):
        shutil.rmtree(policy)
    assert workflow.plan() == {}


LOSSES = "lossgrid/objectives/logistic.py"
HARMLESS_EDITS = {
    "comment in a loss": (LOSSES, "    rho = log", "    # The margin.\n    rho = log"),
    "docstring of a loss": (
        LOSSES,
        "Direct preference optimisation: the",
        "Direct preference optimization: the",
    ),
    "comment in the trainer": (
        "lossgrid/training/health.py",
        "import math\n",
        "# Mathematics.\nimport math\n",
    ),
    "another loss": (LOSSES, "def dpo_loss(", "def zero_loss(rho):\n    return 0 * rho\n\n\ndef dpo_loss("),
    "wording of an error": ("lossgrid/studies/cells.py", "no such cell", "not a cell of the grid"),
}


@pytest.mark.parametrize("edit", HARMLESS_EDITS.values(), ids=HARMLESS_EDITS)
def test_edits_that_change_no_result_rerun_nothing(workflow, edit):
    """Retraining a study because of a comment is what makes people stop writing comments."""
    file, old, new = edit
    text = (workflow.folder / file).read_text()
    assert old in text
    (workflow.folder / file).write_text(text.replace(old, new, 1))
    assert workflow.plan() == {}


def test_another_tracker_reruns_nothing(workflow, monkeypatch, tmp_path):
    """Whoever turns on W&B half-way through a study would pay for its cells twice."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/wandb.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    workflow.edit("config.yaml", "tracker: none", "tracker: wandb")
    assert workflow.plan() == {}


def test_tracker_that_is_not_there_is_told_before_any_job(workflow):
    """A thousand jobs would each say it in a log that nobody reads."""
    workflow.edit("config.yaml", "tracker: none", "tracker: trackoi")
    shutil.rmtree(workflow.get_cell(DPO))
    process = workflow.run(check=False)
    assert process.returncode != 0
    assert "config.yaml: tracker: trackoi: unknown tracker; known: none, wandb, trackio" in process.stdout
    assert not workflow.get_cell(DPO).exists()


def test_changed_loss_reruns_its_cells_alone(workflow):
    """Results of an older loss must never stand beside those of the new one, nor cost the other losses."""
    workflow.edit(
        "lossgrid/objectives/logistic.py",
        "return -F.logsigmoid(beta * rho)",
        "return -F.logsigmoid(beta * rho) + 0",
    )
    assert workflow.plan() == {**ONE_CELL, **AUDIT}


def test_changed_modulated_loss_reruns_the_family(workflow):
    """DiscoPOP is computed by dLRML's function: both depend on it."""
    workflow.edit("lossgrid/objectives/modulated.py", "    z = beta_kl * rho\n", "    z = rho * beta_kl\n")
    assert workflow.plan()["train_cell"] == 4


def test_changed_learning_rate_reruns_every_cell(workflow):
    """The recipe is part of every cell; the SFT model and the pairs are not affected."""
    workflow.edit(STUDY_FILE, "training: {learning_rate: 1e-2", "training: {learning_rate: 2e-2")
    plan = workflow.plan()
    assert plan["train_cell"] == 5
    assert not {"train_sft", "make_pairs", "compute_reference_logps"} & plan.keys()


def test_changed_log_interval_reruns_nothing(workflow):
    """How often a run logs or checkpoints does not change its weights."""
    workflow.edit(STUDY_FILE, "checkpoint_steps: 2", "checkpoint_steps: 3")
    assert workflow.plan() == {}


def test_changed_title_redraws_figures_and_rewrites_pages_alone(workflow):
    """A title is words on a figure."""
    workflow.edit(STUDY_FILE, "A tiny study", "A small study")
    pages = {"write_cards": 1, "make_report": 1, "make_explorer": 1}
    assert workflow.plan() == {**PLOTS, "plot_loss_shapes": 1, "plot_length_differences": 1, **pages}


def test_changed_reward_code_rescores_without_retraining_policies_of_other_pairs(workflow):
    """The true reward labels the pairs too: they, the reference and all cells follow; the SFT model does not."""
    workflow.edit("lossgrid/worlds/reviews/reward.py", "RELEVANCE_WEIGHT = 2.0", "RELEVANCE_WEIGHT = 2.5")
    plan = workflow.plan()
    assert "train_sft" not in plan
    assert {"make_pairs": 1, "compute_reference_logps": 1, "train_cell": 5}.items() <= plan.items()


def test_refactored_loss_can_be_accepted_without_retraining(workflow):
    """The README's way to say that a change of code changed no result."""
    workflow.edit(LOSSES, "-F.logsigmoid(beta * rho)", "-F.logsigmoid(rho * beta)")
    workflow.run("--touch")
    assert workflow.plan() == {}
