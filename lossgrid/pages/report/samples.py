"""Sample answers of every cell with what they earned and what the judge said of them: the same questions for all."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Questions on the page: one of each category as far as they go, some instructions and some held-out chats.
MOST_QUESTIONS, MOST_INSTRUCTIONS, MOST_CHATS = 8, 4, 4
# Answers of all cells together: of more cells fewer questions are shown.
MOST_ANSWERS = 10_000
# Characters for the samples of all cells together, and the fewest of one text.
MOST_CHARACTERS, FEWEST_CHARACTERS = 1_600_000, 160
CUT = " […]"
HELDOUT = "heldout"


@dataclass(frozen=True)
class Samples:
    """What the page holds of questions and answers.

    Attributes:
        questions: ``set``, ``id``, ``category``, ``turns`` (texts of the user), ``reference`` (the opponent's answer,
            of an instruction).
        answers: By cell and then by the place of the question: for each turn ``text``, ``score`` (points, the
            probability that the judge prefers the cell's answer, or the reward in points), ``said`` (the judge's
            own words) or ``failed``.
        longest: Characters beyond which texts were cut.
    """

    questions: list[dict[str, Any]]
    answers: dict[str, list[list[dict[str, Any]]]]
    longest: int


def gather_samples(results: Path, cells: Iterable[str]) -> Samples:
    """Read the samples of a study.

    Args:
        results: Folder of the study's results.
        cells: Cells whose answers are wanted; those without answers are left out.
    """
    prompts = results / "prompts"
    questions = [*choose_questions(prompts), *choose_instructions(prompts), *choose_chats(results / "sft")]
    folders = {cell: results / (cell if cell == "sft" else f"cells/{cell}") for cell in cells}
    folders = {cell: folder for cell, folder in folders.items() if any(folder.glob("responses/*.jsonl"))}
    # Spread over all kinds of question.
    questions = questions[:: max(1, math.ceil(len(questions) * len(folders) / MOST_ANSWERS))]
    texts = max(1, 2 * sum(len(question["turns"]) for question in questions) * len(folders))
    longest = max(FEWEST_CHARACTERS, MOST_CHARACTERS // texts)
    answers = {cell: read_answers(folder, questions, longest) for cell, folder in folders.items()}
    return Samples([shorten_question(each, longest) for each in questions], answers, longest)


def choose_questions(prompts: Path) -> Iterator[dict[str, Any]]:
    """The first questions of MT-Bench of as many categories as there are."""
    seen: set[str] = set()
    for question in read_lines(prompts / "mt_bench" / "question.jsonl"):
        if question["category"] not in seen and len(seen) < MOST_QUESTIONS:
            seen.add(question["category"])
            yield {
                "set": "mt_bench",
                "id": question["question_id"],
                "category": question["category"],
                "turns": question["turns"],
            }


def choose_instructions(prompts: Path) -> Iterator[dict[str, Any]]:
    """The first instructions of AlpacaEval with the opponent's answers."""
    file = prompts / "alpaca_eval.json"
    instructions = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    for number, each in enumerate(instructions[:MOST_INSTRUCTIONS]):
        yield {
            "set": "alpaca_eval",
            "id": number,
            "category": each.get("dataset", ""),
            "turns": [each["instruction"]],
            "reference": each["output"],
        }


def choose_chats(sft: Path) -> Iterator[dict[str, Any]]:
    """The first turns of the first held-out chats."""
    lines = read_lines(sft / "responses/heldout.jsonl", MOST_CHATS)
    for line in lines:
        if line["turn"] == 1:
            asked = line["prompt"][-1]["content"]
            yield {"set": HELDOUT, "id": line["id"], "category": "", "turns": [asked]}


def read_answers(folder: Path, questions: list[dict[str, Any]], longest: int) -> list[list[dict[str, Any]]]:
    """The answers of one cell to each question, turn by turn, with the first judgment of each."""
    wanted = {(question["set"], question["id"]) for question in questions}
    lines = [*read_lines(folder / "responses/judged.jsonl"), *read_lines(folder / "responses/heldout.jsonl")]
    answers = {
        (line.get("set", HELDOUT), line["id"], line["turn"]): line["response"]
        for line in lines
        if (line.get("set", HELDOUT), line["id"]) in wanted
    }
    judgments = {**read_ratings(folder), **read_preferences(folder), **read_rewards(folder)}
    return [
        [
            {"text": cut(answers.get(key, ""), longest), **describe_judgment(judgments.get(key), longest)}
            for key in ((question["set"], question["id"], turn + 1) for turn in range(len(question["turns"])))
        ]
        for question in questions
    ]


def read_ratings(folder: Path) -> dict[tuple, dict[str, Any]]:
    """The first rating of every answer to a question of MT-Bench."""
    lines = read_lines(folder / "scores/mt_bench.jsonl")
    return {("mt_bench", line["question_id"], line["turn"]): line for line in lines if line["repeat"] == 0}


def read_preferences(folder: Path) -> dict[tuple, dict[str, Any]]:
    """The first preference for every answer to an instruction."""
    lines = read_lines(folder / "scores/alpaca_eval.jsonl")
    return {
        ("alpaca_eval", line["id"], 1): {
            **line,
            "score": None if line["preference"] is None else line["preference"] - 1,
        }
        for line in lines
        if line["repeat"] == 0
    }


def read_rewards(folder: Path) -> dict[tuple, dict[str, Any]]:
    """The reward of every answer in a held-out chat, where the world knows one."""
    return {
        (HELDOUT, line["id"], line["turn"]): {"state": "ok", "score": line["reward"]}
        for line in read_lines(folder / "scores/frontier.jsonl")
        if line.get("reward") is not None
    }


def describe_judgment(judgment: dict[str, Any] | None, longest: int) -> dict[str, Any]:
    """What the page says of one judgment; nothing where there is none."""
    if judgment is None:
        return {}
    if judgment["state"] != "ok":
        reason = judgment.get("error") or judgment.get("reply") or ""
        return {"failed": f"{judgment['state']}: {cut(str(reason), longest)}"}
    said = {"said": cut(judgment["reply"], longest)} if judgment.get("reply") else {}
    return {"score": round(judgment["score"], 3), **said}


def shorten_question(question: dict[str, Any], longest: int) -> dict[str, Any]:
    """The question with texts that are not too long; its own are kept once for all cells."""
    texts = {"turns": [cut(turn, 8 * longest) for turn in question["turns"]]}
    if "reference" in question:
        texts["reference"] = cut(question["reference"], 8 * longest)
    return {**question, **texts}


def cut(text: str, longest: int) -> str:
    """The beginning of a text, marked where something was cut off."""
    return text if len(text) <= longest else text[: longest - len(CUT)] + CUT


def read_lines(file: Path, most: int | None = None) -> list[dict[str, Any]]:
    """The first lines of a JSONL file, by default all; none where there is no file."""
    if not file.exists():
        return []
    lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line]
    return [json.loads(line) for line in lines[:most]]
