"""Two-turn answers with both log-probabilities, written whole or not at all."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from lossgrid.generation.responses import generate_responses
from lossgrid.worlds.reviews.corpus import make_heldout_chats

SETTINGS = SimpleNamespace(max_new_tokens=10, temperature=1.0, batch_size=4, seed=3, reference_kl=False)


def answer(policy: Path, reference: Path, chats: list[dict], output: Path, judged=()) -> tuple[int, int]:
    """Generate with the settings above; what a judge will see goes beside."""
    outputs = (output, output.with_name("judged.jsonl"))
    return generate_responses(policy, reference, chats, judged, outputs, SETTINGS, threads=1)


def read(file: Path) -> list[dict]:
    """The lines of a file."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def chats():
    """Six held-out chats of two turns and one of a single turn."""
    chats = make_heldout_chats(1, 7)
    chats[2] = {**chats[2], "turns": chats[2]["turns"][:1]}
    return chats


@pytest.fixture(scope="module")
def lines(folders, chats, tmp_path_factory) -> list[dict]:
    """What is written for two different models."""
    output = tmp_path_factory.mktemp("responses") / "deep/heldout.jsonl"
    count, none = answer(*folders, chats, output)
    lines = read(output)
    assert (count, none) == (len(lines), 0)
    return lines


def test_every_turn_of_every_chat_is_answered(lines, chats):
    """A chat that is missing would silently leave the mean."""
    assert len(chats[2]["turns"]) == 1
    expected = [(chat["id"], turn) for turn in (1, 2) for chat in chats if turn <= len(chat["turns"])]
    assert [(line["id"], line["turn"]) for line in lines] == expected
    assert len(expected) == 13


def test_fields(lines, chats):
    """Judges and figures read these; keys of the chat travel along, but `turns` does not."""
    keys = set(chats[0]) - {"turns"} | {
        "turn",
        "prompt",
        "response",
        "tokens",
        "finished",
        "policy_logp",
        "reference_logp",
    }
    by_id = {chat["id"]: chat for chat in chats}
    for line in lines:
        assert set(line) == keys
        assert all(line[key] == value for key, value in by_id[line["id"]].items() if key != "turns")
        assert type(line["finished"]) is bool
        assert 1 <= line["tokens"] <= SETTINGS.max_new_tokens
        assert line["tokens"] == SETTINGS.max_new_tokens or line["finished"]
        assert len(line["response"].split()) <= line["tokens"]
        assert line["policy_logp"] < 0 > line["reference_logp"]


def test_the_second_turn_knows_the_first_answer(lines, chats):
    """An answer to the second question without the first is another conversation."""
    turns = {chat["id"]: chat["turns"] for chat in chats}
    first = {line["id"]: line for line in lines if line["turn"] == 1}
    for line in lines:
        question = {"role": "user", "content": turns[line["id"]][line["turn"] - 1]}
        if line["turn"] == 1:
            assert line["prompt"] == [question]
        else:
            answer = {"role": "assistant", "content": first[line["id"]]["response"]}
            assert line["prompt"] == [*first[line["id"]]["prompt"], answer, question]


def test_the_same_model_has_no_divergence(folders, chats, tmp_path):
    """KL(π‖π) is 0 and not about 0: the first point of every frontier lies on the axis."""
    output = tmp_path / "heldout.jsonl"
    answer(folders[0], folders[0], chats, output)
    lines = read(output)
    assert [line["policy_logp"] - line["reference_logp"] for line in lines] == [0.0] * 13


def test_divergence_of_two_models_points_the_right_way(lines):
    """Samples of π are likelier under π than under another model: swapped columns would give a negative KL.

    Every one of 13 responses of about ten tokens, between two models with independent random weights.
    """
    ratios = [line["policy_logp"] - line["reference_logp"] for line in lines]
    assert sum(ratios) / len(ratios) > 1


def test_bits_repeat(folders, chats, lines, tmp_path):
    """A cell that is generated again must give the same file."""
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    for output in (first, second):
        answer(*folders, chats, output)
    assert first.read_bytes() == second.read_bytes()
    assert read(first) == lines


def test_killed_before_the_rename(folders, chats, tmp_path, monkeypatch):
    """Half of the answers must never look like all of them; the next try replaces what lies beside."""
    output = tmp_path / "heldout.jsonl"

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", die)
        with pytest.raises(KeyboardInterrupt):
            answer(folders[0], folders[0], chats[:2], output)
    assert not output.exists()
    answer(folders[0], folders[0], chats, output)
    assert len(output.read_text().splitlines()) == 13
    assert {path.name for path in tmp_path.iterdir()} == {"heldout.jsonl", "judged.jsonl"}


def test_a_missing_reference_leaves_no_file(folders, chats, tmp_path):
    """Answers without the reference's log-probability are no result."""
    with pytest.raises(OSError, match="nowhere"):
        answer(folders[0], tmp_path / "nowhere", chats[:1], tmp_path / "heldout.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_what_a_judge_sees_is_not_weighed_and_leaves_the_rest_alone(folders, chats, lines, tmp_path):
    """The reference's pass over a judge's prompts would be paid for nothing; the held-out answers stay the same."""
    output = tmp_path / "heldout.jsonl"
    judged = [{"set": "alpaca_eval", "id": 0, "turns": chats[0]["turns"][:1]}]
    assert answer(*folders, chats, output, judged) == (13, 1)
    assert read(output) == lines
    (line,) = read(tmp_path / "judged.jsonl")
    assert set(line) == {"set", "id", "turn", "prompt", "response", "tokens", "finished"}


def test_each_chat_is_answered_in_its_own_way(folders, chats, tmp_path):
    """MT-Bench answers maths at temperature 0 and stories at 0.7: one temperature for all is another benchmark."""
    question = chats[0]["turns"][0]
    judged = [
        {"id": 0, "turns": [question], "temperature": 0.0, "max_new_tokens": 3},
        {"id": 1, "turns": [question], "temperature": 1.0},
        {"id": 2, "turns": [question], "temperature": 0.0, "max_new_tokens": 3},
        {"id": 3, "turns": [question], "history": [{"role": "user", "content": "hello"}], "temperature": 0.0},
    ]
    answer(*folders, chats[:1], tmp_path / "heldout.jsonl", judged)
    greedy, sampled, again, after = read(tmp_path / "judged.jsonl")
    assert [line["id"] for line in (greedy, sampled, again, after)] == [0, 1, 2, 3]
    assert greedy["response"] == again["response"] != sampled["response"]
    assert greedy["tokens"] <= 3 < sampled["tokens"]
    assert [message["content"] for message in after["prompt"]] == ["hello", question]
