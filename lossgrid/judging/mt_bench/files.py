"""MT-Bench's files in FastChat's format, read and checked before anything is asked."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from lossgrid.judging.mt_bench.fastchat import import_fastchat

SUFFIXES = {False: "", True: "-multi-turn"}
PROMPTS = {"single": ("single-v1", "single-math-v1"), "pairwise": ("pair-v2", "pair-math-v1")}
FORMATS = {"single": ("[[rating]]",), "pairwise": ("[[A]]", "[[rating_a,rating_b]]")}
ANSWERS = {"single": ("answer",), "pairwise": ("answer_a", "answer_b")}


@dataclass(frozen=True)
class BenchmarkFiles:
    """What a judge of MT-Bench is asked with.

    Attributes:
        questions: Each with `question_id`, `category` and two `turns`, in the order of the file.
        prompts: Judge prompts by name.
        references: Reference answers by question.
    """

    questions: list[dict]
    prompts: dict[str, dict]
    references: dict[Any, dict]


def load_files(folder: Path, mode: str = "single") -> BenchmarkFiles:
    """Read and check the three files of a folder.

    Args:
        folder: With `question.jsonl`, `judge_prompts.jsonl` and `reference_answer.jsonl`.
        mode: `single` or `pairwise`: which prompts must be there.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is no JSON lines, or its content is not what MT-Bench needs; see `check_files`.
    """
    common, _ = import_fastchat()
    folder = Path(folder)
    questions = _load(folder / "question.jsonl", lambda file: common.load_questions(file, None, None))
    prompts = _load(folder / "judge_prompts.jsonl", common.load_judge_prompts)
    answers = _load(folder / "reference_answer.jsonl", _read_lines)
    twice = _find_twice(answer.get("question_id") for answer in answers)
    if twice:
        raise ValueError(f"reference_answer.jsonl: question {twice[0]} has two references; keep one of them")
    references = {answer.get("question_id"): answer for answer in answers}
    check_files(questions, prompts, references, mode)
    return BenchmarkFiles(questions, prompts, references)


def check_files(
    questions: Sequence[dict], prompts: Mapping[str, dict], references: Mapping[Any, dict], mode: str
) -> None:
    """Refuse what FastChat would skip, or fail on in the middle.

    Raises:
        ValueError: An unknown mode; a question without id, category or two turns, or one that stands there twice;
            a missing prompt, or one without the format or the placeholders of its kind; a category that needs
            references and a question of it without one for both turns.
    """
    if mode not in PROMPTS:
        raise ValueError(f"mode {mode!r} is not known; choose single or pairwise")
    _check_questions(questions)
    for with_reference, name in enumerate(PROMPTS[mode]):
        for multi_turn, suffix in SUFFIXES.items():
            _check_prompt(prompts, f"{name}{suffix}", mode, multi_turn, bool(with_reference))
    common, _ = import_fastchat()
    for question in questions:
        if question["category"] in common.NEED_REF_CATS:
            _check_reference(question, references)


def _check_questions(questions: Sequence[dict]) -> None:
    if not questions:
        raise ValueError("question.jsonl: no questions")
    for place, question in enumerate(questions, 1):
        missing = [key for key in ("question_id", "category", "turns") if key not in question]
        if missing:
            raise ValueError(f"question.jsonl: question {place} of the file has no {missing[0]}; add it")
        if not _has_two_texts(question["turns"]):
            raise ValueError(
                f"question.jsonl: question {question['question_id']}: turns is no list of two texts but "
                f"{str(question['turns'])[:60]!r}; both turns are judged"
            )
    twice = _find_twice(question["question_id"] for question in questions)
    if twice:
        raise ValueError(f"question.jsonl: question {twice[0]} stands there twice; give it an id of its own")


def _check_prompt(
    prompts: Mapping[str, dict], name: str, mode: str, multi_turn: bool, with_reference: bool
) -> None:
    if name not in prompts:
        raise ValueError(f"judge_prompts.jsonl: no prompt {name}; mode {mode} needs it")
    prompt = prompts[name]
    missing = [
        key for key in ("type", "system_prompt", "prompt_template", "output_format") if key not in prompt
    ]
    if missing:
        raise ValueError(f"judge_prompts.jsonl: {name} has no {missing[0]}; add it")
    if prompt["type"] != mode or prompt["output_format"] not in FORMATS[mode]:
        raise ValueError(
            f"judge_prompts.jsonl: {name} has type {prompt['type']} and output_format {prompt['output_format']}; "
            f"mode {mode} reads type {mode} and {' or '.join(FORMATS[mode])}"
        )
    turns = ("_1", "_2") if multi_turn else ("",)
    needed = {f"{each}{turn}" for each in ("question", *ANSWERS[mode]) for turn in turns}
    needed |= {f"ref_answer{turn or '_1'}" for turn in turns} if with_reference else set()
    try:
        found = {
            field for _, field, _, _ in Formatter().parse(prompt["prompt_template"]) if field is not None
        }
    except ValueError as error:
        raise ValueError(f"judge_prompts.jsonl: {name}: prompt_template: {error}; write {{ as {{{{") from None
    for field in sorted(found ^ needed):
        fault = "is missing" if field in needed else "is filled by nothing"
        raise ValueError(
            f"judge_prompts.jsonl: {name}: placeholder {{{field}}} {fault}; correct prompt_template"
        )


def _check_reference(question: dict, references: Mapping[Any, dict]) -> None:
    name, category = question["question_id"], question["category"]
    if name not in references:
        raise ValueError(
            f"reference_answer.jsonl: no reference for question {name}; answers of the category {category} are "
            "judged beside one"
        )
    choices = references[name].get("choices")
    turns = choices[0].get("turns") if isinstance(choices, list) and choices else None
    if not _has_two_texts(turns):
        raise ValueError(
            f"reference_answer.jsonl: question {name}: choices[0].turns is no list of two texts; both turns are "
            "judged beside a reference"
        )


def _has_two_texts(turns: Any) -> bool:
    return isinstance(turns, list) and len(turns) == 2 and all(isinstance(turn, str) for turn in turns)


def _find_twice(names: Any) -> list:
    return [name for name, count in Counter(names).items() if count > 1]


def _load(file: Path, load: Callable[[Path], Any]) -> Any:
    try:
        return load(file)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{file.name}: a line is no JSON ({error.msg}): {error.doc[:60]!r}; write one object a line"
        ) from None
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file.name}: a line has no {error}; write FastChat's format") from None


def _read_lines(file: Path) -> list[dict]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
