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
        prompt_tokens: Of a prompt.
        longest: Of the longest prompt that can come about, with its answer.
        limit: Most tokens of an answer.
        batch_size: Prompts answered together.
    """

    prompts: int
    prompt_tokens: int
    longest: int
    limit: int
    batch_size: int

    @property
    def batches(self) -> int:
        """Batches that they make."""
        return ceil(self.prompts / self.batch_size)

    @property
    def together(self) -> int:
        """Prompts of the largest batch."""
        return min(self.prompts, self.batch_size)


def list_reply_groups(study: Study, facts: WorldFacts, judged: bool = True) -> list[ReplyGroup]:
    """The prompts of the held-out chats and of every evaluation, first and second turns apart.

    Args:
        study: The study.
        facts: Its world.
        judged: Whether to list those that a judge will see as well.
    """
    names = study.get_evaluations() if judged else []
    limits = {name: getattr(study, name).max_new_tokens or study.evaluation.max_new_tokens for name in names}
    # How many prompts, in which turns, of which limit. The post of a summary is a chat in its second turn.
    sizes = [(facts.heldout_chats, tuple(range(facts.heldout_turns)), study.evaluation.max_new_tokens)]
    if "mt_bench" in names:
        sizes += [
            (round(MT_BENCH_QUESTIONS * share), (0, 1), limits["mt_bench"]) for share in MT_BENCH_SHARES
        ]
    if "alpaca_eval" in names:
        sizes.append((study.alpaca_eval.prompts, (0,), limits["alpaca_eval"]))
    if "summaries" in names:
        sizes.append((study.summaries.rows, (1,), limits["summaries"]))
    return [
        ReplyGroup(
            prompts,
            (turn + 1) * facts.question_tokens + turn * facts.reply_tokens,
            facts.prompt_tokens + limit + turn * (facts.question_tokens + limit),
            limit,
            study.evaluation.batch_size,
        )
        for prompts, turns, limit in sizes
        for turn in turns
    ]


def count_replies(study: Study, facts: WorldFacts) -> int:
    """Answers that a run gives."""
    return sum(group.prompts for group in list_reply_groups(study, facts))
