"""Judgments of MT-Bench as FastChat stores them, with what the judge was asked: what a new judge can be asked too."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossgrid.judging.asking.request import Reply, UnreadableReply
from lossgrid.judging.judge_card.answer_lengths import measure_answers
from lossgrid.judging.mt_bench.fastchat import make_bare_game
from lossgrid.judging.mt_bench.verdicts import is_failure_mark, read_rating, read_winner

SINGLE, PAIRS = "single", "pairs"
_MODELS = {SINGLE: ("model",), PAIRS: ("model_1", "model_2")}
_PROMPTS = {SINGLE: ("user_prompt",), PAIRS: ("g1_user_prompt", "g2_user_prompt")}
_JUDGMENTS = {SINGLE: ("judgment",), PAIRS: ("g1_judgment", "g2_judgment")}
_READERS = {SINGLE: read_rating, PAIRS: read_winner}
_TYPES = {SINGLE: "single", PAIRS: "pairwise"}


@dataclass(frozen=True)
class StoredFile:
    """What a file of stored judgments holds.

    Attributes:
        judge: Whose judgments these are.
        lines: How many lines of this judge's the file has.
        superseded: Of these, how many a later line about the same answers replaces.
        unreadable: Of the others, how many hold no verdict, or a failed call.
        items: The rest, in order of question, turn and models: `kind`, `question_id`, `category`, `turn`, `models`,
            `prompt` (name of the judge's prompt), `user_prompts` (one; of a pair one for each order), `stored` (what
            the stored judge said to each: a rating, or `A`, `B` or `tie` by the place of the answers) and `lengths`
            (characters of the judged answer of each model, None where the prompt does not show it).
    """

    judge: str
    lines: int
    superseded: int
    unreadable: int
    items: list[dict[str, Any]]


def read_stored_file(
    file: Path,
    kind: str,
    questions: Sequence[Mapping],
    prompts: Mapping[str, Mapping],
    judge: str | None = None,
) -> StoredFile:
    """Read one of FastChat's files of judgments.

    Args:
        file: JSON lines, of `gen_judgment` in mode `single` or in one of the modes for pairs.
        kind: `single` or `pairs`.
        questions: Lines of `question.jsonl`, for the categories.
        prompts: Judge prompts by name.
        judge: Whose judgments to read; None for the only judge of the file.

    Raises:
        ValueError: A line is no JSON, lacks a key (such as the prompts, which some copies of these files leave out),
            or is about a question or a prompt that is not known; several judges, or not the one that is asked for.
    """
    lines = [_check_line(line, number, file, kind) for number, line in enumerate(_read_lines(file), 1)]
    judge, own = _select_judge(lines, judge, file)
    categories = {question["question_id"]: question["category"] for question in questions}
    last = {(line["question_id"], line["turn"], *_get(line, _MODELS[kind])): line for line in own}
    items = []
    for place, line in sorted(last.items(), key=lambda item: [str(part).zfill(8) for part in item[0]]):
        if line["question_id"] not in categories:
            raise ValueError(
                f"{file}: question {line['question_id']} is none of the {len(categories)} questions; name the file's "
                "own in judge_card.questions"
            )
        prompt = _find_prompt(line, prompts, kind, file)
        stored = _read_verdicts(line, prompt, kind)
        if stored is not None:
            items.append(
                {
                    "kind": kind,
                    "question_id": place[0],
                    "category": categories[place[0]],
                    "turn": place[1],
                    "models": list(place[2:]),
                    "prompt": prompt["name"],
                    "user_prompts": _get(line, _PROMPTS[kind]),
                    "stored": stored,
                    "lengths": measure_answers(_get(line, _PROMPTS[kind])[0], prompt["prompt_template"]),
                }
            )
    return StoredFile(judge, len(own), len(own) - len(last), len(last) - len(items), items)


def make_reader(kind: str, output_format: str) -> Callable[[Reply], Any]:
    """What reads a reply: FastChat's parser for this format, within its bounds."""
    game, read = make_bare_game(output_format), _READERS[kind]
    return lambda reply: read(game, reply)


def _read_lines(file: Path) -> list[Any]:
    lines = []
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            lines.append(json.loads(text))
        except ValueError as error:
            raise ValueError(f"{file}: line {number} is no JSON ({error}); fetch the file anew") from None
    return lines


def _check_line(line: Any, number: int, file: Path, kind: str) -> Mapping:
    if not isinstance(line, dict):
        raise ValueError(f"{file}: line {number} is no judgment; give FastChat's JSON lines")
    texts = (*_PROMPTS[kind], *_JUDGMENTS[kind])
    for key in ("question_id", "turn", "judge", *_MODELS[kind], *texts):
        if line.get(key) is None or (key in texts and not isinstance(line[key], str)):
            raise ValueError(
                f"{file}: line {number} has no {key}; a new judge can be asked only what a file holds in full, as "
                "those published with FastChat do"
            )
    if not (isinstance(line["judge"], list) and len(line["judge"]) == 2):
        raise ValueError(f"{file}: line {number}: judge is no list of the judge's name and its prompt's")
    return line


def _select_judge(lines: Sequence[Mapping], judge: str | None, file: Path) -> tuple[str, list[Mapping]]:
    names = list(dict.fromkeys(line["judge"][0] for line in lines))
    if judge is None and len(names) != 1:
        raise ValueError(
            f"{file}: judgments of {', '.join(names) or 'nobody'}; name one in judge_card.stored_judge"
        )
    if judge is not None and judge not in names:
        raise ValueError(
            f"{file}: no judgment of judge_card.stored_judge {judge!r}; it has {', '.join(names)}"
        )
    chosen = names[0] if judge is None else judge
    return chosen, [line for line in lines if line["judge"][0] == chosen]


def _find_prompt(line: Mapping, prompts: Mapping[str, Mapping], kind: str, file: Path) -> Mapping:
    name = line["judge"][1]
    if name not in prompts or prompts[name]["type"] != _TYPES[kind]:
        known = [each for each, prompt in prompts.items() if prompt["type"] == _TYPES[kind]]
        raise ValueError(
            f"{file}: question {line['question_id']} was judged by the prompt {name}, which is none for {kind}: "
            f"{', '.join(known)}"
        )
    return prompts[name]


def _read_verdicts(line: Mapping, prompt: Mapping, kind: str) -> list[Any] | None:
    """What the stored judge said in each order; None where one of its texts holds no verdict."""
    read = make_reader(kind, prompt["output_format"])
    texts = _get(line, _JUDGMENTS[kind])
    if any(is_failure_mark(text) for text in texts):
        return None
    try:
        return [read(Reply(text, None, None, 0, 0)) for text in texts]
    except UnreadableReply:
        return None


def _get(line: Mapping, keys: Sequence[str]) -> list[Any]:
    return [line[key] for key in keys]
