"""MT-Bench: what its judge is asked about the answers of runs, and the scores that come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from lossgrid.judging.asking.request import JudgeRequest, repeat_request
from lossgrid.judging.mt_bench.fastchat import get_games, import_fastchat, make_matches
from lossgrid.judging.mt_bench.files import check_files
from lossgrid.judging.mt_bench.verdicts import combine_verdicts, read_rating, read_winner


@dataclass(frozen=True)
class Judgment:
    """A judgment that is asked for.

    Attributes:
        run: The run whose answer is judged.
        row: What the score file says of it whatever the judge answers: `question_id`, `category`, `turn`, `repeat`,
            and for a comparison `baseline`.
        requests: One for a score; two for a comparison, with the run's answer first and with it second.
    """

    run: str
    row: dict[str, Any]
    requests: tuple[JudgeRequest, ...]


def get_temperature(category: str, required_temperature: float | None = None) -> float:
    """The temperature at which a question is answered, as FastChat's generation sets it.

    Args:
        category: Category of the question; 0.7 for one that FastChat does not know.
        required_temperature: The question's own `required_temperature`, which comes first.
    """
    if required_temperature is not None:
        return float(required_temperature)
    common, _ = import_fastchat()
    return float(common.temperature_config.get(category, 0.7))


def build_requests(
    questions: Sequence[dict],
    answers: Mapping[str, Sequence[dict]],
    judge_prompts: Mapping[str, dict],
    references: Mapping[Any, dict],
    judge_model: str,
    mode: str = "single",
    baseline_run: str | None = None,
    consistency: int = 0,
) -> list[Judgment]:
    """What is asked about every answer of every run, built by FastChat.

    Args:
        questions: Lines of `question.jsonl`.
        answers: Lines of the responses of each run, with `id` (a question), `turn` (1 or 2) and `response`.
        judge_prompts: Judge prompts by name.
        references: Reference answers by question.
        judge_model: Name of the judge.
        mode: `single` for a score of each answer, `pairwise` for a comparison with the baseline's in both orders.
        baseline_run: The run that others are compared with; not read for `single`.
        consistency: So many questions, spread over the categories, are asked a second time (`repeat` 1); all, where
            there are fewer.

    Returns:
        Judgments of a run after those of another, in the order of the questions. Runs with equal answers have equal
        requests.

    Raises:
        ValueError: See `check_files`; an answer that is missing, is there twice or belongs to no question; a
            baseline that is no run.
    """
    check_files(questions, judge_prompts, references, mode)
    if mode == "pairwise" and baseline_run not in answers:
        raise ValueError(
            f"baseline {baseline_run!r} is none of the runs {', '.join(answers)}; name one of them"
        )
    baseline = baseline_run if mode == "pairwise" else None
    arranged = {run: _arrange_answers(run, lines, questions) for run, lines in answers.items()}
    twice = choose_evenly(questions, consistency)
    judgments = []
    for match in make_matches(questions, arranged, judge_prompts, references, judge_model, baseline):
        read = read_rating if baseline is None else read_winner
        requests = tuple(JudgeRequest(game.get_body(), partial(read, game)) for game in get_games(match))
        name = match.question["question_id"]
        for repeat in (0, 1) if name in twice else (0,):
            row = {
                "question_id": name,
                "category": match.question["category"],
                "turn": 2 if match.multi_turn else 1,
                "repeat": repeat,
            }
            if baseline is not None:
                row["baseline"] = baseline
            asked = tuple(repeat_request(each, repeat) for each in requests) if repeat else requests
            judgments.append(Judgment(match.model if baseline is None else match.model_1, row, asked))
    runs = {run: place for place, run in enumerate(answers)}
    places = {question["question_id"]: place for place, question in enumerate(questions)}
    return sorted(
        judgments,
        key=lambda each: (
            runs[each.run], places[each.row["question_id"]], each.row["turn"], each.row["repeat"],
        ),
    )  # fmt: skip


def collect(judgments: Sequence[Judgment], records: Mapping[str, Any], server: str) -> dict[str, list[dict]]:
    """The rows of the score files.

    Args:
        judgments: What was asked, from `build_requests`.
        records: The record of every request, by its key.
        server: The name of the server in the keys.

    Returns:
        By run, a row for each judgment: what `row` says, `state`, `score` (1 to 10; null unless `ok` and for every
        comparison), `reply` (the judge's text), `error` and `key`. A comparison has `reply` and `key` of both
        orders in lists, and `verdicts` of both orders, `winner` (`model`, `baseline` or `tie`) and `inconsistent`;
        where one order failed, the judgment is that failure.

    Raises:
        ValueError: A request has no record.
    """
    rows: dict[str, list[dict]] = {}
    for judgment in judgments:
        keys = [request.get_key(server) for request in judgment.requests]
        for key in keys:
            if key not in records:
                where = f"{judgment.run}, question {judgment.row['question_id']}, turn {judgment.row['turn']}"
                raise ValueError(f"{where}: no record with the key {key}; ask the judge before collecting")
        asked = [records[key] for key in keys]
        outcome = _describe_score if len(asked) == 1 else _describe_comparison
        rows.setdefault(judgment.run, []).append({**judgment.row, **outcome(asked, keys)})
    return rows


def choose_evenly(questions: Sequence[dict], count: int) -> set:
    """The ids of so many questions: the first of every category, then the second of every one, and so on."""
    categories: dict[str, list] = {}
    for question in questions:
        categories.setdefault(question["category"], []).append(question["question_id"])
    # A category that ran out gives None, which no question is called.
    rounds = [name for each in zip_longest(*categories.values()) for name in each if name is not None]
    return set(rounds[: max(count, 0)])


def _arrange_answers(run: str, lines: Sequence[dict], questions: Sequence[dict]) -> dict[Any, dict]:
    """A run's responses as FastChat's answers."""
    turns: dict[tuple, str] = {}
    for line in lines:
        place = line["id"], line["turn"]
        if place in turns:
            raise ValueError(
                f"{run}: question {place[0]}, turn {place[1]} is answered twice; keep one answer"
            )
        turns[place] = line["response"]
    known = {(question["question_id"], turn): None for question in questions for turn in (1, 2)}
    for fault, places in (
        ("no answer to", [place for place in known if place not in turns]),
        ("an answer to the unknown", [place for place in turns if place not in known]),
    ):
        if places:
            more = f", and {len(places) - 1} more" if len(places) > 1 else ""
            raise ValueError(
                f"{run}: {fault} question {places[0][0]}, turn {places[0][1]}{more}; regenerate its responses"
            )
    return {
        question["question_id"]: {
            "choices": [{"turns": [turns[question["question_id"], turn] for turn in (1, 2)]}]
        }
        for question in questions
    }


def _describe_score(asked: Sequence[Any], keys: Sequence[str]) -> dict[str, Any]:
    (record,), (key,) = asked, keys
    return {
        "state": record.state,
        "score": float(record.value) if record.state == "ok" else None,
        "reply": _get_text(record),
        "error": record.error,
        "key": key,
    }


def _describe_comparison(asked: Sequence[Any], keys: Sequence[str]) -> dict[str, Any]:
    failed = [record for record in asked if record.state != "ok"]
    verdict = {"verdicts": None, "winner": None, "inconsistent": False}
    return {
        "state": failed[0].state if failed else "ok",
        "score": None,
        **(verdict if failed else combine_verdicts(*(record.value for record in asked))),
        "reply": [_get_text(record) for record in asked],
        "error": "; ".join(str(record.error) for record in failed) or None,
        "key": list(keys),
    }


def _get_text(record: Any) -> str | None:
    return record.reply["text"] if record.reply else None
