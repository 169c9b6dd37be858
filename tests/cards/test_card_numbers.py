"""The numbers of a card, from tables made up row by row."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from lossgrid.cards.measured import Tables
from lossgrid.cards.sections import (
    describe_health,
    describe_measured,
    describe_objective,
    describe_training,
    warn_of_divergence,
)
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import get_cells, load_study, reward

STUDY = """\
title: Small
world: {{kind: reviews, corpus_chats: 16, pairs: 96, heldout_chats: 6}}
sft: {{learning_rate: 1e-3, epochs: 1, batch_size: 16, max_length: 160}}
training: {{learning_rate: 1e-3, epochs: 1, batch_size: 16, max_length: 160}}
{judge}
objectives:
  dpo: {{beta: 0.1}}
  dlrml: {{beta_kl: 0.1, beta_mix: 0.02}}
  dlrml_learned: {{beta_kl: 0.1, beta_mix: 0.02}}
"""
JUDGE = """\
judge: {model: gpt-of-old, base_url: "https://api.example.org/v1", date: 2025-03}
mt_bench: {mode: pairwise}
summaries: {opponents: human, rows: 10}
"""
DPO = "dpo/beta~0.1/seed~1"
HEALTH = {"status": "finished", "healthy": True, "steps": 6, "planned_steps": 6, "nonfinite_steps": 0}


@pytest.fixture
def make_tables(tmp_path):
    """Writes tables of the small study and reads them back: `make_tables(judge, cells=[…], …)`."""

    def make(judging: str = "", **rows: list[dict]) -> Tables:
        file = tmp_path / "small.yaml"
        file.write_text(STUDY.format(judge=judging))
        for name, content in rows.items():
            pd.DataFrame(content).to_csv(tmp_path / f"{name}.csv", index=False)
        return Tables(load_study(file), tmp_path)

    return make


def test_a_study_without_a_reward_says_how_far_the_judge_puts_it_from_sft(make_tables, monkeypatch):
    """The number that its claims are about belongs on its card, and no reward of nobody's."""
    monkeypatch.setattr(reward, "OPTIONAL", {"reviews"})
    row = {"cell": DPO, **HEALTH, "n": 512, "chats": 256, "kl": 3.0, "kl_se": 0.1, "alias_of": None}
    ending = {"": 0.5, "_se": 0.1, "_n": 158, "_clusters": 80}
    row |= {f"summary_win_rate_human_minus_sft{name}": value for name, value in ending.items()}
    tables = {
        name: [{"cell": "none", "category": "all", "turn": "all"}]
        for name in ("mt_bench", "summaries", "judge", "judge_costs")
    }
    divergence, difference = make_tables(JUDGE, cells=[row], **tables).measure(DPO)
    assert (divergence.kind, difference.kind) == ("kl", "summary_win_rate_human_minus_sft")
    assert difference.name == "win rate over human summaries less the SFT model's, paired, percentage points"
    assert (difference.value, difference.n, difference.judged) == (
        0.5,
        "158 pairs of summaries of 80 posts",
        True,
    )
    # t with 79 degrees of freedom: 1.9905 × 0.1.
    assert difference.low == pytest.approx(0.5 - 0.19905, abs=1e-5)


def test_the_training_of_another_world_is_described_by_its_settings(make_tables):
    """A model from the Hub is found again by its name and revision alone."""
    study = make_tables(cells=[{"cell": DPO}]).study
    settings = {"kind": "hub", "model": {"name": "a/b", "revision": "c0ffee"}, "pairs": 100}
    world = SimpleNamespace(kind="hub", model_dump=lambda **_: settings)
    other = SimpleNamespace(**dict(study) | {"world": world})
    pairs = {"kept": 90, "digest": "d" * 64, "truncated_responses": 2}
    text = describe_training(other, get_cells(study)[0], pairs, "results/small")
    assert "| model.name | a/b |" in text
    assert "| model.revision | c0ffee |" in text
    assert "90 preference pairs of the hub world (digest `dddddddddddddddd`; 2 responses cut" in text
    assert "true reward" not in text
    assert "Seeds: 1 of this training, 1 of the SFT model, 1 of the sampling." in text


def test_an_interval_is_that_of_the_tables_of_differences(make_tables):
    """A card with narrower intervals than the paper's would contradict it.

    t with 255 degrees of freedom: 1.9693 × 0.1.
    """
    row = {"cell": DPO, **HEALTH, "n": 512, "chats": 256, "reward": 1.5, "reward_se": 0.1, "alias_of": None}
    (reward,) = make_tables(cells=[row]).measure(DPO)
    assert (reward.kind, reward.value, reward.n) == ("reward", 1.5, "512 responses in 256 chats")
    assert (reward.low, reward.high) == (
        pytest.approx(1.5 - 0.19693, abs=1e-5),
        pytest.approx(1.69693, abs=1e-5),
    )


def test_what_was_not_measured_is_absent(make_tables):
    """A zero or a nan in a list of results would be read as a result."""
    row = {
        "cell": DPO,
        **HEALTH,
        "n": 4,
        "chats": 1,
        "reward": 0.5,
        "reward_se": math.nan,
        "kl": math.nan,
        "alias_of": None,
    }
    (reward,) = make_tables(cells=[row]).measure(DPO)
    assert (reward.kind, reward.value) == ("reward", 0.5)
    assert math.isnan(reward.low)
    text = describe_measured([reward], {})
    assert "| 0.5 | none | 4 responses in 1 chats |" in text
    assert "nan" not in text
    assert "judge" not in text
    assert "Nothing was measured" in describe_measured([], {})


def test_comparisons_in_pairs_and_missing_verdicts_are_said(make_tables):
    """A share printed as per cent, or an n that hides what the judge did not answer, would be another result."""
    states = {"n_ok": 150, "n_parse_error": 8, "n_api_error": 2}
    names = {"cell": DPO, "turn": "all", "category": "all", "baseline": "sft"}
    pairs = {**names, "win_rate": 0.625, "win_rate_se": 0.02, "questions": 80, **states}
    first = {**pairs, "turn": "1", "win_rate": 0.1}
    summary = {
        "cell": DPO,
        "opponent": "human",
        "win_rate": 44.0,
        "standard_error": 4.0,
        "posts": 60,
        **states,
    }
    judge = {
        "evaluation": "mt_bench",
        "model": "gpt-of-old",
        "server": "https://api.example.org/v1",
        "date": "2025-03",
    }
    tables = make_tables(
        JUDGE,
        cells=[{"cell": DPO, **HEALTH, "n": 4, "chats": 2, "alias_of": None}],
        mt_bench=[first, pairs],
        summaries=[summary],
        judge=[judge],
        judge_costs=[
            {"asked_from": "2025-03-01", "asked_to": "2025-03-02"},
            {"asked_from": None, "asked_to": None},
        ],
    )
    rate, summaries = tables.measure(DPO)
    assert (rate.value, rate.n) == (62.5, "150 answers to 80 questions, 10 without a verdict")
    # t with 79 degrees of freedom: 1.9905 × 2.
    assert (rate.low, rate.high) == (pytest.approx(58.519, abs=1e-3), pytest.approx(66.481, abs=1e-3))
    assert (summaries.value, summaries.n) == (44.0, "150 summaries of 60 posts, 10 without a verdict")
    text = describe_measured([rate, summaries], tables.get_judge())
    assert (
        "gpt-of-old (`https://api.example.org/v1`), by the study of 2025-03, asked from 2025-03-01 to 2025-03-02."
        in text
    )


def test_a_study_without_a_judge_names_none(make_tables):
    """Nobody judged it."""
    assert make_tables(cells=[{"cell": DPO, "alias_of": None}]).get_judge() == {}


def test_a_cell_that_is_not_in_the_table_is_an_error(make_tables):
    """A card of nothing would be written."""
    with pytest.raises(KeyError, match=r"no row of dpo/beta~0\.2/seed~1; write the table anew"):
        make_tables(cells=[{"cell": DPO, "alias_of": None}]).get_cell("dpo/beta~0.2/seed~1")


def test_r_is_given_where_a_loss_is_modulated(make_tables):
    """Its r says on which side of the border a setting lies: 0.02/(0.05·0.1) = 4, and 0.04/(0.05·0.1) = 8."""
    study = make_tables(cells=[{"cell": DPO, "alias_of": None}]).study
    cells = {cell.objective: cell for cell in get_cells(study)}
    texts = {
        name: describe_objective(
            CATALOGUE[name], cells[name], {"final_beta_mix": 0.04} if "learned" in name else {}
        )
        for name in cells
    }
    assert "r = β_mix" not in texts["dpo"]
    assert "softplus(−βρ)" in texts["dpo"]
    assert "| beta | 0.1 |" in texts["dpo"]
    assert "r = β_mix/(τ·β_kl) = 4: it" in texts["dlrml"]
    assert "r = β_mix/(τ·β_kl) = 4, at the end 8: it" in texts["dlrml_learned"]
    assert "beta_mix was trained beside the policy, from 0.02 to 0.04." in texts["dlrml_learned"]
    # Its formula is told by naming another loss.
    assert CATALOGUE["dlrml"].formula in texts["dlrml_learned"]


def test_health_says_the_first_bad_step():
    """Where a run broke is what its card is read for."""
    bad = {
        "status": "diverged",
        "healthy": False,
        "steps": 47,
        "planned_steps": 128,
        "first_nonfinite_step": 47,
    }
    assert warn_of_divergence(bad).startswith("> **This run diverged** after 47 of 128 steps: no reason")
    assert "| the first of them | 47 |" in describe_health(bad)
    assert "| every loss and gradient finite | no |" in describe_health(bad)
    assert warn_of_divergence(HEALTH) == ""
    assert "first of them" not in describe_health(HEALTH)
