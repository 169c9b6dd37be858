"""What judges are asked in the reviews world: held out, in the benchmarks' own formats, the same anywhere."""

import json
from collections import Counter
from string import Formatter
from types import SimpleNamespace

import pytest

from lossgrid.studies.judging import REVIEWS_INSTRUCTIONS
from lossgrid.worlds.reviews.clause import parse_reply
from lossgrid.worlds.reviews.corpus import make_chats, make_preference_prompts
from lossgrid.worlds.reviews.judge_prompts import get_judge_prompts
from lossgrid.worlds.reviews.lexicon import ASPECTS
from lossgrid.worlds.reviews.prompts import (
    ASPECT_OF_CATEGORY,
    make_instructions,
    make_mt_bench_questions,
    make_references,
    make_summaries,
    write_prompts,
)
from lossgrid.worlds.reviews.reward import REWARD_RANGE, score_reply


def find_aspects(question: str) -> set[str]:
    """Aspects that a question names."""
    return set(question.split()) & set(ASPECTS)


@pytest.fixture(scope="module")
def sets():
    """Questions, instructions and rows of seed 1."""
    return make_mt_bench_questions(1), make_instructions(1, 960), make_summaries(1, 694)


def test_nothing_that_is_asked_occurs_in_training(sets):
    """A policy that has seen the questions is judged on its memory; at any seed, for a study may have several."""
    trained = {chat["messages"][0]["content"] for seed in (1, 2) for chat in make_chats(seed, 20_000)}
    trained |= {
        row["prompt"][0]["content"] for seed in (1, 2) for row in make_preference_prompts(seed, 9_600)
    }
    questions, instructions, rows = sets
    asked = {question["turns"][0] for question in questions}
    asked |= {row["instruction"] for row in instructions} | {row["prompt"][0]["content"] for row in rows}
    assert len(asked) > 900
    assert not asked & trained


def test_questions_fill_fastchat_s_categories(sets):
    """FastChat keys temperatures and references on these names; ten questions each weigh them alike."""
    questions = sets[0]
    assert [question["question_id"] for question in questions] == list(range(1, 81))
    assert Counter(question["category"] for question in questions) == dict.fromkeys(ASPECT_OF_CATEGORY, 10)
    assert sorted(ASPECT_OF_CATEGORY.values()) == sorted(ASPECTS)
    assert len({question["turns"][0] for question in questions}) == 80
    for question in questions:
        first, second = question["turns"]
        assert find_aspects(first) == {ASPECT_OF_CATEGORY[question["category"]]}
        assert len(find_aspects(second)) == 1
        assert find_aspects(first) != find_aspects(second)


def test_references_are_the_best_there_is(sets):
    """A judge that compares with a mediocre reference would grade good replies as mistaken."""
    references = {reference["question_id"]: reference for reference in make_references(1)}
    needed = {q["question_id"]: q for q in sets[0] if q["category"] in ("math", "reasoning", "coding")}
    assert references.keys() == needed.keys()
    assert len({reference["answer_id"] for reference in references.values()}) == 30
    for number, reference in references.items():
        (choice,) = reference["choices"]
        for turn, question in zip(choice["turns"], needed[number]["turns"], strict=True):
            (aspect,) = find_aspects(question)
            # A mean of two or three clauses of 6 points each.
            assert score_reply(turn, aspect).total == pytest.approx(REWARD_RANGE[1], abs=1e-12)


def test_judge_prompts_have_the_placeholders_that_fastchat_fills(fixtures):
    """A placeholder too many is a KeyError in the middle of a run; one too few hides a reply from the judge."""
    lines = (fixtures / "mt_bench" / "judge_prompts.jsonl").read_text().splitlines()
    published = {prompt["name"]: prompt for prompt in map(json.loads, lines)}
    prompts = {prompt["name"]: prompt for prompt in get_judge_prompts()}
    assert prompts.keys() == published.keys()
    for name, prompt in prompts.items():
        assert prompt.keys() == published[name].keys()
        for key in ("type", "output_format"):
            assert prompt[key] == published[name][key]
        fields = [
            {field for _, field, _, _ in Formatter().parse(each["prompt_template"]) if field}
            for each in (prompt, published[name])
        ]
        assert fields[0] == fields[1]


def test_instructions_are_different_and_come_with_human_replies(sets):
    """A question asked twice counts twice in a win rate and in its interval."""
    instructions = sets[1]
    assert len({row["instruction"] for row in instructions}) == 960
    rewards = []
    for row in instructions:
        assert find_aspects(row["instruction"]) == {row["dataset"]}
        assert None not in parse_reply(row["output"])
        rewards.append(score_reply(row["output"], row["dataset"]).total)
    # The corpus is mixed: mean reward 0.9 with a standard deviation of 1.7 over 20,000 replies. The mean of 960
    # has a standard error of 0.055; 0.3 is more than five of them.
    assert sum(rewards) / 960 == pytest.approx(0.9, abs=0.3)


def test_more_instructions_than_there_are_is_an_error():
    """Silently fewer would be another evaluation than the study says."""
    with pytest.raises(ValueError, match=r"961 instructions asked for; the reviews world has 960"):
        make_instructions(1, 961)


def test_summary_rows_repeat_posts_as_tldr_does(sets):
    """Rows of one post are no independent evidence: the statistics must meet that in mini too."""
    rows = sets[2]
    posts = Counter(row["post"] for row in rows)
    assert len({row["id"] for row in rows}) == 694
    # Every fourteenth of 694 rows is a second one.
    assert Counter(posts.values()) == {1: 694 - 2 * 49, 2: 49}
    assert len({(row["post"], row["human"]) for row in rows}) == 694


def test_summary_rows_end_in_the_question_that_is_answered(sets):
    """The judge sees the post alone: the question must be in it, last."""
    for row in sets[2]:
        assert [message["role"] for message in row["prompt"]] == ["user", "assistant", "user"]
        assert row["post"].splitlines()[-1] == f"user : {row['prompt'][-1]['content']}"
        assert all(message["content"] in row["post"] for message in row["prompt"])
        (aspect,) = find_aspects(row["prompt"][-1]["content"])
        assert find_aspects(row["prompt"][0]["content"]) != {aspect}
        assert None not in parse_reply(row["human"])


@pytest.mark.parametrize("make", [make_instructions, make_summaries])
def test_enlarging_a_set_keeps_what_was_there(make):
    """A ledger of a small study must serve the larger one."""
    small, large = make(5, 41), make(5, 300)
    assert large[:41] == small
    assert make(6, 41) != small


def test_sets_ask_different_questions(sets):
    """With one stream for all, three benchmarks would be one."""
    firsts = [
        [question["turns"][0] for question in sets[0]],
        [row["instruction"] for row in sets[1][:80]],
        [row["prompt"][0]["content"] for row in sets[2][:80]],
    ]
    for one in range(3):
        for other in range(one):
            # 80 of 960 questions each: 6.7 in common by chance.
            assert len(set(firsts[one]) & set(firsts[other])) < 25


def test_a_study_may_ask_for_as_many_instructions_as_there_are():
    """The schema refuses more before anything runs, and must not refuse fewer."""
    assert len(make_instructions(3, REVIEWS_INSTRUCTIONS)) == REVIEWS_INSTRUCTIONS
    with pytest.raises(ValueError, match=f"has {REVIEWS_INSTRUCTIONS} held-out"):
        make_instructions(3, REVIEWS_INSTRUCTIONS + 1)


def test_files_are_written_as_far_as_asked_for(tmp_path):
    """The judging steps read these files and nothing else."""
    study = SimpleNamespace(world=SimpleNamespace(seed=3))
    write_prompts(study, True, 20, 15, tmp_path / "all")
    write_prompts(study, False, None, 15, tmp_path / "summaries")
    found = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())
    assert found == [
        "all/alpaca_eval.json",
        "all/mt_bench/judge_prompts.jsonl",
        "all/mt_bench/question.jsonl",
        "all/mt_bench/reference_answer.jsonl",
        "all/summaries.jsonl",
        "summaries/summaries.jsonl",
    ]

    def read(name: str) -> list[dict]:
        return [json.loads(line) for line in (tmp_path / "all" / name).read_text().splitlines()]

    assert read("mt_bench/question.jsonl") == make_mt_bench_questions(3)
    assert read("mt_bench/reference_answer.jsonl") == make_references(3)
    assert read("mt_bench/judge_prompts.jsonl") == get_judge_prompts()
    assert read("summaries.jsonl") == make_summaries(3, 15)
    assert json.loads((tmp_path / "all/alpaca_eval.json").read_text()) == make_instructions(3, 20)
    first = {file: file.read_bytes() for file in (tmp_path / "all").rglob("*") if file.is_file()}
    write_prompts(study, True, 20, 15, tmp_path / "all")
    assert {file: file.read_bytes() for file in first} == first
