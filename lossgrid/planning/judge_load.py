"""How much every evaluation asks its judge, from the study alone."""

from lossgrid.studies import Study, get_trained_cells
from lossgrid.studies.judging import MT_BENCH_QUESTIONS

SFT = 1


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
    # A second question of a comparison is asked in either order.
    if evaluation == "mt_bench":
        turns = 2 * (MT_BENCH_QUESTIONS + settings.consistency)
        return turns * (cells + sft if settings.mode == "single" else 2 * cells)
    if evaluation == "alpaca_eval":
        runs = cells + (sft and settings.baseline == "reference")
        return runs * (settings.prompts + 2 * settings.consistency)
    against_human = (cells + sft) * (settings.opponents != "sft")
    against_sft = cells * (settings.opponents != "human")
    return (against_human + against_sft) * (settings.rows + 2 * settings.consistency)


def count_all_calls(study: Study, evaluation: str) -> int:
    """Most calls of the whole study in one evaluation."""
    return count_calls(study, evaluation, len(get_trained_cells(study)), sft=True)


def count_shard_calls(study: Study, evaluation: str) -> int:
    """Most calls of one judging job: a whole shard of cells, or fewer where the study has fewer."""
    runs = min(study.shard_size, len(get_trained_cells(study)) + SFT)
    return max(
        count_calls(study, evaluation, runs, sft=False),
        count_calls(study, evaluation, runs - SFT, sft=True),
    )
