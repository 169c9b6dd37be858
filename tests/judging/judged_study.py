"""Small studies with a judge, and made-up responses of their runs."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lossgrid.studies import Study, load_study

ROOT = Path(__file__).resolve().parents[2]
ORACLE = f"{sys.executable} {ROOT / 'workflow_scripts' / 'serve_oracle.py'} --port {{port}} --seed 1"
SFT, WEAK, STRONG = "sft", "cells/dpo/beta~0.05/seed~1", "cells/dpo/beta~0.25/seed~1"
STUDY = """\
title: A judged study
world: {kind: reviews, corpus_chats: 100, pairs: 20, heldout_chats: 10}
sft: {learning_rate: 3e-3, epochs: 3, batch_size: 8, max_length: 64}
training: {learning_rate: 5e-7, epochs: 2, batch_size: 32, max_length: 64}
seeds: [1]
objectives:
  dpo: {beta: [0.05, 0.25]}
"""


def load_judged(folder: Path, judge: Mapping | None = None, **evaluations: Mapping) -> Study:
    """The study with evaluations, judged by an oracle that it starts unless told otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    judge = {"model": "oracle", "command": ORACLE, "server": "oracle", **(judge or {})}
    # A study knows one way to its judge; JSON is YAML.
    judge = {key: value for key, value in judge.items() if value is not None}
    blocks = {"judge": judge, **evaluations}
    file = folder / "judged.yaml"
    file.write_text(
        STUDY + "".join(f"{name}: {json.dumps(block)}\n" for name, block in blocks.items()), encoding="utf-8"
    )
    return load_study(file)


def write_responses(
    results: Path, prompts: Path, runs: Mapping[str, Callable[[Mapping, int], str]]
) -> dict[str, list[dict]]:
    """Answer every turn of every chat of the prompt sets, and write the answers as generation does.

    Args:
        results: Results folder.
        prompts: Folder written by `write_prompt_sets`.
        runs: By run, a function from a chat and its turn (from 1) to the answer.
    """
    chats = read_lines(prompts / "chats.jsonl")
    answers = {}
    for run, answer in runs.items():
        answers[run] = [
            {"set": chat["set"], "id": chat["id"], "turn": turn, "response": answer(chat, turn)}
            for chat in chats
            for turn in range(1, len(chat["turns"]) + 1)
        ]
        write_lines(results / run / "responses" / "judged.jsonl", answers[run])
    return answers


def write_scores(results: Path, evaluation: str, rows: dict[str, list[dict]]) -> None:
    """Score files of all runs, empty for a run without rows."""
    for run in (SFT, WEAK, STRONG):
        write_lines(results / run / "scores" / f"{evaluation}.jsonl", rows.get(run, []))


def read_lines(file: Path) -> list[dict]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def write_lines(file: Path, rows: list[dict]) -> None:
    """Objects as a file of JSON lines, with its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
