"""MT-Bench on real files: judgments that GPT-4 gave, and the benchmark's own questions, prompts and references."""

import csv
import gzip
import json
import shutil
from collections import Counter, defaultdict
from itertools import groupby

import pandas as pd
import pytest

from lossgrid.judging.evaluations import list_requests
from lossgrid.judging.mt_bench.files import load_files
from lossgrid.judging.mt_bench.requests import build_requests, get_temperature
from lossgrid.judging.mt_bench.stored import read_stored_pairs, read_stored_scores
from lossgrid.statistics.mt_bench import summarise_pairs, summarise_scores
from lossgrid.statistics.self_consistency import measure_self_consistency

# Sums of 160 multiples of a half in double precision.
EXACT = 1e-12
ORIGINAL, CORRECTED = "reference_gpt-4.jsonl", "reference_gpt-4-0125-preview_PR3158.jsonl"
CLEAN = [
    "mamba_0_5_dpo_ep1", "mamba_0_5_dpo_ep3", "mamba_0_75_dpo_ep1", "mamba_0_75_dpo_ep3", "mamba_0_875_dpo_ep1",
    "mamba_0_875_dpo_ep3", "mistral-orpo-trl", "vicuna-7b-v1.3", "vicuna-7b-v1.3-greedy",
]  # fmt: skip
FAILED = "mistral-7b_dolphin_orca_labonne_dpo"
LOOPED = "mistral-7b_dolphin_orca_wgm_dpo_bf16"
RERUN = "mistral-orpo"
OTHER_SCALE = "Ruijie_Navigator"


def read_lines(file) -> list[dict]:
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def mt_bench(fixtures):
    """Folder of MT-Bench's files and judgments."""
    return fixtures / "mt_bench"


@pytest.fixture(scope="module")
def lines(mt_bench):
    """Stored single judgments in the order of their files."""
    return read_lines(mt_bench / "judgments_single.jsonl.gz")


@pytest.fixture(scope="module")
def categories(mt_bench):
    """Category by question."""
    return {each["question_id"]: each["category"] for each in read_lines(mt_bench / "question.jsonl")}


@pytest.fixture(scope="module")
def scores(lines, categories):
    """Score rows by judge and model; a model stands in one source only."""
    rows = {}
    for _, own in groupby(lines, key=lambda line: line["source"]):
        rows |= read_stored_scores(own, categories)
    return rows


@pytest.fixture(scope="module")
def expected(mt_bench):
    """The averages of `expected.csv` by model."""
    with (mt_bench / "expected.csv").open() as file:
        return {row["model"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def make_folder(mt_bench, tmp_path_factory):
    """Bring the benchmark's files under the names that a loader looks for."""

    def make(references: str):
        folder = tmp_path_factory.mktemp("mt_bench")
        for source, name in (
            ("question.jsonl", "question.jsonl"), ("judge_prompts.jsonl", "judge_prompts.jsonl"),
            (references, "reference_answer.jsonl"),
        ):  # fmt: skip
            shutil.copy(mt_bench / source, folder / name)
        return folder

    return make


def find_whole(table: pd.DataFrame, turn: str = "all") -> pd.Series:
    """The row of all categories."""
    return table[(table["category"] == "all") & (table["turn"] == turn)].iloc[0]


def test_every_stored_score_is_read_from_its_text(lines):
    """2,174 judgments, one by one: FastChat's number is ours wherever it is a rating. Not so the other 109.

    - 14 calls of one model that failed (`$ERROR$`, stored −1),
    - 1 reply that is the digit 4 in a loop, and 1 that says there was nothing to rate (stored −1),
    - 69 of a judge that wrote [[True:]] or [[False:]] (stored −1),
    - 24 ratings between 20 and 100, stored as they are, of a judge whose prompt asked for another scale.
    """
    differing = Counter()
    for line in lines:
        ((row,),) = read_stored_scores([line]).values()
        if row["score"] is None:
            kind = "failed call" if row["state"] == "api_error" else row["error"].split(";")[-1].strip()
            differing[line["judge"][0], line["model"], line["score"], kind] += 1
        else:
            assert (row["state"], row["score"], row["error"]) == ("ok", line["score"], None)
    outside = {70: 3, 40: 1, 90: 1, 95: 8, 20: 3, 100: 3, 60: 3, 85: 2}
    assert differing == {
        ("gpt-4", FAILED, -1, "failed call"): 14,
        ("gpt-4", LOOPED, -1, "it ends '…, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,'"): 1,
        ("gpt-4", RERUN, -1, 'it ends "…he assistant\'s response is non-existent."'): 1,
        ("Qwen-72B-Chat", OTHER_SCALE, -1, "it says [[True:]]"): 61,
        ("Qwen-72B-Chat", OTHER_SCALE, -1, "it says [[False:]]"): 8,
        **{
            ("gpt-4", OTHER_SCALE, score, f"the rating [[{score}]] lies outside 1 to 10"): count
            for score, count in outside.items()
        },
    }
    assert sum(differing.values()) == 109


def test_published_averages_to_the_printed_digits(scores, expected):
    """Six models whose authors printed their averages."""
    published = {model: row["published"] for model, row in expected.items() if row["published"]}
    assert len(published) == 6
    for model, printed in published.items():
        table = summarise_scores(pd.DataFrame(scores["gpt-4", model]))
        assert f"{find_whole(table)['score']:.2f}" == printed


@pytest.mark.parametrize("model", CLEAN)
def test_averages_without_failures_or_reruns(scores, expected, categories, model):
    """FastChat's averages of both turns and of each, all 160 judgments of 80 questions, ten a category."""
    table = summarise_scores(pd.DataFrame(scores["gpt-4", model]))
    row = expected[model]
    for turn, column in (("all", "average_show_result"), ("1", "turn1"), ("2", "turn2")):
        assert find_whole(table, turn)["score"] == pytest.approx(float(row[column]), abs=EXACT)
    whole = find_whole(table)
    assert (whole["n_ok"], whole["n_parse_error"], whole["n_api_error"], whole["questions"]) == (
        160,
        0,
        0,
        80,
    )
    assert 0.1 < whole["score_se"] < 0.4
    each = table[(table["category"] != "all") & (table["turn"] != "all")]
    assert len(each) == 16
    assert set(each["category"]) == set(categories.values())
    assert set(each["n_ok"]) == {10}
    assert each["score"].mean() == pytest.approx(whole["score"], abs=EXACT)


def test_a_rerun_replaces_what_it_repeats(scores, expected):
    """FastChat averages both runs of all 160 questions, 5.86 without the one −1; the last alone is 6.33."""
    rows = scores["gpt-4", RERUN]
    whole = find_whole(summarise_scores(pd.DataFrame(rows)))
    assert whole["score"] == pytest.approx(float(expected[RERUN]["average_dedup_last"]), abs=EXACT)
    assert whole["score"] == 6.328125
    assert (whole["n_ok"], whole["questions"]) == (160, 80)
    # The reply that says there was nothing to rate belongs to the first run.
    assert (sum(row["superseded"] for row in rows), whole["n_parse_error"]) == (160, 0)


def test_failures_are_counted_and_not_averaged(scores, expected):
    """The average is FastChat's, of 146 and of 159; FastChat does not say so."""
    for model, counts in ((FAILED, (146, 0, 14)), (LOOPED, (159, 1, 0))):
        whole = find_whole(summarise_scores(pd.DataFrame(scores["gpt-4", model])))
        assert whole["score"] == pytest.approx(float(expected[model]["average_show_result"]), abs=EXACT)
        assert (whole["n_ok"], whole["n_parse_error"], whole["n_api_error"]) == counts
    turns = summarise_scores(pd.DataFrame(scores["gpt-4", FAILED]))
    assert [find_whole(turns, turn)["n_api_error"] for turn in ("1", "2")] == [7, 7]


def test_another_scale_is_no_score(scores):
    """FastChat averages 25 numbers to 72.44 points of 10. One of them is a 1, and 1 judgment is no interval."""
    whole = find_whole(summarise_scores(pd.DataFrame(scores["gpt-4", OTHER_SCALE])))
    assert (whole["score"], whole["n_ok"], whole["n_parse_error"]) == (1.0, 1, 24)
    assert pd.isna(whole["score_se"])
    whole = find_whole(summarise_scores(pd.DataFrame(scores["Qwen-72B-Chat", OTHER_SCALE])))
    assert (whole["n_ok"], whole["n_parse_error"], whole["questions"]) == (0, 69, 0)
    assert pd.isna(whole["score"])


def test_swapped_pairs(mt_bench, categories):
    """75 comparisons in both orders: every stored verdict is read from its text; 27 are inconsistent, 2 failed."""
    stored = read_lines(mt_bench / "judgments_pair.jsonl.gz")
    ((names, rows),) = read_stored_pairs(stored, categories).items()
    assert names == ("gpt-4", "phi-3", "phi-3-dpo")
    by_question = {line["question_id"]: line for line in stored}
    assert len(by_question) == len(rows) == 75
    verdicts = {"model": "model_1", "baseline": "model_2", "tie": "tie"}
    for row in rows:
        line = by_question[row["question_id"]]
        winners = [line["g1_winner"], line["g2_winner"]]
        if row["state"] == "ok":
            assert [verdicts[each] for each in row["verdicts"]] == winners
        else:
            assert row["state"] == "api_error"
            assert "error" in winners
    whole = find_whole(summarise_pairs(pd.DataFrame(rows)))
    assert (whole["n_win"], whole["n_loss"], whole["n_tie"]) == (18, 20, 35)
    assert (whole["n_inconsistent"], whole["n_ok"], whole["n_api_error"]) == (27, 73, 2)
    assert whole["win_rate"] == pytest.approx((18 + 35 / 2) / 73, abs=EXACT)
    assert [row["question_id"] for row in rows if row["state"] != "ok"] == [124, 125]


def test_orders_agree_as_often_as_their_verdicts(mt_bench):
    """46 of 73 verdicts outlast a swap. Of the other 27, 9 are a tie in one order (half a win of difference) and 18
    turn round (a whole one): the mean absolute difference is (9/2 + 18)/73.
    """
    (rows,) = read_stored_pairs(read_lines(mt_bench / "judgments_pair.jsonl.gz")).values()
    shares = {"model": 1.0, "tie": 0.5, "baseline": 0.0}
    first, second = (
        [shares[row["verdicts"][order]] if row["verdicts"] else None for row in rows] for order in (0, 1)
    )
    result = measure_self_consistency(first, second)
    assert (result.n, result.missing) == (73, 2)
    assert result.agreement == pytest.approx(46 / 73, abs=EXACT)
    assert result.agreement_low < 46 / 73 < result.agreement_high
    assert result.mean_absolute_difference == pytest.approx(22.5 / 73, abs=EXACT)


def test_repeated_prompts(mt_bench):
    """81 prompts of 41 questions that GPT-4 judged twice at temperature 0: 59 the same, 25 points in all between
    the others.
    """
    table = pd.read_csv(mt_bench / "repeat_judgments_medusa.csv")
    result = measure_self_consistency(table["score_a"], table["score_b"], table["question_id"])
    assert (result.n, result.missing, result.clusters) == (81, 0, 41)
    assert result.agreement == pytest.approx(59 / 81, abs=EXACT)
    assert result.mean_absolute_difference == pytest.approx(25 / 81, abs=EXACT)
    differences = table["score_b"] - table["score_a"]
    assert result.noise_sd == pytest.approx(differences.std() / 2**0.5, abs=EXACT)
    assert result.mean_absolute_difference_low < 25 / 81 < result.mean_absolute_difference_high
    assert result.noise_sd_low < result.noise_sd < result.noise_sd_high


def ask(files, judge="gpt-4", **options):
    """Judgments of a made-up run and a baseline about the real questions."""
    answers = {
        run: [
            {"id": each["question_id"], "turn": turn, "response": f"{run} {each['question_id']} {turn}"}
            for each in files.questions
            for turn in (1, 2)
        ]
        for run in ("sft", "cells/made-up")
    }
    return build_requests(files.questions, answers, files.prompts, files.references, judge, **options)


@pytest.mark.parametrize("references", [ORIGINAL, CORRECTED])
def test_real_files_are_asked_about(make_folder, references):
    """80 questions in two turns for each run; the 30 that need references carry them, the other 50 do not."""
    files = load_files(make_folder(references), "pairwise")
    single = ask(files)
    assert Counter((each.run, each.row["turn"]) for each in single) == {
        (run, turn): 80 for run in ("sft", "cells/made-up") for turn in (1, 2)
    }
    with_reference = set()
    for judgment in [*single, *ask(files, mode="pairwise", baseline_run="sft")]:
        name, turn = judgment.row["question_id"], judgment.row["turn"]
        question = next(each for each in files.questions if each["question_id"] == name)
        for request in judgment.requests:
            text = request.body["messages"][1]["content"]
            assert f"{judgment.run} {name} {turn}" in text
            assert all(shown in text for shown in question["turns"][:turn])
            solutions = files.references[name]["choices"][0]["turns"] if name in files.references else []
            if solutions:
                with_reference.add(name)
                assert all(solution in text for solution in solutions[:turn])
            assert ("reference answer" in text.lower()) == bool(solutions)
    assert with_reference == set(range(101, 131))


def test_corrected_references_ask_anew_where_they_differ(make_folder):
    """What the judge never read must not be paid for again. All 30 references were written anew: 60 other keys of
    160, none of them of the other 50 questions.
    """
    files = {name: load_files(make_folder(name)) for name in (ORIGINAL, CORRECTED)}
    keys = {
        name: {
            (each.row["question_id"], each.row["turn"]): each.requests[0].get_key("judge")
            for each in ask(own)
            if each.run == "sft"
        }
        for name, own in files.items()
    }
    turns = {
        name: {key: each["choices"][0]["turns"] for key, each in own.references.items()}
        for name, own in files.items()
    }
    expected = {
        (question, turn)
        for question in turns[ORIGINAL]
        for turn in (1, 2)
        if turns[ORIGINAL][question][:turn] != turns[CORRECTED][question][:turn]
    }
    changed = {place for place, key in keys[ORIGINAL].items() if keys[CORRECTED][place] != key}
    assert changed == expected
    known_wrong = {104, 105, 109, 111, 113, 114, 120, 122, 124, 125, 126, 128, 130}
    assert known_wrong <= {question for question, _ in changed}
    assert (len(changed), len(keys[ORIGINAL])) == (60, 160)


def test_one_reference_changes_two_requests(make_folder):
    """A single correction costs its own two judgments."""
    files = load_files(make_folder(ORIGINAL))
    before = {request.get_key("judge") for request in list_requests(ask(files))}
    files.references[104]["choices"][0]["turns"][0] += " (Corrected.)"
    after = {request.get_key("judge") for request in list_requests(ask(files))}
    # Two runs, two turns.
    assert len(before - after) == len(after - before) == 4


def test_second_questions_are_one_of_each_category(make_folder):
    """Sixteen of eighty: two of each of the eight categories."""
    files = load_files(make_folder(ORIGINAL))
    twice = defaultdict(set)
    for judgment in ask(files, consistency=16):
        if judgment.row["repeat"]:
            twice[judgment.row["category"]].add(judgment.row["question_id"])
    assert {category: len(names) for category, names in twice.items()} == {
        each["category"]: 2 for each in files.questions
    }


def test_temperatures_of_the_real_categories(make_folder):
    """FastChat's table covers all eight."""
    files = load_files(make_folder(ORIGINAL))
    assert Counter(get_temperature(each["category"]) for each in files.questions) == {
        0.7: 20,
        0.0: 40,
        0.1: 20,
    }
