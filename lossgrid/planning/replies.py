"""What every run of a study answers: how many prompts at a time, and how long the answers may be."""

from dataclasses import dataclass
from math import ceil

from lossgrid.planning.world_facts import WorldFacts
from lossgrid.studies import Study
from lossgrid.studies.judging import MT_BENCH_QUESTIONS

# FastChat answers two of its eight categories at temperature 0.7, four at 0 and two at 0.1; what is sampled at the
# same temperature is sampled together.
MT_BENCH_SHARES = (2 / 8, 4 / 8, 2 / 8)


@dataclass(frozen=True)
class ReplyGroup:
    """Prompts that are answered in the same way.

    Attributes:
        prompts: How many.
        prompt_tokens: Of the longest.
        limit: Most tokens of an answer.
        batch_size: Prompts answered together.
    """

    prompts: int
    prompt_tokens: int
    limit: int
    batch_size: int

    @property
    def batches(self) -> int:
        """Batches that they make."""
        return ceil(self.prompts / self.batch_size)


def list_reply_groups(study: Study, facts: WorldFacts) -> list[ReplyGroup]:
    """The prompts of the held-out chats and of every evaluation, first and second turns apart."""
    limits = {
        name: getattr(study, name).max_new_tokens or study.evaluation.max_new_tokens
        for name in study.get_evaluations()
    }
    sizes = [(facts.heldout_chats, 2, study.evaluation.max_new_tokens)]
    if study.mt_bench:
        sizes += [(round(MT_BENCH_QUESTIONS * share), 2, limits["mt_bench"]) for share in MT_BENCH_SHARES]
    if study.alpaca_eval:
        sizes.append((study.alpaca_eval.prompts, 1, limits["alpaca_eval"]))
    if study.summaries:
        sizes.append((study.summaries.rows, 1, limits["summaries"]))
    return [
        ReplyGroup(
            prompts, (turn + 1) * facts.prompt_tokens + turn * limit, limit, study.evaluation.batch_size
        )
        for prompts, turns, limit in sizes
        for turn in range(turns)
    ]


def count_replies(study: Study, facts: WorldFacts) -> int:
    """Answers that a run gives."""
    return sum(group.prompts for group in list_reply_groups(study, facts))
