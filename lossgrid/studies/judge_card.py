"""The judge card of a study: its judge beside another one, whose judgments of MT-Bench are stored in files."""

from typing import Literal

from pydantic import model_validator

from lossgrid.studies.base import Seed, StrictModel, describe_field, fail

# The files that a card may name, by their keys.
STORED_FILES = ("single", "pairs")


class JudgeCard(StrictModel):
    """What the judge is asked again that another judge, as a rule GPT-4, was asked before."""

    single: str | None = describe_field(
        "File of stored ratings as FastChat's gen_judgment writes them, with the whole `user_prompt` in each line, "
        "such as gpt-4_single.jsonl; null compares no ratings.",
        default=None,
        min_length=1,
    )
    pairs: str | None = describe_field(
        "File of stored comparisons in both orders, such as gpt-4_pair.jsonl; null compares no verdicts.",
        default=None,
        min_length=1,
    )
    stored_judge: str | None = describe_field(
        "Whose judgments of these files: the name in their `judge`. null takes the only one that there is.",
        default=None,
        min_length=1,
    )
    questions: Literal["fastchat", "world"] = describe_field(
        "Whose questions the files are about: FastChat's, which gives their categories, and the system prompts that "
        "the files do not hold; or the world's own.",
        default="fastchat",
    )
    sample: int = describe_field(
        "Stored judgments of each file that the judge is asked about, evenly from all categories and turns. A larger "
        "sample holds the smaller one, which is then not asked again.",
        "judgments",
        ge=10,
        default=160,
    )
    repeats: int = describe_field(
        "So many of them are asked about a second time, to measure how far the judge agrees with itself.",
        "judgments",
        ge=0,
        default=32,
    )
    seed: Seed = describe_field("Seed of the sample.", default=1)

    @model_validator(mode="after")
    def check_files(self) -> "JudgeCard":
        """Something to compare with, and no more second questions than first ones."""
        if not self.get_files():
            fail("compares with nothing; name a file of stored judgments in single, in pairs, or in both")
        if self.repeats > self.sample:
            fail(f"is more than sample: {self.sample}; lower it", at=("repeats",))
        return self

    def get_files(self) -> dict[str, str]:
        """The files, by their keys."""
        return {key: file for key in STORED_FILES if (file := getattr(self, key)) is not None}
