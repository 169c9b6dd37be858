"""How a study's responses are judged: the evaluations that ask its judge."""

from typing import Literal

from pydantic import model_validator

from lossgrid.studies.base import StrictModel, describe_field, fail
from lossgrid.studies.judge import Judge

__all__ = [
    "EVALUATIONS",
    "MT_BENCH_QUESTIONS",
    "PUBLISHED_C",
    "REVIEWS_INSTRUCTIONS",
    "AlpacaEval",
    "Judge",
    "JudgedEvaluation",
    "MtBench",
    "Summaries",
]

# The strength that upstream's cross-validation chose for most of the models of its leaderboard.
PUBLISHED_C = 2.782559402207126
MT_BENCH_QUESTIONS = 80
# First questions of held-out chats that the reviews world has; each is an instruction.
REVIEWS_INSTRUCTIONS = 960


class JudgedEvaluation(StrictModel):
    """What all evaluations by a judge have in common."""

    consistency: int = describe_field(
        "Prompts of every run that the judge is asked about a second time, to measure how far it agrees with itself.",
        "prompts",
        ge=0,
        default=0,
    )
    max_new_tokens: int | None = describe_field(
        "Longest response; null takes the evaluation's.", "tokens", ge=1, default=None
    )

    temperature: float | None = describe_field(
        "Sampling temperature of the answers, 0 for the likeliest; null takes the evaluation's. MT-Bench has its own "
        "by category.",
        ge=0,
        default=None,
    )

    def refuse_more_than(self, most: int, what: str) -> None:
        """Refuse more second questions than there are first ones."""
        if self.consistency > most:
            fail(f"is more than {what}; lower it", at=("consistency",))


class MtBench(JudgedEvaluation):
    """MT-Bench: two-turn questions in eight categories, rated from 1 to 10 or compared with a baseline."""

    questions: Literal["world", "fastchat", "folder"] = describe_field(
        "Whose questions, references and judge prompts: the world's own, the 80 published with FastChat, or those of "
        "`folder`.",
        default="world",
    )
    folder: str | None = describe_field(
        "Folder with question.jsonl, reference_answer.jsonl and judge_prompts.jsonl in FastChat's format, for "
        "questions: folder.",
        default=None,
        min_length=1,
    )
    references: Literal["original", "corrected"] = describe_field(
        "Reference answers to FastChat's questions: GPT-4's as published, of which 13 of 30 are wrong, or those of "
        "pull request 3158. Numbers under the two are not comparable.",
        default="original",
    )
    mode: Literal["single", "pairwise"] = describe_field(
        "Rate each response alone, or compare it with the SFT model's in both orders.", default="single"
    )

    @model_validator(mode="after")
    def check_temperature(self) -> "MtBench":
        """FastChat's temperatures are part of the benchmark."""
        if self.temperature is not None:
            fail(
                "MT-Bench answers each category at a temperature of its own; remove temperature",
                at=("temperature",),
            )
        return self

    @model_validator(mode="after")
    def check_folder(self) -> "MtBench":
        """A folder is named where its questions are asked, and nowhere else."""
        if (self.questions == "folder") != (self.folder is not None):
            key = "folder" if self.folder is not None else "questions"
            fail("questions: folder and folder belong together; write both or neither", at=(key,))
        return self

    @model_validator(mode="after")
    def check_consistency(self) -> "MtBench":
        """No more second questions than questions."""
        self.refuse_more_than(MT_BENCH_QUESTIONS, f"the {MT_BENCH_QUESTIONS} questions")
        return self


class AlpacaEval(JudgedEvaluation):
    """AlpacaEval 2.0: the judge's preference for a run over a baseline, weighted by its log-probabilities."""

    instructions: str | None = describe_field(
        "File of instructions in AlpacaEval's format (`instruction`, `output` of the reference, `dataset`), such as "
        "its own 805 with GPT-4's outputs; null takes the world's own.",
        default=None,
        min_length=1,
    )
    difficulties: str | None = describe_field(
        "AlpacaEval's file df_gamed.csv, with the difficulties of its 805 instructions: the length-controlled win "
        "rate is then the published one; for baseline: reference alone, because they are about GPT-4's outputs. null "
        "fits difficulties to the study's own runs, as lc_study.",
        default=None,
        min_length=1,
    )
    prompts: int = describe_field(
        "So many of the instructions, from the first on.", "prompts", ge=10, default=805
    )
    baseline: Literal["sft", "reference"] = describe_field(
        "What every run is compared with: the study's SFT model, or the outputs that come with the instructions.",
        default="sft",
    )
    inverse_regularisation: float = describe_field(
        "C of the length-controlled win rate: weight of the data against the L1 penalty of its three coefficients.",
        gt=0,
        default=PUBLISHED_C,
    )
    alignment: Literal["question", "row"] = describe_field(
        "Difficulties are looked up by question, or by row number as upstream does, which a question without a row "
        "would shift; judging here leaves none out.",
        default="question",
    )

    @model_validator(mode="after")
    def check_prompts(self) -> "AlpacaEval":
        """No more second questions than prompts, and no more prompts than the world has."""
        if self.instructions is None and self.prompts > REVIEWS_INSTRUCTIONS:
            fail(
                f"the world has {REVIEWS_INSTRUCTIONS} instructions; lower it, or name a file in instructions",
                at=("prompts",),
            )
        self.refuse_more_than(self.prompts, f"prompts: {self.prompts}")
        return self

    @model_validator(mode="after")
    def check_difficulties(self) -> "AlpacaEval":
        """Published difficulties are those of published instructions, met by the outputs published with them."""
        if self.difficulties is not None and self.instructions is None:
            fail(
                "belong to AlpacaEval's own instructions; name their file in instructions",
                at=("difficulties",),
            )
        if self.difficulties is not None and self.baseline != "reference":
            fail(
                f"are about comparisons with the outputs in instructions, not with baseline: {self.baseline}; write "
                "baseline: reference, or remove difficulties, which fits them to the study's own runs",
                at=("difficulties",),
            )
        return self


class Summaries(JudgedEvaluation):
    """Pairwise comparison of summaries with the human one and with the SFT model's."""

    rows: int = describe_field("Rows; posts may have several.", "rows", ge=10)
    opponents: Literal["both", "human", "sft"] = describe_field(
        "Whose summaries a run's are compared with.", default="both"
    )

    @model_validator(mode="after")
    def check_consistency(self) -> "Summaries":
        """No more second questions than rows."""
        self.refuse_more_than(self.rows, f"rows: {self.rows}")
        return self


EVALUATIONS = ("mt_bench", "alpaca_eval", "summaries")
