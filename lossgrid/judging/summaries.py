"""Summaries of posts against a human's and the SFT model's, judged as AlpacaEval judges answers.

The prompt is this project's own; its shape, its one-token answer and the rule of its order are AlpacaEval's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lossgrid.judging.alpaca_eval import read_annotator
from lossgrid.judging.comparisons import (
    Comparison,
    Pair,
    compare_run,
    get_text,
    index_responses,
)

HUMAN = "human"
SFT = "sft"
SYSTEM = (
    "You compare summaries. A good summary gives a reader who has not seen the post its main points, says nothing "
    "that the post does not say, and is clear and short."
)
_QUESTION = '''Two summaries were written of the same post. Decide which one is better.

## Post

{{
    "post": """{post}""",
}}

## Summaries

Each summary has an identifier. Their order says nothing about who wrote them.

{{
    {{
        "model_identifier": "m",
        "summary": """{first}"""
    }},
    {{
        "model_identifier": "M",
        "summary": """{second}"""
    }}
}}

## Answer

Answer with the identifier of the better summary, m or M, as a single letter and nothing else.'''


def build_requests(
    rows: Sequence[Mapping[str, Any]],
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    judge_model: str,
    opponents: Sequence[str] = (HUMAN, SFT),
    sft: Sequence[Mapping[str, Any]] | None = None,
    consistency: int = 0,
) -> list[Comparison]:
    """What to ask a judge about several runs.

    Args:
        rows: In order, each with `id`, `post` (its text) and `human` (its summary by a human); a post may have
            several rows.
        answers: By run, its responses with `id` and `response`, the summary.
        judge_model: Name of the judge.
        opponents: `human`, `sft` or both. The run `sft` is not compared with itself.
        sft: Responses of the SFT model; needed where it is an opponent.
        consistency: So many rows of every opponent are asked about twice more; see `compare_run`.

    Returns:
        The comparisons, run by run, opponent by opponent, in order of the rows. A summary that is the opponent's
        own is a draw unasked.

    Raises:
        ValueError: A summary is missing, a run has two of a row, or an opponent is unknown.
    """
    # One token with the five likeliest, whatever upstream's settings are.
    _, settings = read_annotator()

    def ask(post: str, first: str, second: str) -> dict[str, Any]:
        question = _QUESTION.format(post=post, first=first, second=second)
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        return {"model": judge_model, "messages": messages, **settings}

    their_texts = {each: _get_opponent_texts(each, rows, sft) for each in opponents}
    comparisons = []
    for run, responses in answers.items():
        texts = index_responses(responses, run)
        for opponent, theirs in their_texts.items():
            if run == opponent:
                continue
            pairs = [
                Pair(
                    columns={"id": row["id"], "post": row["post"], "opponent": opponent},
                    question=row["post"],
                    baseline=get_text(theirs, row["id"], opponent),
                    model=get_text(texts, row["id"], run),
                )
                for row in rows
            ]
            comparisons += compare_run(run, pairs, ask, consistency)
    return comparisons


def _get_opponent_texts(
    opponent: str, rows: Sequence[Mapping[str, Any]], sft: Sequence[Mapping[str, Any]] | None
) -> dict[Any, str]:
    if opponent == HUMAN:
        return {row["id"]: row["human"] for row in rows}
    if opponent != SFT:
        raise ValueError(f"opponent {opponent!r} is unknown; take {HUMAN!r} or {SFT!r}")
    if sft is None:
        raise ValueError(f"opponent {SFT!r} needs the responses of the SFT model")
    return index_responses(sft, SFT)
