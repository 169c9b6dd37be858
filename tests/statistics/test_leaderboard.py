"""The leaderboard's rows and counts, and what every question adds, on judgments worked out by hand and published."""

import numpy as np
import pandas as pd
import pytest

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.leaderboard import collect_leaderboard
from lossgrid.statistics.length_control import control_length, standardise_lengths
from lossgrid.statistics.official_questions import read_official_questions
from lossgrid.statistics.study_difficulty import fit_difficulty

SFT = {"cell": "sft", "objective": "sft", "title": "SFT", "label": "SFT", "seed": None}
DPO = {"cell": "dpo/beta~0.1/seed~1", "objective": "dpo", "title": "DPO", "label": "β = 0.1", "seed": 1}
IPO = {"cell": "ipo/beta~0.1/seed~1", "objective": "ipo", "title": "IPO", "label": "β = 0.1", "seed": 1}


def score(id, preference=None, state="ok", len_baseline=100, len_model=150, repeat=0):
    """A score row as the judging step writes it."""
    return {
        "id": id,
        "dataset": "",
        "swapped": False,
        "repeat": repeat,
        "state": state,
        "preference": preference,
        "len_baseline": len_baseline,
        "len_model": len_model,
        "error": None if state == "ok" else "broken",
        "key": f"{id}-{repeat}",
    }


def make_scores(seed, n=40):
    """Judgments of a run on n prompts with lengths that differ from prompt to prompt."""
    rng = np.random.default_rng(seed)
    prompts = np.random.default_rng(0)
    return [
        score(
            f"q{index}",
            float(rng.uniform(1, 2)),
            "ok",
            int(prompts.integers(50, 500)),
            int(rng.integers(50, 500)),
        )
        for index in range(n)
    ]


def test_counts_and_rates_by_hand():
    """1, 2 and 1.5 of five questions; one answer could not be read and one never came. The second questions of the
    self-consistency sample would make 4 wins of 5. (0 + 1 + ½)/3 = 50 %, SE = √(¼)/√3.
    """
    rows = [
        score("a", 1.0, len_model=10),
        score("b", 2.0, len_model=21),
        score("c", 1.5, len_model=30),
        score("d", state="parse_error", len_model=40),
        score("e", state="api_error", len_model=52),
        *(score("b", 2.0, repeat=repeat) for repeat in (1, 2)),
    ]
    leaderboard, questions = collect_leaderboard([DPO], {DPO["cell"]: rows})
    (row,) = leaderboard.to_dict("records")
    expected = {
        "cell": DPO["cell"],
        "objective": "dpo",
        "title": "DPO",
        "label": "β = 0.1",
        "seed": 1,
        "win_rate": 50.0,
        "n_wins": 1,
        "n_wins_base": 1,
        "n_draws": 1,
        "n_total": 3,
        "discrete_win_rate": 50.0,
        "mode": "study",
        # 153/5 = 30.6, cut.
        "avg_length": 30,
        "lc_C": 2.782559402207126,
        "n_ok": 3,
        "n_parse_error": 1,
        "n_api_error": 1,
        "n_error": 2,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["standard_error"] == pytest.approx(100 * 0.5 / np.sqrt(3), abs=1e-9)
    wins = questions.set_index("id")["win"]
    assert wins.dropna().to_dict() == {"a": 0.0, "b": 100.0, "c": 50.0}
    assert wins.index.tolist() == list("abcde")


def test_the_baseline_has_half_of_everything():
    """The SFT model against itself is judged by nobody; it must still be the line that others are read against."""
    leaderboard, questions = collect_leaderboard([SFT, DPO], {DPO["cell"]: make_scores(1)}, baseline="sft")
    row = leaderboard.set_index("cell").loc["sft"]
    assert (row["win_rate"], row["standard_error"], row["discrete_win_rate"]) == (50, 0, 50)
    assert (row["lc_study"], row["lc_study_standard_error"]) == (50, 0)
    assert (row["n_draws"], row["n_total"], row["n_ok"], row["n_error"]) == (40, 40, 40, 0)
    assert row["avg_length"] == int(np.mean([each["len_baseline"] for each in make_scores(1)]))
    assert pd.isna(row["seed"])
    own = questions[questions["cell"] == "sft"]
    assert (own[["win", "lc"]] == 50).all(axis=None)
    assert len(own) == 40


def test_other_prompts_get_a_rate_of_the_study():
    """Difficulties over all trained runs; the baseline's draws do not belong to them."""
    scores = {DPO["cell"]: make_scores(1), IPO["cell"]: make_scores(2)}
    leaderboard, _ = collect_leaderboard([SFT, DPO, IPO], scores, baseline="sft", C=2.0)
    tables = [pd.DataFrame(each) for each in scores.values()]
    lengths = np.array([standardise_lengths(each["len_baseline"], each["len_model"]) for each in tables])
    difficulty = fit_difficulty(np.array([each["preference"] for each in tables]), lengths)
    for run, table in zip((DPO, IPO), tables, strict=True):
        expected = control_length(
            table["preference"], table["len_baseline"], table["len_model"], difficulty, None, C=2.0
        )
        row = leaderboard.set_index("cell").loc[run["cell"]]
        assert row["lc_study"] == pytest.approx(expected.win_rate, abs=1e-9)
        assert row["lc_study_standard_error"] == pytest.approx(expected.standard_error, abs=1e-9)
    assert "length_controlled_winrate" not in leaderboard


def test_the_questions_hold_the_rates_and_their_errors():
    """Differences between runs are made of the questions alone: their means must be the leaderboard's."""
    scores = {DPO["cell"]: make_scores(1), IPO["cell"]: make_scores(2)}
    scores[IPO["cell"]][5] |= {"state": "parse_error", "preference": None}
    leaderboard, questions = collect_leaderboard([DPO, IPO], scores)
    for row in leaderboard.to_dict("records"):
        own = questions[questions["cell"] == row["cell"]]
        for values, rate, error in (
            (own["win"].dropna(), "win_rate", "standard_error"),
            (own["lc"], "lc_study", "lc_study_standard_error"),
        ):
            estimate = estimate_mean(values, range(len(values)))
            assert estimate.value == pytest.approx(row[rate], abs=1e-9)
            assert estimate.standard_error == pytest.approx(row[error], abs=1e-9)


def test_a_run_without_any_judgment_is_listed():
    """Its server was down: dropped, it would be missed by nobody; taken for a run, it would stop all others."""
    failed = [score(f"q{index}", state="api_error") for index in range(40)]
    leaderboard, questions = collect_leaderboard(
        [DPO, IPO], {DPO["cell"]: make_scores(1), IPO["cell"]: failed}
    )
    row = leaderboard.set_index("cell").loc[IPO["cell"]]
    assert (row["n_ok"], row["n_error"], row["n_total"]) == (0, 40, 0)
    assert row[["win_rate", "lc_study", "lc_study_standard_error"]].isna().all()
    assert questions.loc[questions["cell"] == IPO["cell"], ["win", "lc"]].isna().all(axis=None)
    alone, _ = collect_leaderboard([DPO], {DPO["cell"]: make_scores(1)})
    assert alone["lc_study"].item() == leaderboard["lc_study"].iloc[0]


def test_published_models_have_their_published_rows(fixtures):
    """The fixtures' models as cells of a study on the official questions: AlpacaEval's columns, to the digits that
    the tests of win rates and of length control justify.
    """
    annotations = pd.read_csv(fixtures / "alpaca_eval" / "annotations.csv.gz")
    expected = pd.read_csv(fixtures / "alpaca_eval" / "expected.csv").set_index("model")
    models = ["claude-2.1", "OpenHermes-2.5-Mistral-7B", "gpt-3.5-turbo-1106_verbose"]
    scores = {
        model: [
            score(int(row.index_), row.preference, "ok", row.len_1, row.len_2)
            for row in rows.rename(columns={"index": "index_"}).itertuples()
        ]
        for model, rows in annotations.groupby("model")
        if model in models
    }
    official = read_official_questions(fixtures / "alpaca_eval" / "df_gamed_RECONSTRUCTED.csv")
    runs = [{**DPO, "cell": model} for model in models]
    leaderboard, questions = collect_leaderboard(runs, scores, official)
    table = leaderboard.set_index("cell")
    for model in models:
        for name in (
            "win_rate",
            "standard_error",
            "discrete_win_rate",
            "n_wins",
            "n_wins_base",
            "n_draws",
            "n_total",
        ):
            assert table.loc[model, name] == pytest.approx(expected.loc[model, name], abs=1e-9), (model, name)
        published = expected.loc[model, "length_controlled_winrate"]
        assert table.loc[model, "length_controlled_winrate"] == pytest.approx(published, abs=0.005), model
        assert table.loc[model, "avg_length"] == expected.loc[model, "avg_length"]
    assert "lc_study" not in table
    assert len(questions) == 3 * 805


def read_official_scores(file, model) -> dict[str, list[dict]]:
    """Stored judgments of AlpacaEval's questions as score rows, failed ones with their state."""
    rows = pd.read_csv(file)
    return {
        model: [
            score(int(place), preference, "parse_error" if np.isnan(preference) else "ok", *lengths)
            for place, preference, *lengths in rows.loc[
                rows["model"] == model, ["index", "preference", "len_1", "len_2"]
            ].itertuples(index=False)
        ]
    }


def test_only_a_question_without_a_row_shifts_the_row_alignment(fixtures):
    """gpt35_turbo_instruct has 804 rows of 805: 14.96 by question, and the published 17.73 by row. DiscoPOP's DBAQL
    has 805 with 38 failed judgments, and its published rate is 54.396: upstream counts failed rows too. Without
    them it would be 54.888. 0.01 is what the fits leave (see the tests of length control).
    """
    official = read_official_questions(fixtures / "alpaca_eval" / "df_gamed_RECONSTRUCTED.csv")
    expected = pd.read_csv(fixtures / "alpaca_eval" / "expected.csv").set_index("model")
    files = {
        "gpt35_turbo_instruct": fixtures / "alpaca_eval" / "annotations.csv.gz",
        "zephyr-7b-g-dbaql": fixtures / "discopop" / "alpacaeval2_vs_sft_annotations.csv.gz",
    }
    rates = {}
    for model, file in files.items():
        C = expected["C_deduced_from_weights"].get(model, 2.782559402207126)
        for alignment in ("question", "row"):
            leaderboard, _ = collect_leaderboard(
                [{**DPO, "cell": model}], read_official_scores(file, model), official, None, C, alignment
            )
            rates[model, alignment] = leaderboard["length_controlled_winrate"].item()
            assert leaderboard["n_error"].item() == (38 if "dbaql" in model else 0)
    assert rates["gpt35_turbo_instruct", "question"] == pytest.approx(14.96, abs=0.01)
    assert rates["gpt35_turbo_instruct", "row"] == pytest.approx(17.73, abs=0.01)
    assert rates["zephyr-7b-g-dbaql", "row"] == pytest.approx(54.396, abs=0.01)
    assert rates["zephyr-7b-g-dbaql", "question"] == rates["zephyr-7b-g-dbaql", "row"]


@pytest.mark.parametrize(
    ("runs", "scores", "message"),
    [
        ([SFT], {}, "sft: no AlpacaEval scores; judge it, or name it as the baseline"),
        ([DPO], {DPO["cell"]: [score("a", 1.5), score("a", 1.5)]}, "question 'a' was judged twice"),
        (
            [DPO, IPO],
            {DPO["cell"]: make_scores(1), IPO["cell"]: make_scores(2)[1:]},
            "ipo/beta~0.1/seed~1 and dpo/beta~0.1/seed~1 answered different prompts",
        ),
    ],
)
def test_incomplete_scores_are_refused(runs, scores, message):
    """A run with other questions than the others' would be compared by them."""
    with pytest.raises(ValueError, match=message):
        collect_leaderboard(runs, scores)


def test_a_baseline_alone_is_no_leaderboard():
    """Without a run there are no questions that it could have drawn."""
    with pytest.raises(ValueError, match="sft: the baseline alone is no leaderboard"):
        collect_leaderboard([SFT], {}, baseline="sft")


def test_official_questions_are_known_by_their_place(fixtures):
    """Prompts of a study's own, taken for the official ones, would get others' difficulties."""
    official = read_official_questions(fixtures / "alpaca_eval" / "df_gamed_RECONSTRUCTED.csv")
    for unknown in ("q0", 805, -1):
        with pytest.raises(ValueError, match=f"question {unknown} is none of the 805 official ones"):
            collect_leaderboard([DPO], {DPO["cell"]: [score(unknown, 1.2), score(1, 1.8)]}, official)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index,std_delta_len,preference\n0,1,0.5\n", "no column instruction_difficulty"),
        (
            "index,std_delta_len,instruction_difficulty,preference\n1,1,0,0.5\n",
            "its questions are not numbered from 0 in order",
        ),
    ],
)
def test_another_file_is_no_set_of_gamed_rows(tmp_path, text, message):
    """The data set holds several tables of the same length."""
    (tmp_path / "gamed.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_official_questions(tmp_path / "gamed.csv")
