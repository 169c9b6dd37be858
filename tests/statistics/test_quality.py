"""What runs are ranked by where the study has no reward: its judge's scores, paired with the SFT model's."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from judgment_files import write_alpaca_eval, write_mt_bench, write_rows, write_summaries

from lossgrid.statistics.cells_table import HEALTH_COLUMNS, collect_cells
from lossgrid.statistics.claims import evaluate_claims
from lossgrid.statistics.comparisons import compare_cells
from lossgrid.statistics.judged_metrics import get_metric
from lossgrid.statistics.predictions import compare_predictions
from lossgrid.statistics.quality import TRUE_REWARD, get_quality
from lossgrid.studies import StudyError, load_study, reward
from lossgrid.studies.claims import choose_primary_metric, get_evaluated_metrics, get_primary_evaluation
from lossgrid.studies.reward import KNOWN_REWARD, describe_reward, has_reward

STUDY = """\
title: A study of chats
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 1, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 1, batch_size: 32, max_length: 64}
judge: {model: oracle, base_url: "http://127.0.0.1/v1"}
JUDGED
objectives:
  dpo: {beta: [0.05, 0.25]}
claims:
  - {id: failed, statement: So., kind: proportion_of_runs, cells: "*", event: below_sft, relation: none}
"""
HIGH, LOW = "dpo/beta~0.05/seed~1", "dpo/beta~0.25/seed~1"
RUNS = ["sft", f"cells/{HIGH}", f"cells/{LOW}"]
HEALTH = dict.fromkeys(HEALTH_COLUMNS, 0) | {
    "status": "finished",
    "healthy": True,
    "reason": "",
    "first_nonfinite_step": None,
}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function that loads the study with an evaluation, as if its world knew no reward."""
    monkeypatch.setattr(reward, "OPTIONAL", {"reviews"})

    def load(judged: str = "mt_bench: {}"):
        file = tmp_path / "chats.yaml"
        file.write_text(STUDY.replace("JUDGED", judged), encoding="utf-8")
        return load_study(file)

    return load


@pytest.fixture
def results(tmp_path):
    """Divergences and health of the runs; the judge's scores are each test's own."""
    folder = tmp_path / "results"
    for run in RUNS:
        scores = [
            {"id": chat, "turn": turn, "kl": float(run != "sft"), "tokens": 10, "finished": True}
            | {"kl_reference": 6.0 * chat, "kl_reference_tokens": 20}
            for chat in (1, 2)
            for turn in (1, 2)
        ]
        write_rows(folder / run / "scores" / "frontier.jsonl", scores)
        (folder / run / "health.json").write_text(json.dumps(HEALTH))
    return folder


def write_ratings(results) -> None:
    """Two of three questions lose a point or two in the second cell; the first one's third cannot be read."""
    write_mt_bench(results, "sft", {1: (5.0, 5.0), 2: (6.0, 6.0), 3: (7.0, 7.0)})
    write_mt_bench(results, f"cells/{HIGH}", {1: (6.0, 6.0), 2: (7.0, 7.0), 3: (9.0, None)})
    write_mt_bench(results, f"cells/{LOW}", {1: (4.0, 4.0), 2: (4.9, 4.9), 3: (5.9, 5.9)})


def make_world(**changes) -> SimpleNamespace:
    return SimpleNamespace(world=SimpleNamespace(**{"kind": "hub", "reward": None, **changes}))


def test_a_world_has_a_reward_by_itself_or_by_a_classifier():
    """A study that is taken to have one fails after its training, at a key that no file holds."""
    assert has_reward(make_world(kind="reviews"))
    assert not has_reward(make_world())
    assert has_reward(make_world(reward=SimpleNamespace(label="POSITIVE")))
    raw = {"world": {"kind": "hub"}}
    assert not has_reward(raw)
    assert has_reward({"world": {"kind": "hub", "reward": {"label": "POSITIVE"}}})
    # What is no world is reported as that, and no claim about a reward beside it.
    assert all(has_reward(study) for study in ({}, {"world": 5}, {"world": {}}))
    assert get_evaluated_metrics({**raw, "mt_bench": {}}) == ["kl", "mt_bench"]


def test_a_reward_has_the_unit_of_what_gives_it():
    """A probability of 0.9 beside "points" is read as nine tenths of a word of liking."""
    assert describe_reward(make_world(kind="reviews")) == KNOWN_REWARD
    assert describe_reward(make_world()) is None
    study = make_world(reward=SimpleNamespace(label="POSITIVE"))
    assert describe_reward(study).unit == "P(POSITIVE)"
    assert get_metric(study, "reward").unit == "P(POSITIVE)"
    assert get_metric(make_world(kind="reviews"), "reward").unit == "points"


@pytest.mark.parametrize(
    ("blocks", "metric", "evaluation"),
    [
        ({}, None, None),
        ({"mt_bench": {"mode": "pairwise"}}, None, None),
        ({"mt_bench": {}, "alpaca_eval": {}}, "mt_bench", "mt_bench"),
        ({"mt_bench": {"mode": "pairwise"}, "alpaca_eval": {}}, "lc_win_rate", "alpaca_eval"),
        ({"summaries": {}}, "summary_win_rate_sft", "summaries"),
        ({"summaries": {"opponents": "human"}}, "summary_win_rate_human", "summaries"),
    ],
)
def test_one_metric_is_primary(blocks, metric, evaluation):
    """Two parts of the report that ranked by different metrics would contradict each other."""
    without = {"world": {"kind": "hub", "reward": None}, **blocks}
    assert choose_primary_metric(get_evaluated_metrics(without)) == metric
    assert get_primary_evaluation(without) == evaluation
    known = {**without, "world": {"kind": "reviews"}}
    assert choose_primary_metric(get_evaluated_metrics(known)) == "reward"
    assert get_primary_evaluation(known) is None


def test_the_words_of_a_reviews_study_are_those_of_old(load, monkeypatch):
    """The figures of `mini` keep their axes."""
    monkeypatch.undo()
    assert get_quality(load()) == TRUE_REWARD
    assert TRUE_REWARD.axis == "true reward of a response, points"


def test_ratings_by_hand(load, results):
    """The first cell: 6, 6 | 7, 7 | 9 are 35/5 = 7 over five answers to three questions. Less SFT's 5, 5 | 6, 6 | 7:
    1, 1 | 1, 1 | 2, mean 6/5, the questions' sums of deviations −2/5, −2/5, 4/5, SE = √(3/2 · (24/25)/25) = 0.24.
    """
    write_ratings(results)
    table = collect_cells(load(), results).set_index("cell")
    row = table.loc[HIGH]
    expected = {
        "mt_bench": 7, "mt_bench_n": 5, "mt_bench_clusters": 3, "mt_bench_minus_sft": 1.2,
        "mt_bench_minus_sft_se": 0.24, "mt_bench_minus_sft_n": 5, "mt_bench_minus_sft_clusters": 3,
    }  # fmt: skip
    assert {key: row[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    assert not [column for column in table if column.startswith("reward")]
    assert table.loc["sft", ["mt_bench", "mt_bench_minus_sft", "mt_bench_minus_sft_se"]].tolist() == [6, 0, 0]
    # 6 and 12 nats a chat's turn over 20 positions each: 36 over 80, residuals −6 and 6, SE = √(2·72)/80 = 0.15.
    assert row[["kl_reference_per_token", "kl_reference_per_token_se"]].tolist() == pytest.approx(
        [0.45, 0.15]
    )


def test_below_sft_is_by_the_judge(load, results):
    """The second cell loses 1, 1.1 and 1.1 points: its interval, t of 4.30 and an SE of 0.033, lies below 0."""
    write_ratings(results)
    study = load()
    cells = collect_cells(study, results)
    (claim,) = evaluate_claims(study, results, cells).to_dict("records")
    assert (claim["verdict"], claim["effect"], claim["n"]) == ("refuted", 0.5, 2)
    assert "1 of 2 runs ended below the SFT model's MT-Bench with their whole interval" in claim["detail"]
    compared = compare_cells(study, results, cells)
    assert set(compared["metric"]) == {"mt_bench"}
    # With the baseline, which is the first DPO, and with SFT in any case.
    assert list(compared["baseline"]) == ["dpo/beta~0.05", "sft", "sft"]
    low = compared.set_index(["setting", "baseline"]).loc[("dpo/beta~0.25", "sft")]
    row = cells.set_index("cell").loc[LOW]
    assert low["difference"] == row["mt_bench_minus_sft"] == pytest.approx(-6.4 / 6)
    assert low["se"] == row["mt_bench_minus_sft_se"]


def test_predictions_stand_beside_the_judge_s_scores(load, results):
    """The audit's forecasts need an outcome of every study, and no outcome where nothing was scored."""
    write_ratings(results)
    study = load()
    cells = collect_cells(study, results)
    audit = pd.DataFrame(
        {"objective": "dpo", "setting": ["beta~0.05", "beta~0.25"], "start": "right", "trap_rho": np.nan}
    ).assign(left_limit_float32=np.nan)
    logs = {cell: [{"rho_median": 0.1}] * 16 for cell in (HIGH, LOW)}
    table = compare_predictions(audit, cells, logs, get_quality(study)).set_index("cell")
    assert table["mt_bench_against_sft"].to_dict() == {HIGH: "above", LOW: "below"}
    assert not [column for column in compare_predictions(audit, cells, logs, None) if "sft" in column]


def test_win_rates_lie_about_the_sft_model_s_half(load, results):
    """Against SFT itself, SFT has 50; a question without a judgment is in the mean and in no count."""
    rows = [(cell, question, 50.0, 50.0) for cell in ["sft"] for question in "abc"]
    rows += [
        (HIGH, question, win, lc)
        for question, win, lc in zip("abc", (80, 70, np.nan), (60, 70, 65), strict=True)
    ]
    rows += [
        (LOW, question, win, lc) for question, win, lc in zip("abc", (40, 30, 35), (20, 21, 22), strict=True)
    ]
    write_alpaca_eval(results, rows)
    study = load("alpaca_eval: {prompts: 20}")
    row = collect_cells(study, results).set_index("cell").loc[HIGH]
    assert row[["lc_win_rate", "lc_win_rate_n", "lc_win_rate_minus_sft", "lc_win_rate_minus_sft_n"]].tolist() == [
        65, 2, 15, 2,
    ]  # fmt: skip
    assert get_quality(study).axis == "length-controlled win rate over the SFT model, %"


def test_summaries_are_clustered_by_post(load, results):
    """Two rows of a post are one post: 100, 50 | 0 over SFT's is 50, with the post's sums 50 and −50."""
    for run, preferences in ((f"cells/{HIGH}", (2.0, 1.5, 1.0)), (f"cells/{LOW}", (1.0, 1.0, 1.0))):
        rows = [("a", 0, "sft", False), ("a", 1, "sft", False), ("b", 2, "sft", False)]
        write_summaries(results, run, [(*row, value) for row, value in zip(rows, preferences, strict=True)])
    table = collect_cells(load("summaries: {rows: 10, opponents: sft}"), results).set_index("cell")
    columns = [f"summary_win_rate_sft{ending}" for ending in ("", "_se", "_n", "_clusters", "_minus_sft")]
    assert table.loc[HIGH, columns].tolist() == pytest.approx([50, np.sqrt(2 * 5000) / 3, 3, 2, 0])
    assert table.loc["sft", columns[0]] == 50


def test_a_claim_that_nothing_measures_is_refused_before_anything_runs(load):
    """It would be answered after days, by a missing column."""
    with pytest.raises(StudyError) as told:
        load("mt_bench: {mode: pairwise}")
    (line,) = told.value.lines
    assert (
        "claims[0].event: 'below_sft': needs a reward or a judge; add world.reward, mt_bench in mode single"
        in line
    )
    # A bound on a reward that nothing gives.
    text = 'kind: proportion_of_runs, cells: "*", event: below_sft, relation: none'
    bound = 'kind: bound, cells: "*", metric: reward, at_most: 1'
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "STUDY", STUDY.replace(text, bound))
        with pytest.raises(
            StudyError, match="metric: 'reward': is not measured by this study; add a classifier in "
        ):
            load()
