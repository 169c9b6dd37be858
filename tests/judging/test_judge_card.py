"""The judge card from stored files to rows: an oracle is asked over HTTP what another oracle was asked."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_study import ORACLE, ROOT, load_judged, read_lines, write_lines
from stored_judgments import STORED_JUDGE, load_world_files, write_answers, write_stored_judgments

from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.judge_card.answer_lengths import measure_answers
from lossgrid.judging.judge_card.asking import ask_card, build_card_questions
from lossgrid.judging.judge_card.sample import draw_evenly, write_sample
from lossgrid.judging.judge_card.stored_files import read_stored_file
from lossgrid.judging.judge_costs import collect_judge_costs
from lossgrid.judging.mt_bench.requests import build_requests
from lossgrid.planning.judge_load import get_card_load
from lossgrid.statistics.judge_card import describe_card
from lossgrid.studies import StudyError

SAMPLE, REPEATS = 48, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With both files of stored judgments, in full."""
    folder = tmp_path_factory.mktemp("stored")
    write_stored_judgments(folder, folder / "single.jsonl", folder / "pair.jsonl")
    return folder


@pytest.fixture(scope="module")
def world(folder):
    """Questions, and judge prompts by name."""
    files = load_world_files(folder, "pairwise")
    return files.questions, files.prompts


def load_card(folder, place, **options):
    """A study whose judge garbles one reply in twenty and prefers the first place more than the stored one."""
    card = {
        "single": str(folder / "single.jsonl"), "pairs": str(folder / "pair.jsonl"), "questions": "world",
        "sample": SAMPLE, "repeats": REPEATS,
    }  # fmt: skip
    judge = {"command": f"{ORACLE} --position-bias 1.5 --malformed 0.05", "server": "biased"}
    card = {key: value for key, value in {**card, **options}.items() if value is not None}
    return load_judged(place, judge, mt_bench={}, judge_card=card)


@pytest.fixture(scope="module")
def asked(folder, tmp_path_factory):
    """A study, its results folder, and the sample and the rows of its card."""
    results = tmp_path_factory.mktemp("results")
    study = load_card(folder, results)
    sample = results / "judge_card" / "sample.json"
    write_sample(study, sample, results)
    with pytest.MonkeyPatch.context() as patch:
        # As the workflow sets it for the servers that its jobs start.
        patch.setenv("PYTHONPATH", str(ROOT))
        ask(study, results)
    rows = read_lines(results / "judge_card" / "judgments.jsonl")
    return study, results, json.loads(sample.read_text(encoding="utf-8")), rows


def ask(study, results, report=lambda line: None):
    return ask_card(
        study,
        results / "judge_card" / "sample.json",
        ledger=results / "ledgers" / "judge_card",
        judgments=results / "judge_card" / "judgments.jsonl",
        server_log=results / "server.log",
        report=report,
    )


def test_the_judge_is_asked_exactly_what_fastchat_asks(folder, world):
    """A card that asks another question, or in another way, says nothing of how the judge does in the study."""
    questions, prompts = world
    files = load_world_files(folder, "single")
    stored = read_stored_file(folder / "single.jsonl", "single", questions, prompts)
    sample = {"items": [{**item, "asked_twice": False} for item in stored.items], "prompts": prompts}
    card = {
        request.get_key("server")
        for each in build_card_questions(sample, "judge")
        for request in each.requests
    }
    answers = {model: write_answers(files, model, share) for model, share in (("weak", 0.2), ("strong", 0.9))}
    study = build_requests(files.questions, answers, files.prompts, files.references, "judge")
    assert {request.get_key("server") for each in study for request in each.requests} <= card


def test_all_that_is_asked_is_there_in_its_state(asked):
    """What was dropped would flatter the judge: unreadable replies are the hard ones."""
    _, _, sample, rows = asked
    assert Counter((row["kind"], row["repeat"]) for row in rows) == {
        ("single", 0): SAMPLE, ("single", 1): REPEATS, ("pairs", 0): SAMPLE, ("pairs", 1): REPEATS,
    }  # fmt: skip
    assert {row["state"] for row in rows} == {"ok", "parse_error"}
    assert all((row["judged"] is None) == (row["state"] != "ok") for row in rows)
    card = describe_card(rows, sample["files"], "oracle").set_index(["about", "measure", "of"])["value"]
    for about in ("ratings", "pairs"):
        states = [card[about, f"asked_{state}", "judge"] for state in ("ok", "parse_error", "api_error")]
        assert sum(states) == card[about, "asked", "judge"] == SAMPLE
    assert card["pairs", "inconsistent", "difference"] > 0.1


def test_the_ledger_answers_the_second_time(asked):
    """A card that was paid for is not paid again."""
    study, results, _, _ = asked
    said, calls = [], Ledger(results / "ledgers" / "judge_card").calls
    ask(study, results, said.append)
    assert Ledger(results / "ledgers" / "judge_card").calls == calls
    # 48 + 12 ratings, and as many pairs in two orders.
    assert calls == get_card_load(study).calls == 180
    assert any("0 calls for 180 requests" in line for line in said)


def test_a_larger_sample_asks_for_the_difference_alone(asked, folder, tmp_path):
    """Who wants to know more precisely has paid for the half of it."""
    _, _, sample, _ = asked
    larger = tmp_path / "sample.json"
    write_sample(load_card(folder, tmp_path, sample=2 * SAMPLE), larger, tmp_path)
    texts = [
        {str(item["user_prompts"]) for item in each["items"]}
        for each in (sample, json.loads(larger.read_text()))
    ]
    assert texts[0] < texts[1]


def test_what_the_card_cost_stands_in_the_table_of_costs(asked):
    """Money that no table knows."""
    study, results, _, _ = asked
    alone = study.model_copy(update={"mt_bench": None})
    (row,) = collect_judge_costs(alone, results).to_dict("records")
    assert (row["evaluation"], row["calls"], row["asked"]) == ("judge_card", 180, 180)


def test_lengths_are_those_of_the_judged_answers(folder, world):
    """A length of the other turn, or of the reference, would measure another bias."""
    files = load_world_files(folder, "pairwise")
    stored = read_stored_file(folder / "pair.jsonl", "pairs", *world)
    texts = {
        (model, answer["id"], answer["turn"]): len(answer["response"])
        for model, share in (("weak", 0.2), ("middling", 0.5), ("strong", 0.9))
        for answer in write_answers(files, model, share)
    }
    for item in stored.items:
        expected = [texts[model, item["question_id"], item["turn"]] for model in item["models"]]
        assert item["lengths"] == expected
    assert {item["prompt"] for item in stored.items} == {
        "pair-v2", "pair-math-v1", "pair-v2-multi-turn", "pair-math-v1-multi-turn",
    }  # fmt: skip


def test_lengths_of_fastchat_s_own_prompts(fixtures):
    """The published judgments are made of these templates, whose brackets mean something to a pattern."""
    for prompt in read_lines(fixtures / "mt_bench" / "judge_prompts.jsonl"):
        fields = ("question", "question_1", "question_2", "ref_answer_1", "ref_answer_2")
        answers = {
            "answer": "[x]\nab", "answer_1": "no", "answer_2": "{y} z", "answer_a": "*", "answer_b": "two\n\nlines",
            "answer_a_1": "a", "answer_b_1": "b", "answer_a_2": "", "answer_b_2": "(.*?)",
        }  # fmt: skip
        text = prompt["prompt_template"].format(**dict.fromkeys(fields, "why?"), **answers)
        pair = prompt["type"] == "pairwise"
        names = [f"answer_{side}" for side in "ab"] if pair else ["answer"]
        if prompt["name"].endswith("multi-turn"):
            names = [f"{name}_2" for name in names]
        assert measure_answers(text, prompt["prompt_template"]) == [len(answers[name]) for name in names]
        assert measure_answers(text[1:], prompt["prompt_template"]) is None


ITEMS = st.lists(
    st.builds(
        lambda category, turn, question, model: {
            "category": category, "turn": turn, "question_id": question, "models": [model],
        },
        st.sampled_from("abc"), st.sampled_from([1, 2]), st.integers(81, 90), st.sampled_from(["m", "n"]),
    ),
    unique_by=str,
    max_size=60,
)  # fmt: skip


@given(ITEMS, st.integers(0, 60), st.integers(0, 5), st.randoms())
def test_a_sample_is_even_and_knows_no_order(items, size, seed, rng):
    """A file sorted by model, or a category with more answers, would decide what is compared."""
    drawn = draw_evenly(items, size, seed)
    shuffled = rng.sample(items, len(items))
    assert draw_evenly(shuffled, size, seed) == drawn
    assert draw_evenly(items, len(items), seed)[:size] == drawn
    assert len(drawn) == min(size, len(items))
    available = Counter((item["category"], item["turn"]) for item in items)
    taken = Counter((item["category"], item["turn"]) for item in drawn)
    most = max(taken.values(), default=0)
    assert all(taken[name] >= min(count, most - 1) for name, count in available.items())


def test_another_seed_draws_others(folder, world):
    """A seed without effect is a sample that nobody can vary."""
    items = read_stored_file(folder / "single.jsonl", "single", *world).items
    assert draw_evenly(items, 40, 1) != draw_evenly(items, 40, 2)


def edit(line, **changes):
    return {key: value for key, value in {**line, **changes}.items() if value is not None}


def test_what_is_wrong_with_a_file_is_said_with_its_line(folder, world, tmp_path):
    """A judge would be asked, and paid, for what cannot be compared."""
    lines, file = read_lines(folder / "single.jsonl"), tmp_path / "stored.jsonl"
    cases = [
        (edit(lines[0], user_prompt=None), "line 2 has no user_prompt"),
        (edit(lines[0], question_id=777), "question 777 is none of the 80"),
        (edit(lines[0], judge=[STORED_JUDGE, "single-v9"]), "prompt single-v9, which is none for single"),
        (edit(lines[0], judge=["claude", "single-v1"]), "judgments of gpt-4, claude; name one"),
        (edit(lines[0], judge="gpt-4"), "line 2: judge is no list"),
    ]
    for changed, said in cases:
        write_lines(file, [lines[1], changed])
        with pytest.raises(ValueError, match=said):
            read_stored_file(file, "single", *world)
    file.write_text('{"a"\n')
    with pytest.raises(ValueError, match="line 1 is no JSON"):
        read_stored_file(file, "single", *world)
    with pytest.raises(ValueError, match=r"no judgment of judge_card.stored_judge 'claude'"):
        read_stored_file(folder / "single.jsonl", "single", *world, "claude")


def test_later_lines_count_and_failures_of_the_stored_judge_are_counted(folder, world, tmp_path):
    """FastChat appends a second run to the first, and stores a failed call as a judgment."""
    lines, file = read_lines(folder / "single.jsonl"), tmp_path / "stored.jsonl"
    write_lines(
        file,
        [
            edit(lines[0], judgment="Rating: [[2]]"), edit(lines[0], judgment="Rating: [[9]]"),
            edit(lines[1], judgment="$ERROR$"), edit(lines[2], judgment="I cannot say."),
        ],
    )  # fmt: skip
    stored = read_stored_file(file, "single", *world)
    assert (stored.lines, stored.superseded, stored.unreadable) == (4, 1, 2)
    assert [item["stored"] for item in stored.items] == [[9.0]]


def test_the_schema_refuses_a_card_of_nothing(folder, tmp_path):
    """Found when the study is read, and not after a night of training."""
    for options, said in (
        ({"single": None, "pairs": None}, "compares with nothing"),
        ({"sample": 20, "repeats": 30}, "is more than sample: 20"),
    ):
        with pytest.raises(StudyError, match=said):
            load_card(folder, tmp_path, **options)


def test_a_prompt_of_another_release_has_no_lengths(folder, world, tmp_path):
    """Lengths are left out and counted, and the judge is asked all the same."""
    lines, file = read_lines(folder / "pair.jsonl"), tmp_path / "stored.jsonl"
    write_lines(file, [edit(lines[0], g1_user_prompt="Which is better?"), lines[1]])
    stored = read_stored_file(file, "pairs", *world)
    assert sorted(item["lengths"] is None for item in stored.items) == [False, True]
    assert replace(stored, items=[]).unreadable == 0
