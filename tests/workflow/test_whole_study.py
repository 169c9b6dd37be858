"""One study from nothing to figures, as `make demo` runs it, at the smallest size."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

DIVERGED = "discopop/beta~1000000__tau~0.05__evaluation~published/seed~1"
ALIAS = "dlrml/beta_kl~0.1__beta_mix~0.1__tau~0.05/seed~1"
DLRML = "dlrml/beta_kl~0.1__beta_mix~0.02__tau~0.05/seed~1"
LEARNED = "dlrml_learned/beta_kl~0.1__beta_mix~0.02__tau~0.05__mix_learning_rate~0.1/seed~1"
TRAINED = "discopop/beta~0.1__tau~0.05/seed~1"
DPO = "dpo/beta~0.1/seed~1"
FIGURES = (
    "loss_shapes",
    "length_differences",
    "frontier",
    "plane",
    "training_curves",
    "learned_mix",
    "mt_bench",
    "win_rates",
    "differences",
)
TABLES = {
    "audit",
    "shapes",
    "data",
    "pair_lengths",
    "cells",
    "predictions",
    "mt_bench",
    "leaderboard",
    "alpaca_eval_questions",
    "summaries",
    "judge",
    "judge_costs",
    "comparisons",
    "claims",
    "costs",
    "numbers",
}


def read_lines(file: Path) -> list[dict]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_all_figures_and_tables_are_there(finished):
    """A user whose run ended well must find what the README promises."""
    results = finished.results
    figures = {f"{name}.{ending}" for name in FIGURES for ending in ("pdf", "svg", "png", "tex")}
    assert {path.name for path in (results / "figures").iterdir()} == figures
    assert all(path.stat().st_size > 300 for path in (results / "figures").iterdir())
    assert {path.name for path in (results / "report").iterdir()} == {"index.html", "explorer.html"}
    assert {path.stem for path in (results / "tables").iterdir()} == TABLES


def test_table_has_a_row_a_cell_with_n_and_uncertainty(finished):
    """A cell missing from the table, or a number without its n, would be a result dropped silently."""
    table = pd.read_csv(finished.folder / "results/tiny/tables/cells.csv")
    assert list(table["cell"]) == [
        "sft",
        DPO,
        TRAINED,
        DIVERGED,
        DLRML,
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
    claims = pd.read_csv(finished.results / "tables/claims.csv").set_index("claim")
    assert list(claims.index) == ["published-diverges", "discopop-above-dpo"]
    share = claims.loc["published-diverges"]
    assert (share["n"], share["effect"]) == (1, 1.0)
    # Clopper and Pearson's interval of 1 in 1 begins at 0.025.
    assert (share["verdict"], share["low"]) == ("inconclusive", pytest.approx(0.025, abs=1e-6))


def test_claim_about_ratings_is_about_the_ratings(finished):
    """From a judge's reply to a verdict there are six files; a mix-up of runs or turns in one shows here."""
    ratings = [
        {
            (row["question_id"], row["turn"]): row["score"]
            for row in read_lines(finished.get_cell(cell) / "scores" / "mt_bench.jsonl")
            if row["repeat"] == 0 and row["state"] == "ok"
        }
        for cell in (TRAINED, DPO)
    ]
    differences = [ratings[0][key] - ratings[1][key] for key in ratings[0].keys() & ratings[1].keys()]
    claim = pd.read_csv(finished.results / "tables/claims.csv").set_index("claim").loc["discopop-above-dpo"]
    assert claim["n"] == len(differences)
    assert claim["left_out"] == 160 - len(differences)
    assert claim["effect"] == pytest.approx(sum(differences) / len(differences), rel=1e-5)


def test_every_judgment_is_counted(finished):
    """A judgment that is lost on the way to a table would shift a mean silently."""
    runs = ["sft", *[f"cells/{cell}" for cell in (DPO, TRAINED, DIVERGED, DLRML, LEARNED)]]
    scores = {
        evaluation: {
            run: read_lines(finished.results / run / "scores" / f"{evaluation}.jsonl") for run in runs
        }
        for evaluation in ("mt_bench", "alpaca_eval", "summaries")
    }
    first = {
        evaluation: [sum(row["repeat"] == 0 for row in rows) for rows in by_run.values()]
        for evaluation, by_run in scores.items()
    }
    # 80 questions of two turns; 10 instructions, of which the SFT model's answers are the baseline; 10 posts
    # against the human summary and, but for itself, the SFT model's.
    assert first == {
        "mt_bench": [160] * 6,
        "alpaca_eval": [0, 10, 10, 10, 10, 10],
        "summaries": [10, 20, 20, 20, 20, 20],
    }
    judge = pd.read_csv(finished.results / "tables/judge.csv").set_index("evaluation")
    for evaluation, by_run in scores.items():
        states = Counter(row["state"] for rows in by_run.values() for row in rows if row["repeat"] == 0)
        counted = judge.loc[evaluation, ["n_ok", "n_parse_error", "n_api_error"]]
        assert list(counted) == [states[state] for state in ("ok", "parse_error", "api_error")]
        shards = sorted((finished.results / "judgments" / evaluation).iterdir())
        assert sum(len(read_lines(shard)) for shard in shards) == sum(map(len, by_run.values()))
    leaderboard = pd.read_csv(finished.results / "tables/leaderboard.csv").set_index("cell")
    assert (leaderboard["n_ok"] + leaderboard["n_error"] == 10).all()


def test_every_judging_job_is_in_the_table_of_costs(finished):
    """A table that is written while judges are still asked lacks what they took."""
    costs = pd.read_csv(finished.results / "tables/costs.csv")
    jobs = sorted(costs.loc[costs["rule"] == "judge_responses", "run"])
    evaluations = ("alpaca_eval", "mt_bench", "summaries")
    assert jobs == [f"{evaluation}/shard~{shard}" for evaluation in evaluations for shard in (0, 1)]


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
    judged = f"results/tiny/cells/{ALIAS}/scores/mt_bench.jsonl"
    assert workflow.plan(judged) == {"score_judgments": 1}
    workflow.run(f"results/tiny/cells/{ALIAS}/scores/frontier.jsonl", judged)
    for file in (
        "policy/model.safetensors",
        "health.json",
        "responses/heldout.jsonl",
        "responses/judged.jsonl",
        "scores/frontier.jsonl",
        "scores/mt_bench.jsonl",
    ):
        assert (folder / file).read_bytes() == (workflow.get_cell(TRAINED) / file).read_bytes()
    assert workflow.plan() == {}


def test_checkpoints_are_gone_after_success(finished):
    """Left-over checkpoints of 7B runs would fill the disk."""
    assert not list((finished.folder / "results").rglob("checkpoints"))
