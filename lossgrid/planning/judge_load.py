"""How much every evaluation asks its judge, from the study alone: calls, tokens, money."""

from dataclasses import dataclass

from lossgrid.planning.judge_texts import count_call_tokens, count_card_tokens
from lossgrid.studies import Study, get_trained_cells
from lossgrid.studies.judging import MT_BENCH_QUESTIONS

SFT = 1
CARD = "judge_card"


@dataclass(frozen=True)
class JudgeLoad:
    """What one evaluation asks for.

    Attributes:
        evaluation: Its name, or that of the judge card.
        calls: Most calls, if no two answers are the same and none has to be repeated.
        prompt_tokens: Tokens sent in them.
        reply_tokens: Tokens answered.
        dollars: What they cost, USD; None where the study names no prices.
    """

    evaluation: str
    calls: int
    prompt_tokens: float
    reply_tokens: float
    dollars: float | None


def get_judge_load(study: Study, evaluation: str) -> JudgeLoad:
    """What one evaluation of a study asks for.

    1,000 calls of 300 + 100 tokens at 2 and 8 USD a million tokens cost 0.6 + 0.8 = 1.40 USD.
    """
    calls = count_calls(study, evaluation, len(get_trained_cells(study)), sft=True)
    prompt, reply = count_call_tokens(study, evaluation)
    prices = study.judge.prices
    dollars = None if prices is None else calls * (prompt * prices.input + reply * prices.output) / 1e6
    return JudgeLoad(evaluation, calls, calls * prompt, calls * reply, dollars)


def list_judge_loads(study: Study) -> list[JudgeLoad]:
    """What each evaluation of a study asks for, and its judge card."""
    loads = [get_judge_load(study, name) for name in study.get_evaluations()]
    return [*loads, get_card_load(study)] if study.judge_card else loads


def get_card_load(study: Study) -> JudgeLoad:
    """What the judge card of a study asks for, if its files hold as much as the sample takes."""
    calls, prompt, reply = 0, 0.0, 0.0
    for kind in study.judge_card.get_files():
        own, (sent, answered) = count_card_calls(study, kind), count_card_tokens(study, kind)
        calls, prompt, reply = calls + own, prompt + own * sent, reply + own * answered
    prices = study.judge.prices
    dollars = None if prices is None else (prompt * prices.input + reply * prices.output) / 1e6
    return JudgeLoad(CARD, calls, prompt, reply, dollars)


def count_card_calls(study: Study, kind: str) -> int:
    """Most calls for one kind of stored judgments; a pair is asked about in both orders.

    160 ratings of which 32 are asked twice take 192 calls, and as many pairs 384.
    """
    card = study.judge_card
    return (card.sample + card.repeats) * (1 if kind == "single" else 2)


def count_calls(study: Study, evaluation: str, cells: int, sft: bool) -> int:
    """Most calls that an evaluation of so many runs takes.

    Fewer are made where two runs give the same answer, which is asked about once, and where an answer is the
    opponent's own, which is a draw unasked.

    Args:
        study: The study.
        evaluation: One of those that it asks for.
        cells: How many cells are judged.
        sft: Whether the SFT model is among the runs.
    """
    settings = getattr(study, evaluation)
    if evaluation == "mt_bench":
        # Both turns; a comparison is asked in both orders.
        turns = 2 * (MT_BENCH_QUESTIONS + settings.consistency)
        return turns * (cells + sft if settings.mode == "single" else 2 * cells)
    # A second question is asked once more in the same order and once in the opposite one.
    if evaluation == "alpaca_eval":
        runs = cells + (sft and settings.baseline == "reference")
        return runs * (settings.prompts + 2 * settings.consistency)
    against_human = (cells + sft) * (settings.opponents != "sft")
    against_sft = cells * (settings.opponents != "human")
    return (against_human + against_sft) * (settings.rows + 2 * settings.consistency)


def count_shard_calls(study: Study, evaluation: str) -> int:
    """Most calls of one judging job: the shard of the SFT model, or one of cells alone."""
    cells = len(get_trained_cells(study))
    first = min(study.shard_size - SFT, cells)
    return max(
        count_calls(study, evaluation, first, sft=True),
        count_calls(study, evaluation, min(study.shard_size, cells - first), sft=False),
    )
