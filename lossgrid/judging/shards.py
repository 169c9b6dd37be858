"""Judging several runs in one job: their judge is started, and what judging needs is imported, once."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lossgrid.judging.client import Endpoint, judge_requests
from lossgrid.judging.ledger import Ledger
from lossgrid.judging.prices import Prices
from lossgrid.judging.prompt_sets import read_instructions, read_posts
from lossgrid.judging.request import JudgeRequest
from lossgrid.judging.server import serve
from lossgrid.studies import Study

SFT = "sft"


class JudgingError(RuntimeError):
    """More judgments ended as api_error than the study accepts; what was answered is in the ledger."""


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
        JudgingError: The share of `api_error` is above the judge's `max_error_share`.
    """
    answers = {run: read_answers(results, run, evaluation) for run in runs}
    build, collect = _BUILDERS[evaluation]
    asked = build(study, prompts, answers, lambda: read_answers(results, SFT, evaluation))
    server = study.judge.get_server()
    records = _ask(
        study, [request for each in asked for request in _get_requests(each)], ledger, server_log, report
    )
    rows = collect(asked, records, server)

    judgments.parent.mkdir(parents=True, exist_ok=True)
    beside = judgments.with_suffix(".beside")
    with beside.open("w") as file:
        for run in runs:
            file.writelines(json.dumps({"run": run, **row}) + "\n" for row in rows.get(run, ()))
    states = Counter(row["state"] for run in runs for row in rows.get(run, ()))
    report(", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing to judge")
    _check_errors(study, rows, states)
    beside.rename(judgments)
    return dict(states)


def read_answers(results: Path, run: str, evaluation: str) -> list[dict]:
    """A run's responses to the prompts of one evaluation."""
    with (results / run / "responses" / "judged.jsonl").open() as file:
        return [line for line in map(json.loads, file) if line["set"] == evaluation]


def _ask(
    study: Study, requests: list[JudgeRequest], ledger: Path, server_log: Path, report
) -> Mapping[str, Any]:
    judge = study.judge
    held = Ledger(ledger)
    server = judge.get_server()
    held.read()
    settled = all(held.is_settled(request.get_key(server)) for request in requests)
    # A served judge takes minutes to start; nothing is started for nothing.
    starts = judge.command is not None and not settled
    context = serve(judge.command, server_log, report=report) if starts else nullcontext(judge.base_url or "")
    with context as base_url:
        endpoint = Endpoint(
            base_url=base_url,
            server=server,
            model=judge.model,
            key_variable=judge.key_variable,
            concurrency=judge.concurrency,
            timeout=judge.timeout,
            attempts=judge.attempts,
            prices=judge.prices and Prices(**judge.prices.model_dump()),
            spend_limit=judge.spend_limit,
        )
        return judge_requests(requests, endpoint, held, report)


def _check_errors(study: Study, rows: Mapping[str, list[dict]], states: Counter) -> None:
    errors, total = states["api_error"], sum(states.values())
    if errors > study.judge.max_error_share * total:
        first = next(row["error"] for each in rows.values() for row in each if row["state"] == "api_error")
        raise JudgingError(
            f"{errors} of {total} judgments ended as api_error, above judge.max_error_share "
            f"{study.judge.max_error_share:g}; the first says: {first}. The others are in the ledger; run the same "
            "command again to ask for these alone"
        )


def _get_requests(asked: Any) -> list[JudgeRequest]:
    if hasattr(asked, "requests"):
        return list(asked.requests)
    return [] if asked.request is None else [asked.request]


def _build_mt_bench(study: Study, prompts: Path, answers: dict, read_sft: Callable) -> list:
    from lossgrid.judging.mt_bench import build_requests
    from lossgrid.judging.mt_bench_files import load_files

    settings = study.mt_bench
    pairwise = settings.mode == "pairwise"
    files = load_files(prompts / "mt_bench", settings.mode)
    if pairwise:
        answers = {**{run: lines for run, lines in answers.items() if run != SFT}, SFT: read_sft()}
    return build_requests(
        files.questions,
        answers,
        files.prompts,
        files.references,
        study.judge.model,
        settings.mode,
        SFT if pairwise else None,
        settings.consistency,
    )


def _build_alpaca_eval(study: Study, prompts: Path, answers: dict, read_sft: Callable) -> list:
    from lossgrid.judging.alpaca_eval import build_requests

    instructions = read_instructions(prompts)
    settings = study.alpaca_eval
    if settings.baseline == "sft":
        baseline = {line["id"]: line["response"] for line in read_sft()}
        answers = {run: lines for run, lines in answers.items() if run != SFT}
    else:
        baseline = {row["id"]: row["output"] for row in instructions}
    return build_requests(instructions, baseline, answers, study.judge.model, settings.consistency)


def _build_summaries(study: Study, prompts: Path, answers: dict, read_sft: Callable) -> list:
    from lossgrid.judging.summaries import build_requests

    settings = study.summaries
    opponents = ("human", "sft") if settings.opponents == "both" else (settings.opponents,)
    sft = read_sft() if "sft" in opponents else None
    return build_requests(
        read_posts(prompts), answers, study.judge.model, opponents, sft, settings.consistency
    )


def _collect_mt_bench(asked, records, server):
    from lossgrid.judging.mt_bench import collect

    return collect(asked, records, server)


def _collect_comparisons(asked, records, server):
    from lossgrid.judging.comparisons import collect_comparisons

    return collect_comparisons(asked, records, server)


_BUILDERS = {
    "mt_bench": (_build_mt_bench, _collect_mt_bench),
    "alpaca_eval": (_build_alpaca_eval, _collect_comparisons),
    "summaries": (_build_summaries, _collect_comparisons),
}
