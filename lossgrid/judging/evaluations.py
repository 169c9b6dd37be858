"""What each evaluation asks a judge about several runs, and the score rows that the answers become."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lossgrid.judging import alpaca_eval, summaries
from lossgrid.judging.asking.endpoint import Endpoint
from lossgrid.judging.asking.prices import Prices
from lossgrid.judging.asking.request import JudgeRequest
from lossgrid.judging.comparisons import collect_comparisons, index_responses
from lossgrid.judging.mt_bench import requests as mt_bench
from lossgrid.judging.mt_bench.files import load_files
from lossgrid.judging.prompt_sets import read_instructions, read_posts
from lossgrid.judging.summaries import HUMAN, SFT
from lossgrid.studies import Study
from lossgrid.studies.judging import Judge


def build_questions(
    study: Study, evaluation: str, runs: Sequence[str], results: Path, prompts: Path
) -> list[Any]:
    """Everything that one evaluation asks about some runs.

    Args:
        study: The study, with a judge and this evaluation.
        evaluation: `mt_bench`, `alpaca_eval` or `summaries`.
        runs: Folders below the results.
        results: Results folder of the study; every run, and the SFT model where it is the opponent, has
            `responses/judged.jsonl`.
        prompts: Folder written by `write_prompt_sets`.

    Returns:
        Judgments of `mt_bench`, or comparisons.

    Raises:
        ValueError: A run lacks a response.
    """
    answers = {run: read_answers(results, run, evaluation) for run in runs}
    build, _ = _EVALUATIONS[evaluation]
    return build(study, prompts, answers, lambda: read_answers(results, SFT, evaluation))


def list_requests(asked: Sequence[Any]) -> list[JudgeRequest]:
    """The requests behind what is asked; texts that are the same need none."""
    return [request for each in asked for request in each.requests]


def collect_rows(
    evaluation: str, asked: Sequence[Any], records: Mapping[str, Any], server: str
) -> dict[str, list[dict[str, Any]]]:
    """The score rows by run.

    Args:
        evaluation: As for `build_questions`.
        asked: What that returned.
        records: The record of every request, by key.
        server: The server's name in the keys.
    """
    _, collect = _EVALUATIONS[evaluation]
    return collect(asked, records, server)


def get_endpoint(judge: Judge, base_url: str) -> Endpoint:
    """A study's judge as the client takes it, at the address where it now is."""
    return Endpoint(
        base_url=base_url,
        server=judge.get_server(),
        model=judge.model,
        key_variable=judge.key_variable,
        concurrency=judge.concurrency,
        timeout=judge.timeout,
        attempts=judge.attempts,
        prices=judge.prices and Prices(**judge.prices.model_dump()),
        spend_limit=judge.spend_limit,
    )


def read_answers(results: Path, run: str, evaluation: str) -> list[dict]:
    """A run's responses to the prompts of one evaluation.

    Raises:
        ValueError: A line of the file is no JSON, as a full disk leaves it.
    """
    path, answers = results / run / "responses" / "judged.jsonl", []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                answers.append(json.loads(line))
            except ValueError as error:
                raise ValueError(
                    f"{path}: line {number} is no JSON ({error}); delete the file, and the same command answers anew"
                ) from None
    return [answer for answer in answers if answer["set"] == evaluation]


def _build_mt_bench(study: Study, prompts: Path, answers: dict, read_sft: Callable) -> list:
    settings = study.mt_bench
    pairwise = settings.mode == "pairwise"
    files = load_files(prompts / "mt_bench", settings.mode)
    if pairwise:
        answers = {**{run: lines for run, lines in answers.items() if run != SFT}, SFT: read_sft()}
    return mt_bench.build_requests(
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
    instructions = read_instructions(prompts)
    settings = study.alpaca_eval
    if settings.baseline == "sft":
        baseline = index_responses(read_sft(), SFT)
        answers = {run: lines for run, lines in answers.items() if run != SFT}
    else:
        baseline = {row["id"]: row["output"] for row in instructions}
    return alpaca_eval.build_requests(
        instructions, baseline, answers, study.judge.model, settings.consistency
    )


def _build_summaries(study: Study, prompts: Path, answers: dict, read_sft: Callable) -> list:
    settings = study.summaries
    opponents = (HUMAN, SFT) if settings.opponents == "both" else (settings.opponents,)
    sft = read_sft() if SFT in opponents else None
    return summaries.build_requests(
        read_posts(prompts), answers, study.judge.model, opponents, sft, settings.consistency
    )


_EVALUATIONS = {
    "mt_bench": (_build_mt_bench, mt_bench.collect),
    "alpaca_eval": (_build_alpaca_eval, collect_comparisons),
    "summaries": (_build_summaries, collect_comparisons),
}
