"""The hub world on disk, from stand-ins in a cache of the hub's format."""

import json

import pytest
import torch
from datasets import load_from_disk
from transformers import AutoModelForCausalLM, AutoTokenizer

from lossgrid.studies.hub import HubWorld
from lossgrid.studies.world import ReviewsWorld
from lossgrid.worlds.hub.files import write_corpus, write_pairs
from lossgrid.worlds.hub.policy import place_policy
from lossgrid.worlds.hub.prompts import write_prompts
from lossgrid.worlds.hub.repositories import HubError

TLDR = (
    ("{name: shrunk/dpo-mix}", "{name: shrunk/summarize-comparisons, format: texts, prompt_suffix: 'TL;DR:', "
     "response_prefix: 'TL;DR:'}\n  summaries: {split: 'test[:5%]', every: 6}"),
)  # fmt: skip
JUDGED = """\
judge: {model: oracle, base_url: "http://127.0.0.1:1/v1"}
summaries: {rows: 10}
"""


@pytest.mark.parametrize("world", [ReviewsWorld, HubWorld])
def test_every_field_of_a_world_decides_a_step_or_plans(world):
    """A forgotten field could be changed in a study without anything being made again."""
    decided = set().union(*world.STEPS.values())
    assert decided | world.PLANNING == set(world.model_fields)
    assert not decided & world.PLANNING


def test_the_corpus_holds_pairs_heldout_prompts_and_counts(offline_hub, load_hub_study, tmp_path):
    write_corpus(load_hub_study(), tmp_path / "corpus")
    rows = load_from_disk(tmp_path / "corpus" / "rows")
    counts = json.loads((tmp_path / "corpus" / "summary.json").read_text())
    excluded = {name: count for name, count in counts.items() if name.startswith("excluded_") and count}
    # Those that the stand-in is spoiled with.
    assert excluded == dict.fromkeys(
        ["excluded_identical", "excluded_empty", "excluded_wrong_turns", "excluded_bad_encoding"], 1
    )
    assert counts["rows"] == len(rows) + sum(excluded.values()) == 160
    assert counts["folded_system_messages"] == 1
    heldout = load_from_disk(tmp_path / "corpus" / "heldout").to_list()
    assert len({json.dumps([chat["history"], chat["turns"]]) for chat in heldout}) == 8
    assert all(message["role"] != "system" for row in rows for message in row["prompt"])


def test_the_same_lock_gives_the_same_corpus(offline_hub, load_hub_study, tmp_path):
    for name in ("one", "two"):
        write_corpus(load_hub_study(), tmp_path / name)
    for part in ("rows", "heldout"):
        assert (
            load_from_disk(tmp_path / "one" / part).to_list()
            == load_from_disk(tmp_path / "two" / part).to_list()
        )


def test_pairs_that_an_evaluation_asks_about_are_left_out(offline_hub, load_hub_study, tmp_path):
    """A policy that was trained on the question looks better than it is."""
    corpus, prompts = tmp_path / "corpus", tmp_path / "prompts"
    write_corpus(load_hub_study(), corpus)
    rows = load_from_disk(corpus / "rows").to_list()
    prompts.mkdir()
    question = rows[3]["prompt"][0]["content"].upper().replace(" ?", "?!")
    (prompts / "chats.jsonl").write_text(
        json.dumps({"set": "mt_bench", "id": 1, "turns": [question, "Why?"]}) + "\n"
    )
    alone = write_pairs(load_hub_study(), corpus, tmp_path, None, tmp_path / "alone", 1)
    judged = write_pairs(load_hub_study(), corpus, tmp_path, prompts, tmp_path / "judged", 1)
    kept = {row["id"] for row in load_from_disk(tmp_path / "judged").to_list()}
    assert rows[3]["id"] not in kept
    assert judged["excluded_overlap"] == alone["excluded_overlap"] + 1
    assert judged["pairs"] == len(kept) == alone["pairs"] - 1

    study = load_hub_study(("heldout_chats: 8", "heldout_chats: 8\n  overlap: count"))
    counted = write_pairs(study, corpus, tmp_path, prompts, tmp_path / "counted", 1)
    assert counted["pairs"] == len(rows)
    assert counted["overlapping"] == judged["excluded_overlap"]


def test_data_of_which_too_much_is_spoiled_are_refused(offline_hub, load_hub_study, tmp_path):
    study = load_hub_study(("heldout_chats: 8", "heldout_chats: 8\n  max_excluded: 0.02"))
    with pytest.raises(
        HubError, match=r"4 of 160 rows cannot be used \(1 .*\), more than world.max_excluded 0.02"
    ):
        write_corpus(study, tmp_path / "corpus")


def test_more_heldout_prompts_than_there_are_is_an_error(offline_hub, load_hub_study, tmp_path):
    study = load_hub_study(("heldout_chats: 8", "heldout_chats: 97"))
    with pytest.raises(HubError, match=r"has 92 different prompts .*heldout_chats asks for 97; lower it"):
        write_corpus(study, tmp_path / "corpus")


def test_without_a_lock_nothing_is_read(offline_hub, load_hub_study, tmp_path):
    with pytest.raises(
        HubError, match=r"stand_in.lock.yaml: does not hold shrunk/mistral-instruct, .*prepare"
    ):
        write_corpus(load_hub_study(lock=False), tmp_path / "corpus")


def test_the_policy_is_the_model_with_the_prepared_tokenizer(offline_hub, load_hub_study, tmp_path):
    study = load_hub_study()
    write_corpus(study, tmp_path / "corpus")
    place_policy(study, tmp_path / "corpus", tmp_path / "policy")
    assert (tmp_path / "policy" / "model.safetensors").is_symlink()
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "policy")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "policy")
    assert tokenizer.pad_token == "<unk>"
    assert torch.isfinite(model(torch.tensor([[1, 2, 3]])).logits).all()


def test_posts_are_every_sixth_row_with_peoples_summaries(offline_hub, load_hub_study, tmp_path):
    """As in TL;DR's evaluation: 72 rows, every sixth of them, the prefix cut off, the suffix once."""
    study = load_hub_study(*TLDR, added=JUDGED)
    write_prompts(study, False, None, 12, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "summaries.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"row-{index:06d}" for index in range(0, 72, 6)]
    assert all(row["post"].endswith("TL;DR:") and row["post"].count("TL;DR:") == 1 for row in rows)
    assert not any(row["human"].startswith("TL;DR:") for row in rows)
    with pytest.raises(HubError, match=r"gives 12 posts, and summaries.rows asks for 13; lower it"):
        write_prompts(study, False, None, 13, tmp_path)
