"""Sample answers of every cell with what the judge said of them: the same questions for all."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Questions on the page: one of each category as far as they go, and some instructions.
MOST_QUESTIONS, MOST_INSTRUCTIONS = 8, 4
# Characters for the samples of all cells together, and the fewest of one text.
MOST_CHARACTERS, FEWEST_CHARACTERS = 1_600_000, 160
CUT = " […]"


@dataclass(frozen=True)
class Samples:
    """What the page holds of questions and answers.

    Attributes:
        questions: ``set``, ``id``, ``category``, ``turns`` (texts of the user), ``reference`` (the opponent's answer,
            of an instruction).
        answers: By cell and then by the place of the question: for each turn ``text``, ``score`` (points, or the
            probability that the judge prefers the cell's answer), ``said`` (the judge's own words) or ``failed``.
        longest: Characters beyond which texts were cut.
    """

    questions: list[dict[str, Any]]
    answers: dict[str, list[list[dict[str, Any]]]]
    longest: int


def gather_samples(results: Path, cells: Iterable[str]) -> Samples:
    """Read the samples of a study.

    Args:
        results: Folder of the study's results.
        cells: Cells whose answers are wanted; those without answers to a judge's questions are left out.
    """
    questions = [*choose_questions(results / "prompts"), *choose_instructions(results / "prompts")]
    folders = {cell: results / (cell if cell == "sft" else f"cells/{cell}") for cell in cells}
    folders = {
        cell: folder for cell, folder in folders.items() if (folder / "responses/judged.jsonl").exists()
    }
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


def read_answers(folder: Path, questions: list[dict[str, Any]], longest: int) -> list[list[dict[str, Any]]]:
    """The answers of one cell to each question, turn by turn, with the first judgment of each."""
    wanted = {(question["set"], question["id"]) for question in questions}
    answers = {
        (line["set"], line["id"], line["turn"]): line["response"]
        for line in read_lines(folder / "responses/judged.jsonl")
        if (line["set"], line["id"]) in wanted
    }
    judgments = {**read_ratings(folder), **read_preferences(folder)}
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


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file; none where there is no file."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
