"""Score files of a made-up results folder, as the scoring rules write them."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd


def write_rows(file: Path, rows: Iterable[dict]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_mt_bench(results: Path, run: str, scores: dict[int, tuple], repeats: Iterable[dict] = ()) -> None:
    """Scores of both turns by question; None is an answer of the judge that could not be read."""
    rows = [
        make_rating(question, turn, score)
        for question, turns in scores.items()
        for turn, score in enumerate(turns, start=1)
    ]
    write_rows(results / run / "scores" / "mt_bench.jsonl", [*rows, *repeats])


def make_rating(question: int, turn: int, score: float | None, repeat: int = 0) -> dict:
    state = "parse_error" if score is None else "ok"
    return {
        "question_id": question, "category": "math", "turn": turn, "repeat": repeat, "state": state, "score": score,
        "reply": "", "error": None if score else "no rating", "key": f"{question}{turn}{repeat}",
    }  # fmt: skip


def write_summaries(results: Path, run: str, rows: Iterable[tuple]) -> None:
    """Rows of post, row, opponent, swapped and preference; None is a call that failed."""
    names = ("post", "id", "opponent", "swapped", "preference")
    described = [dict(zip(names, row, strict=True)) for row in rows]
    write_rows(
        results / run / "scores" / "summaries.jsonl",
        [
            {**row, "state": "api_error" if row["preference"] is None else "ok", "repeat": 0}
            for row in described
        ],
    )


def write_frontier(results: Path, run: str, rewards: Iterable[float]) -> None:
    """Rewards in chats of two turns each; the KL is 0."""
    rows = [
        {"id": f"chat{number // 2}", "turn": 1 + number % 2, "reward": reward, "kl": 0.0}
        for number, reward in enumerate(rewards)
    ]
    write_rows(results / run / "scores" / "frontier.jsonl", rows)


def write_alpaca_eval(results: Path, rows: Iterable[tuple]) -> None:
    """Rows of cell, id, win and lc, in percent."""
    (results / "tables").mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=["cell", "id", "win", "lc"])
    table.to_csv(results / "tables" / "alpaca_eval_questions.csv", index=False)
