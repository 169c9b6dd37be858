"""One study from nothing to figures, as `make demo` runs it, at the smallest size."""

import json

import pandas as pd
import pytest

DIVERGED = "discopop/beta~1000000__tau~0.05__evaluation~published/seed~1"
ALIAS = "dlrml/beta_kl~0.1__beta_mix~0.1__tau~0.05/seed~1"
LEARNED = "dlrml_learned/beta_kl~0.1__beta_mix~0.02__tau~0.05__mix_learning_rate~0.1/seed~1"
TRAINED = "discopop/beta~0.1__tau~0.05/seed~1"


def test_all_figures_and_tables_are_there(finished):
    """A user whose run ended well must find what the README promises."""
    results = finished.folder / "results" / "tiny"
    figures = {
        f"{name}.{ending}"
        for name in ("loss_shapes", "frontier", "plane", "training_curves", "learned_mix")
        for ending in ("pdf", "svg", "png")
    }
    assert {path.name for path in (results / "figures").iterdir()} == figures
    assert all(path.stat().st_size > 1000 for path in (results / "figures").iterdir())
    tables = {"audit", "shapes", "cells", "predictions", "claims", "costs"}
    assert {path.stem for path in (results / "tables").iterdir()} == tables


def test_table_has_a_row_a_cell_with_n_and_uncertainty(finished):
    """A cell missing from the table, or a number without its n, would be a result dropped silently."""
    table = pd.read_csv(finished.folder / "results/tiny/tables/cells.csv")
    assert list(table["cell"]) == [
        "sft",
        "dpo/beta~0.1/seed~1",
        TRAINED,
        DIVERGED,
        "dlrml/beta_kl~0.1__beta_mix~0.02__tau~0.05/seed~1",
        ALIAS,
        LEARNED,
    ]
    assert (table["n"] == 16).all()
    assert (table["chats"] == 8).all()
    assert table[["reward_se", "kl_se", "kl_per_token_se"]].notna().all(axis=None)


def test_diverged_cell_ends_well_and_is_marked(finished):
    """Divergence is data: a run that hits NaN must not fail the workflow, nor pass as healthy."""
    health = json.loads((finished.get_cell(DIVERGED) / "health.json").read_text())
    assert (health["status"], health["healthy"]) == ("diverged", False)
    assert health["first_nonfinite_step"] == health["steps"] <= health["planned_steps"]
    table = pd.read_csv(finished.folder / "results/tiny/tables/cells.csv").set_index("cell")
    assert table.loc[DIVERGED, "status"] == "diverged"
    assert "diverged" in (finished.folder / "results/tiny/figures/frontier.svg").read_text()


def test_a_learned_mix_is_followed_from_log_to_table(finished):
    """What a cell learned beside its policy would be lost with its checkpoints."""
    records = [json.loads(line) for line in (finished.get_cell(LEARNED) / "training.jsonl").open()]
    assert records[0]["beta_mix"] == pytest.approx(0.02, rel=1e-6)
    table = pd.read_csv(finished.folder / "results/tiny/tables/cells.csv").set_index("cell")
    assert table.loc[LEARNED, "final_beta_mix"] not in [record["beta_mix"] for record in records]
    assert table["final_beta_mix"].notna().sum() == 1


def test_claims_have_verdicts(finished):
    """A claim without a verdict is a promise that nobody checks. One run, one divergence: 1 of 1."""
    (claim,) = pd.read_csv(finished.folder / "results/tiny/tables/claims.csv").to_dict("records")
    assert (claim["claim"], claim["n"], claim["effect"]) == ("published-diverges", 1, 1.0)
    # Clopper and Pearson's interval of 1 in 1 begins at 0.025.
    assert (claim["verdict"], claim["low"]) == ("inconclusive", pytest.approx(0.025, abs=1e-6))


def test_predictions_name_the_overflow(finished):
    """The audit would not stand beside the outcome: βρ < −88.72 at β=1e6 is ρ < −8.9e-5."""
    table = pd.read_csv(finished.folder / "results/tiny/tables/predictions.csv").set_index("cell")
    assert table.loc[DIVERGED, "left_limit"] == pytest.approx(-8.87e-5, rel=1e-2)
    assert table["overflow_holds"].all()


def test_alias_is_not_trained_but_can_be_asked_for(workflow):
    """Training one function twice wastes a GPU day; a path of the grid that cannot be built breaks scripts."""
    folder = workflow.get_cell(ALIAS)
    assert not folder.exists()
    assert workflow.plan(f"results/tiny/cells/{ALIAS}/scores/frontier.jsonl") == {"adopt_cell": 1}
    workflow.run(f"results/tiny/cells/{ALIAS}/scores/frontier.jsonl")
    for file in (
        "policy/model.safetensors",
        "health.json",
        "responses/heldout.jsonl",
        "scores/frontier.jsonl",
    ):
        assert (folder / file).read_bytes() == (workflow.get_cell(TRAINED) / file).read_bytes()
    assert workflow.plan() == {}


def test_checkpoints_are_gone_after_success(finished):
    """Left-over checkpoints of 7B runs would fill the disk."""
    assert not list((finished.folder / "results").rglob("checkpoints"))
