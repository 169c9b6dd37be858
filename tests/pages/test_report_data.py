"""What the report holds: numbers of the tables, the same questions for all cells, what became of each training."""

import json
import math

import pandas as pd
import pytest

from lossgrid.pages.report.data import gather_report
from lossgrid.pages.report.leaderboard import gather_rows
from lossgrid.pages.report.provenance import describe_repositories, gather_judge_card
from lossgrid.pages.report.samples import CUT, FEWEST_CHARACTERS, cut, gather_samples, read_lines
from lossgrid.pages.report.tables import get_interval
from lossgrid.pages.report.timelines import FEWEST, gather_timelines, thin_out
from lossgrid.statistics.judge_card import describe_card
from lossgrid.statistics.leaderboard import OFFICIAL_COLUMNS, STUDY_COLUMNS
from lossgrid.studies import load_study, reward
from lossgrid.studies.lock import Lock, LockedDataset, LockedModel
from tests.cluster.working_copy import ROOT
from tests.figures.made_up_card import FILES, make_card_rows
from tests.pages.made_results import make_results, make_study, make_unjudged_results

DPO = "dpo/beta~0.05/seed~1"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study file with results."""
    folder = tmp_path_factory.mktemp("made")
    file = make_study(folder, [1, 2], [0.05, 0.25])
    return file, make_results(folder, file)


@pytest.fixture
def change_table(made, tmp_path):
    """The tables, one of them changed; their folder."""

    def change(name, function):
        for file in (made[1] / "tables").glob("*.csv"):
            table = pd.read_csv(file, keep_default_na=False, na_values=[""])
            (function(table) if file.stem == name else table).to_csv(tmp_path / file.name, index=False)
        return tmp_path

    return change


def test_an_interval_is_of_95_percent():
    """By hand: 2 ± 1.96 · 0.5 = 1.02 to 2.98; without an error it is the mean alone, without a mean nothing."""
    interval = get_interval(2.0, 0.5)
    assert interval["low"] == pytest.approx(1.02, abs=1e-4)
    assert interval["high"] == pytest.approx(2.98, abs=1e-4)
    assert get_interval(2.0, math.nan) == {"value": 2.0, "low": 2.0, "high": 2.0}
    assert get_interval(math.nan, 0.5) is None


def test_a_row_has_the_numbers_of_the_tables(made):
    """Who reads the page and who reads the tables must agree."""
    tables = made[1] / "tables"
    row = next(row for row in gather_rows(tables) if row["cell"] == DPO)
    cells = pd.read_csv(tables / "cells.csv").set_index("cell").loc[DPO]
    rates = pd.read_csv(tables / "leaderboard.csv").set_index("cell").loc[DPO]
    assert row["reward"]["value"] == cells.reward
    assert row["lc"]["value"] == rates.lc_study
    assert row["win"]["value"] == rates.win_rate
    assert row["length"] == rates.avg_length
    assert row["n"] == "512 answers, 38 MT-Bench judgments, 158 AlpacaEval judgments"
    # Two and none of MT-Bench, one and one of AlpacaEval.
    assert row["failed"] == 4


def test_win_rates_by_the_published_difficulties_are_shown(change_table):
    """AlpacaEval's own length control has columns of its own."""
    names = dict(zip(STUDY_COLUMNS, OFFICIAL_COLUMNS, strict=True))
    tables = change_table("leaderboard", lambda table: table.rename(columns=names))
    rates = pd.read_csv(tables / "leaderboard.csv").set_index("cell")
    row = next(row for row in gather_rows(tables) if row["cell"] == DPO)
    assert row["lc"]["value"] == rates.loc[DPO, OFFICIAL_COLUMNS[0]]


def test_a_cell_without_judgments_has_its_row(change_table):
    """A shard that failed must not take cells off the page."""
    tables = change_table("leaderboard", lambda table: table[table["cell"] != DPO])
    row = next(row for row in gather_rows(tables) if row["cell"] == DPO)
    assert "lc" not in row
    assert "mt_bench" in row


def test_steps_that_are_not_finite_are_kept():
    """Thinned out evenly, the one step that matters would be gone."""
    records = [{"step": step, "loss": 0.5, "nonfinite": step == 517} for step in range(1000)]
    columns = thin_out(records, 20)
    assert {0, 517, 999} <= set(columns["step"])
    assert len(columns["step"]) == 21
    assert columns["loss"] == [0.5] * 21
    assert thin_out(records[:1], 20)["step"] == [0]
    assert thin_out([], 20)["step"] == []


def test_a_thousand_timelines_are_short(tmp_path):
    """1,000 cells of 500 steps would be tens of megabytes."""
    log = "".join(json.dumps({"step": step, "loss": 0.5}) + "\n" for step in range(200))
    cells = [f"dpo/beta~{number}/seed~1" for number in range(1000)]
    for cell in cells:
        (tmp_path / cell).mkdir(parents=True)
        (tmp_path / cell / "training.jsonl").write_text(log)
    timelines = gather_timelines(tmp_path, [*cells, "ipo/none/seed~1"])
    assert len(timelines) == 1000
    assert all(FEWEST <= len(each["step"]) <= 30 for each in timelines.values())


def test_all_cells_answer_the_same_questions(made):
    """Side by side means the same question."""
    cells = ["sft", DPO]
    samples = gather_samples(made[1], cells)
    assert [question["set"] for question in samples.questions] == [
        *["mt_bench"] * 3, *["alpaca_eval"] * 4, *["heldout"] * 4,
    ]  # fmt: skip
    for answers in samples.answers.values():
        assert [len(turns) for turns in answers] == [2, 2, 2, *[1] * 8]
    assert isinstance(samples.answers[DPO][-1][0]["score"], float)
    # No score where the judge could not be read, and the reason instead.
    assert samples.answers[DPO][0][0]["failed"] == "parse_error: I cannot say."
    assert "score" not in samples.answers[DPO][0][0]


def test_long_texts_are_cut_where_it_is_said():
    """A reader must see that an answer went on."""
    assert cut("short", 160) == "short"
    shown = cut("x" * 1000, FEWEST_CHARACTERS)
    assert len(shown) == FEWEST_CHARACTERS
    assert shown.endswith(CUT)


def test_a_line_ends_at_its_end_only(tmp_path):
    """Models write U+2028 and U+0085, which Python takes for ends of lines."""
    text = "one\u2028two\u0085three"
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": text}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_lines(tmp_path / "a.jsonl") == [{"text": text}]
    assert read_lines(tmp_path / "b.jsonl") == []


def test_the_report_says_where_it_comes_from(made):
    """Numbers without their origin are rumours."""
    file, results = made
    facts = dict(
        gather_report(load_study(file), file, results, ROOT / "requirements.lock")["provenance"]["facts"]
    )
    assert facts["hardware"] == "12 cells by 8 processes on NVIDIA A100-SXM4-80GB"
    assert facts["seeds"].startswith("1, 2 (training)")
    assert "torch 2.13.0" in facts["versions"]
    assert facts["time"] == "12 measured jobs took 0.12 hours one after the other, 0.10 of a processor"
    assert len(facts["commit"].split(",")[0]) == 40


def test_a_study_that_judges_nothing_has_a_report(tmp_path):
    """Many only train."""
    file, results = make_unjudged_results(tmp_path)
    report = gather_report(load_study(file), file, results, ROOT / "requirements.lock")
    assert len(report["rows"]) == 4
    assert report["claims"] == report["categories"] == []
    assert {question["set"] for question in report["samples"]["questions"]} == {"heldout"}
    assert all("score" in turns[0] for turns in report["samples"]["answers"][DPO])
    assert dict(report["provenance"]["facts"])["cells"] == "3"
    assert [measure["key"] for measure in report["measures"]] == ["reward", "kl"]


def test_what_came_from_the_hub_is_named_with_its_commit():
    """A name alone can be another model next month."""
    first, second = "a" * 40, "b" * 40
    model = LockedModel(asked=None, revision=first)
    data = LockedDataset(asked="v1", revision=second, splits={})
    lock = Lock(models={"a/model": model}, datasets={"a/data": data})
    assert describe_repositories(lock) == f"a/model at {first}; a/data at {second}"
    assert describe_repositories(None) == ""


def test_the_judge_card_is_shown_without_its_counts(tmp_path):
    """What has an interval is shown; what cannot be told stays a row, so that nobody looks for it."""
    tables = tmp_path / "tables"
    tables.mkdir()
    assert gather_judge_card(tables) == []
    describe_card(make_card_rows(), FILES, "new").to_csv(tables / "judge_card.csv", index=False)
    rows = gather_judge_card(tables)
    assert {(row["judge"], row["stored_judge"]) for row in rows} == {("new", "gpt-4")}
    assert {"spearman", "kappa", "inconsistent", "longer_preferred"} <= {row["measure"] for row in rows}
    assert not {"asked", "lines"} & {row["measure"] for row in rows}


def test_a_study_without_a_reward_has_a_report(tmp_path, monkeypatch):
    """A page that reads a reward that no world gives would be the only thing missing after days."""
    file = make_study(tmp_path, [1], [0.05])
    results = make_results(tmp_path, file)
    tables = results / "tables"
    cells = pd.read_csv(tables / "cells.csv").drop(columns=["reward", "reward_se"])
    cells.assign(kl_reference_per_token=0.25, kl_reference_per_token_se=0.01).to_csv(
        tables / "cells.csv", index=False
    )
    foretold = pd.read_csv(tables / "predictions.csv")
    foretold.assign(mt_bench_against_sft="below").to_csv(tables / "predictions.csv", index=False)
    for scores in results.glob("**/scores/frontier.jsonl"):
        lines = [json.loads(line) for line in scores.read_text().splitlines()]
        scores.write_text("".join(json.dumps({**line, "reward": None}) + "\n" for line in lines))
    monkeypatch.setattr(reward, "OPTIONAL", {"reviews"})
    report = gather_report(load_study(file), file, results, ROOT / "requirements.lock")
    assert [measure["key"] for measure in report["measures"]] == [
        "lc",
        "win",
        "mt_bench",
        "kl",
        "kl_reference",
    ]
    assert report["quality"] == "MT-Bench"
    assert {row["against_sft"] for row in report["predictions"]} == {"below"}
    row = next(row for row in report["rows"] if row["cell"] == DPO)
    assert "reward" not in row
    assert row["kl_reference"]["value"] == 0.25
    (up,) = [each for each in report["charts"]["outcome"]["params"] if each["name"] == "up"]
    assert up["value"] == "lc"
