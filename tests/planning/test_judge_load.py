"""What a judge will be asked, against the questions that the judging code builds."""

import json
from math import ceil

import pytest

from lossgrid.judging import alpaca_eval, summaries
from lossgrid.judging.evaluations import build_questions, list_requests
from lossgrid.judging.prompt_sets import CHATS, write_prompt_sets
from lossgrid.planning import judge_texts
from lossgrid.planning.judge_load import (
    count_calls,
    count_shard_calls,
    get_card_load,
    get_judge_load,
    list_judge_loads,
)
from lossgrid.planning.replies import count_replies, list_reply_groups
from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import get_trained_cells
from lossgrid.studies.judge import Prices
from lossgrid.studies.judge_card import JudgeCard

RUNS = ["sft", "cells/dpo/beta~0.05/seed~1", "cells/dpo/beta~0.05/seed~2"]


@pytest.fixture(scope="module")
def results(mini, tmp_path_factory):
    """Results of three runs that answer the prompts of `mini`, each in its own words."""
    folder = tmp_path_factory.mktemp("results")
    write_prompt_sets(mini, folder / "prompts", folder / "downloads")
    chats = [json.loads(line) for line in (folder / "prompts" / CHATS).read_text().splitlines()]
    for run in RUNS:
        file = folder / run / "responses" / "judged.jsonl"
        file.parent.mkdir(parents=True)
        with file.open("w") as lines:
            for chat in chats:
                for turn in range(1, len(chat["turns"]) + 1):
                    answer = f"{run} answers turn {turn} of {chat['id']}"
                    line = {"set": chat["set"], "id": chat["id"], "turn": turn, "response": answer}
                    lines.write(json.dumps(line) + "\n")
    return folder


@pytest.mark.parametrize(
    ("evaluation", "change"),
    [
        ("mt_bench", {}),
        ("mt_bench", {"mode": "pairwise"}),
        ("mt_bench", {"consistency": 0}),
        ("alpaca_eval", {}),
        ("alpaca_eval", {"baseline": "reference"}),
        ("summaries", {}),
        ("summaries", {"opponents": "human"}),
        ("summaries", {"opponents": "sft", "consistency": 3}),
    ],
)
def test_calls_are_the_questions_that_would_be_asked(mini, vary, results, evaluation, change):
    """Where no two answers are the same."""
    study = vary(mini, **{evaluation: change})
    asked = build_questions(study, evaluation, RUNS, results, results / "prompts")
    requests = {request.get_key("server") for request in list_requests(asked)}
    assert len(requests) == count_calls(study, evaluation, cells=2, sft=True)


def test_a_run_answers_the_prompts_that_are_written(mini, results):
    """512 answers to 256 held-out chats, and one a turn of the judge's prompts: 160, 160 and 64."""
    written = len((results / "sft" / "responses" / "judged.jsonl").read_text().splitlines())
    assert count_replies(mini, get_world_facts(mini)) == 512 + written == 512 + 160 + 160 + 64
    assert sum(group.batches for group in list_reply_groups(mini, get_world_facts(mini))) == 4 + 6 + 2 + 1


def test_shards_together_ask_no_less_than_the_study(mini):
    """The largest shard, times their number."""
    runs = len(get_trained_cells(mini)) + 1
    for evaluation in mini.get_evaluations():
        whole = count_calls(mini, evaluation, runs - 1, sft=True)
        assert whole <= ceil(runs / mini.shard_size) * count_shard_calls(mini, evaluation)
        assert count_shard_calls(mini, evaluation) < whole


def test_prices_make_dollars(mini, vary):
    """20 cells × (160 + 2·16) comparisons, each 386 tokens and one answered, at 2.50 and 10 USD a million."""
    priced = vary(mini, judge={"prices": Prices(input=2.5, output=10.0)})
    load = get_judge_load(priced, "alpaca_eval")
    assert load.calls == 20 * (160 + 2 * 16) == 3840
    assert load.prompt_tokens == 3840 * (335 + 15 + 18 + 18)
    assert load.dollars == pytest.approx(3840 * (386 * 2.5 + 1 * 10.0) / 1e6)
    assert get_judge_load(mini, "alpaca_eval").dollars is None


def test_prompts_are_as_long_as_is_written(results):
    """Within a tenth, at four bytes a token."""
    messages, _ = alpaca_eval.read_annotator()
    assert sum(len(text) for _, text in messages) / 4 == pytest.approx(judge_texts.ALPACA_EVAL, rel=0.1)
    own = len(summaries.SYSTEM) + len(summaries._QUESTION)
    assert own / 4 == pytest.approx(judge_texts.SUMMARIES, rel=0.1)
    lines = (results / "prompts" / "mt_bench" / "judge_prompts.jsonl").read_text().splitlines()
    single = [prompt for prompt in map(json.loads, lines) if prompt["name"].startswith("single")]
    sizes = [len(prompt["system_prompt"]) + len(prompt["prompt_template"]) for prompt in single]
    assert sum(sizes) / len(sizes) / 4 == pytest.approx(judge_texts.WORLD_MT_BENCH, rel=0.2)


def test_a_judge_card_is_counted_with_its_second_questions_and_both_orders(mini):
    """By hand: 160 + 32 ratings and 2·(160 + 32) calls for pairs; at 1 and 2 USD a million tokens the sums follow."""
    judge = mini.judge.model_copy(update={"prices": Prices(input=1, output=2)})
    card = JudgeCard(single="single.jsonl", pairs="pair.jsonl")
    load = get_card_load(mini.model_copy(update={"judge": judge, "judge_card": card}))
    assert load.calls == 192 + 384
    assert load.dollars == pytest.approx((load.prompt_tokens + 2 * load.reply_tokens) / 1e6)
    alone = mini.model_copy(update={"judge_card": JudgeCard(pairs="pair.jsonl", sample=10, repeats=0)})
    assert get_card_load(alone).calls == 20
    assert [each.evaluation for each in list_judge_loads(alone)] == [*mini.get_evaluations(), "judge_card"]
    assert "judge_card" not in [each.evaluation for each in list_judge_loads(mini)]
