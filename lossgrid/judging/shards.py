"""Judging several runs in one job: their judge is started, and what judging needs is imported, once."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lossgrid.judging.asking.client import judge_requests
from lossgrid.judging.asking.endpoint import read_key
from lossgrid.judging.asking.ledger import Ledger
from lossgrid.judging.asking.request import JudgeRequest
from lossgrid.judging.evaluations import build_questions, collect_rows, get_endpoint, list_requests
from lossgrid.judging.serving.server import serve
from lossgrid.studies import Study


class JudgingError(RuntimeError):
    """More judgments ended as api_error than the study accepts, or none is ok; all answers are in the ledger."""


def judge_runs(
    study: Study,
    evaluation: str,
    runs: Sequence[str],
    *,
    results: Path,
    prompts: Path,
    ledger: Path,
    judgments: Path,
    server_log: Path,
    report: Callable[[str], None] = print,
) -> dict[str, int]:
    """Judge the responses of several runs, asking only what the ledger does not hold.

    Args:
        study: The study, with a judge and this evaluation.
        evaluation: `mt_bench`, `alpaca_eval` or `summaries`.
        runs: Folders below the results, such as `sft` or `cells/dpo/beta~0.05/seed~1`.
        results: Results folder of the study; every run, and the SFT model where it is the baseline, has
            `responses/judged.jsonl`.
        prompts: Folder written by `write_prompt_sets`.
        ledger: Folder of the evaluation's ledger, which all its jobs share.
        judgments: JSON lines to write, beside and renamed: the score rows of the evaluation with their `run`.
        server_log: What the judge's server prints, where the study names a command.
        report: Gets the estimate, the progress and the outcome.

    Returns:
        How many judgments ended in each state.

    Raises:
        JudgingError: The share of `api_error` is above the judge's `max_error_share`, or nothing that was asked is
            `ok`.
        JudgingStopped: See `judge_requests`.
    """
    asked = build_questions(study, evaluation, runs, results, prompts)
    records = ask_judge(study, list_requests(asked), ledger, server_log, report)
    rows = collect_rows(evaluation, asked, records, study.judge.get_server())

    judgments.parent.mkdir(parents=True, exist_ok=True)
    beside = judgments.with_suffix(".beside")
    with beside.open("w") as file:
        for run in runs:
            file.writelines(json.dumps({"run": run, **row}) + "\n" for row in rows.get(run, ()))
    states = Counter(row["state"] for run in runs for row in rows.get(run, ()))
    report(", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing to judge")
    check_errors(study, rows, states, sum(record.permanent for record in records.values()))
    check_readable(rows, ledger)
    beside.rename(judgments)
    return dict(states)


def ask_judge(
    study: Study,
    requests: Sequence[JudgeRequest],
    ledger: Path,
    server_log: Path,
    report: Callable[[str], None],
) -> Mapping[str, Any]:
    """Have a study's judge answer what a ledger does not hold; its server is started for nothing else.

    Returns:
        The record of every request, by key.

    Raises:
        JudgingStopped: See `judge_requests`.
    """
    judge = study.judge
    held = Ledger(ledger)
    server = judge.get_server()
    settled = all(held.is_settled(request.get_key(server)) for request in requests)
    # A served judge takes minutes to start; nothing is started for nothing.
    starts = judge.command is not None and not settled
    if starts:
        # Before those minutes, not after them.
        read_key(get_endpoint(judge, ""))
        context = serve(judge.command, server_log, judge.ready_timeout, report=report)
    else:
        context = nullcontext(judge.base_url or "")
    with context as base_url:
        return judge_requests(requests, get_endpoint(judge, base_url), held, report)


def check_errors(study: Study, rows: Mapping[str, list[dict]], states: Counter, refused: int) -> None:
    """Refuse more calls without an answer than the study accepts.

    Raises:
        JudgingError: With what the first one says, and what to do.
    """
    errors, total = states["api_error"], sum(states.values())
    if errors > study.judge.max_error_share * total:
        first = next(row["error"] for each in rows.values() for row in each if row["state"] == "api_error")
        fix = "run the same command again to ask for these alone"
        if refused:
            fix += (
                f", but for {refused} requests that were refused as such: change what is asked, or accept their "
                "share with judge.max_error_share"
            )
        raise JudgingError(
            f"{errors} of {total} judgments ended as api_error, above judge.max_error_share "
            f"{study.judge.max_error_share:g}; the first says: {first}. The others are in the ledger; {fix}"
        )


def check_readable(rows: Mapping[str, list[dict]], ledger: Path) -> None:
    """Refuse judgments of which not one can be read.

    Raises:
        JudgingError: With what the first one says, and what to do.
    """
    # Texts that are the same make a draw that nobody was asked about, so that they tell nothing of the judge.
    asked = [row for each in rows.values() for row in each if row["key"] is not None]
    if asked and not any(row["state"] == "ok" for row in asked):
        raise JudgingError(
            f"none of the {len(asked)} judgments that were asked for is ok; the first says: {asked[0]['error']}. Let "
            "the server or another model answer what the evaluation asks for; the replies lie in "
            f"{ledger}, and what lies there is not asked again: delete that folder to ask anew"
        )
