"""Ask a study's judge what another judge was asked, and put what both said side by side."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossgrid.judging.asking.request import JudgeRequest, repeat_request
from lossgrid.judging.judge_card.stored_files import make_reader
from lossgrid.judging.shards import ask_judge, check_errors, check_readable
from lossgrid.studies import Study

# As FastChat asks a judge; a test compares the whole request with FastChat's own.
TEMPERATURE, MAX_TOKENS = 0, 2048


@dataclass(frozen=True)
class CardQuestion:
    """A stored judgment about which the judge is asked.

    Attributes:
        item: The stored judgment, as the sample has it.
        repeat: 0, or 1 for the same question again.
        requests: One for a rating; two for a pair, in the orders of the stored prompts.
    """

    item: Mapping[str, Any]
    repeat: int
    requests: tuple[JudgeRequest, ...]


def ask_card(
    study: Study,
    sample: Path,
    *,
    ledger: Path,
    judgments: Path,
    server_log: Path,
    report: Callable[[str], None] = print,
) -> dict[str, int]:
    """Ask what the ledger does not hold, and write what the judge said beside what is stored.

    Args:
        study: The study, with a judge.
        sample: File written by `write_sample`.
        ledger: Folder of the card's ledger.
        judgments: JSON lines to write, beside and renamed; see `collect_card_rows`.
        server_log: What the judge's server prints, where the study names a command.
        report: Gets the estimate, the progress and the outcome.

    Returns:
        How many judgments ended in each state.

    Raises:
        JudgingError: The share of `api_error` is above the judge's `max_error_share`, or nothing is `ok`.
        JudgingStopped: See `judge_requests`.
    """
    asked = build_card_questions(json.loads(sample.read_text(encoding="utf-8")), study.judge.model)
    requests = [request for question in asked for request in question.requests]
    records = ask_judge(study, requests, ledger, server_log, report)
    rows = collect_card_rows(asked, records, study.judge.get_server())
    judgments.parent.mkdir(parents=True, exist_ok=True)
    beside = judgments.with_suffix(".beside")
    beside.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    states = Counter(row["state"] for row in rows)
    report(", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    check_errors(study, {"": rows}, states, sum(record.permanent for record in records.values()))
    check_readable({"": rows}, ledger)
    beside.rename(judgments)
    return dict(states)


def build_card_questions(sample: Mapping[str, Any], judge_model: str) -> list[CardQuestion]:
    """What is asked about a sample: each of its items, then the second questions.

    Args:
        sample: What `write_sample` wrote.
        judge_model: Name of the judge.
    """
    readers: dict[str, Callable] = {}
    asked = []
    for item in sample["items"]:
        prompt = sample["prompts"][item["prompt"]]
        read = readers.setdefault(item["prompt"], make_reader(item["kind"], prompt["output_format"]))
        requests = tuple(
            JudgeRequest(
                {
                    "model": judge_model,
                    "messages": [
                        {"role": "system", "content": prompt["system_prompt"]},
                        {"role": "user", "content": text},
                    ],
                    "temperature": TEMPERATURE,
                    "max_tokens": MAX_TOKENS,
                },
                read,
            )
            for text in item["user_prompts"]
        )
        asked.append(CardQuestion(item, 0, requests))
    again = [
        CardQuestion(each.item, 1, tuple(repeat_request(request, 1) for request in each.requests))
        for each in asked
        if each.item["asked_twice"]
    ]
    return [*asked, *again]


def collect_card_rows(
    asked: list[CardQuestion], records: Mapping[str, Any], server: str
) -> list[dict[str, Any]]:
    """A row a question: the item without its prompts, and what the judge said.

    Returns:
        `kind`, `question_id`, `category`, `turn`, `models`, `lengths`, `stored`, `repeat`, `state` (`ok`,
        `parse_error`, `api_error`; of a pair, that of the order that failed), `judged` (as `stored`; None unless
        ok), `reply` and `key` (lists) and `error`.
    """
    kept = ("kind", "question_id", "category", "turn", "models", "lengths", "stored")
    rows = []
    for question in asked:
        keys = [request.get_key(server) for request in question.requests]
        own = [records[key] for key in keys]
        failed = [record for record in own if record.state != "ok"]
        rows.append(
            {
                **{name: question.item[name] for name in kept},
                "repeat": question.repeat,
                "state": failed[0].state if failed else "ok",
                "judged": None if failed else [record.value for record in own],
                "reply": [record.reply and record.reply["text"] for record in own],
                "error": "; ".join(str(record.error) for record in failed) or None,
                "key": keys,
            }
        )
    return rows
