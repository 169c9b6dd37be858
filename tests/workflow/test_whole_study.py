"""One study from nothing to figures, as `make demo` runs it, at the smallest size."""

import json

import pandas as pd

DIVERGED = "discopop/beta~1000000__tau~0.05__evaluation~published/seed~1"
ALIAS = "dlrml/beta_kl~0.1__beta_mix~0.1__tau~0.05/seed~1"
TRAINED = "discopop/beta~0.1__tau~0.05/seed~1"


def test_all_figures_and_tables_are_there(finished):
    """A user whose run ended well must find what the README promises."""
    results = finished.folder / "results" / "tiny"
    figures = {
        f"{name}.{ending}"
        for name in ("frontier", "plane", "training_curves")
        for ending in ("pdf", "svg", "png")
    }
    assert {path.name for path in (results / "figures").iterdir()} == figures
    assert all(path.stat().st_size > 1000 for path in (results / "figures").iterdir())
    assert {path.name for path in (results / "tables").iterdir()} == {"cells.csv", "costs.csv"}


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
