"""A study's judgments by OpenAI's Batch service, from the command line."""

import json
from pathlib import Path

import pytest
from judged_study import SFT, STRONG, WEAK, load_judged, read_lines, write_lines, write_responses

from lossgrid.__main__ import main
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.prompt_sets import write_prompt_sets

TEXTS = {SFT: "the plot is decent .", WEAK: "the cast is superb .", STRONG: "the score is awful ."}
SERVICE = {"command": None, "base_url": "http://127.0.0.1:9/v1", "server": "service"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A study, `study/judged.yaml`, whose runs have answered."""
    study = load_judged(tmp_path / "study", SERVICE, alpaca_eval={"prompts": 10})
    results = tmp_path / "results"
    write_prompt_sets(study, results / "prompts", tmp_path / "downloads")
    write_responses(
        results, results / "prompts", {run: lambda chat, turn, text=text: text for run, text in TEXTS.items()}
    )
    return tmp_path


def call(folder: Path, command: str, *arguments: Path) -> None:
    """A command about the study's AlpacaEval."""
    words = [
        command,
        folder / "study" / "judged.yaml",
        "alpaca_eval",
        *arguments,
        "--results",
        folder / "results",
    ]
    main([str(word) for word in words])


def answer(line: dict) -> dict:
    """What the service makes of a line of its input: the text shown first is preferred, by 2 to 1."""
    tokens = [{"token": "m", "logprob": -0.4055, "top_logprobs": []}]
    tokens[0]["top_logprobs"] = [{"token": "m", "logprob": -0.4055}, {"token": "M", "logprob": -1.0986}]
    message = {"role": "assistant", "content": "m"}
    body = {
        "id": "c", "object": "chat.completion", "created": 0, "model": "oracle",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, "logprobs": {"content": tokens}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101},
    }  # fmt: skip
    return {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


def test_a_batch_there_and_back(folder, capsys):
    """Ten instructions for either of two runs; the SFT model's answers are what they are compared with."""
    call(folder, "export-batch", folder / "batch")
    file = folder / "batch" / "batch-001.jsonl"
    assert str(file) in capsys.readouterr().out
    lines = read_lines(file)
    assert len(lines) == 20
    write_lines(folder / "output.jsonl", [answer(line) for line in lines])
    call(folder, "import-batch", folder / "output.jsonl")
    assert capsys.readouterr().out == "20 ok\n"
    assert {record.state for record in Ledger(folder / "results/ledgers/alpaca_eval").read().values()} == {
        "ok"
    }
    call(folder, "export-batch", folder / "again")
    assert "nothing to ask: the ledger has every answer" in capsys.readouterr().out
    assert not (folder / "again").exists()


def test_no_file_is_a_mistake(folder):
    """A pattern of the shell that matched nothing must not pass for an import."""
    with pytest.raises(SystemExit, match="no files; give the output and error files"):
        call(folder, "import-batch")


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(SystemExit, match=r"none\.jsonl: no such file"):
        call(folder, "import-batch", folder / "none.jsonl")


def test_a_judge_of_the_study_s_own_takes_no_batches(folder):
    """Nobody could be sent the file."""
    load_judged(folder / "study", alpaca_eval={"prompts": 10})
    with pytest.raises(
        SystemExit, match=r"judge\.command.*takes no batches; name the service in judge\.base_url"
    ):
        call(folder, "export-batch", folder / "batch")
    assert not (folder / "batch").exists()


def test_an_evaluation_that_the_study_lacks_is_named(folder):
    words = ["export-batch", str(folder / "study" / "judged.yaml"), "summaries", str(folder / "batch")]
    with pytest.raises(SystemExit, match="has no summaries; add it to the study"):
        main(words)
    assert json.loads((folder / "results/prompts/alpaca_eval.json").read_text())
