"""The schema of a study file. Every field says its meaning, unit, range and default, for the docs too."""

from typing import Annotated, Literal

from pydantic import model_validator

from lossgrid.studies.base import Listed, Seeds, StrictModel, describe_field, fail
from lossgrid.studies.blocks import Objectives
from lossgrid.studies.claims import Claim
from lossgrid.studies.evaluation import Evaluation
from lossgrid.studies.hub import Repository, RepositoryType
from lossgrid.studies.judge_card import JudgeCard
from lossgrid.studies.judging import EVALUATIONS, AlpacaEval, Judge, MtBench, Summaries
from lossgrid.studies.lock import Lock, find_unlocked
from lossgrid.studies.recipe import SftRecipe, TrainingRecipe
from lossgrid.studies.reproduction import Reproduction
from lossgrid.studies.world import World


class Setup(StrictModel):
    """The part of a study that all its cells share."""

    title: str = describe_field("Title of the report.", min_length=1)
    description: str = describe_field("What the study is about.", default="")
    world: World = describe_field("Where prompts, replies and rewards come from.")
    device: Literal["cpu", "gpu"] = describe_field(
        "What models train and answer on: the CPU, whatever else the machine has, or GPUs, one for each training "
        "process and one for generation, for which a cluster is then asked.",
        default="cpu",
    )
    sft: SftRecipe | None = describe_field(
        "Training of the model from which every cell starts, in a world that brings none; null in the world `hub`, "
        "whose model is the start.",
        default=None,
    )
    training: TrainingRecipe = describe_field("Training of the cells.")
    evaluation: Evaluation = describe_field(
        "Generation of the replies that are scored.", default=Evaluation()
    )
    judge: Judge | None = describe_field("Who judges; needed by the evaluations below.", default=None)
    mt_bench: MtBench | None = describe_field("Ratings of answers to two-turn questions.", default=None)
    alpaca_eval: AlpacaEval | None = describe_field("Win rates against a baseline.", default=None)
    summaries: Summaries | None = describe_field("Win rates of summaries.", default=None)
    judge_card: JudgeCard | None = describe_field(
        "The judge beside another one on judgments that are stored in files; null compares it with none.",
        default=None,
    )
    reproduces: Reproduction | None = describe_field(
        "Published study that this one repeats, shown beside it; null shows nothing.", default=None
    )
    keep_policy: Literal["all", "best", "none"] = describe_field(
        "Which trained policies stay on disk: all of them; of each objective the best setting, once the tables are "
        "there; or none, each removed as soon as it has answered. Changing it reruns nothing; a removed policy that "
        "is asked for is trained again.",
        default="all",
    )
    shard_size: int = describe_field(
        "Runs that one judging job takes, which starts its judge once.", "runs", ge=1, default=8
    )

    @model_validator(mode="after")
    def check_start(self) -> "Setup":
        """The start is trained, or it comes with the world."""
        if self.sft is None and self.world.kind == "reviews":
            fail(
                "missing; add sft: {learning_rate: …, epochs: …, batch_size: …, max_length: …}, because the world "
                "reviews brings no trained model",
                at=("sft",),
            )
        if self.sft is not None and self.world.kind == "hub":
            fail("world.model is the start of a study of the world hub; remove sft", at=("sft",))
        return self

    @model_validator(mode="after")
    def check_world(self) -> "Setup":
        """What the world does not bring comes from elsewhere."""
        if self.world.kind != "hub":
            return self
        if self.mt_bench is not None and self.mt_bench.questions == "world":
            fail("the world hub has no questions of its own; write questions: fastchat", at=("mt_bench",))
        if self.judge_card is not None and self.judge_card.questions == "world":
            fail("the world hub has no questions of its own; write questions: fastchat", at=("judge_card",))
        if self.alpaca_eval is not None and self.alpaca_eval.instructions is None:
            fail(
                "the world hub has no instructions of its own; name a file in alpaca_eval.instructions",
                at=("alpaca_eval",),
            )
        if (self.summaries is None) != (self.world.summaries is None):
            fail(
                "summaries and world.summaries, where their rows come from, belong together; write both or neither",
                at=("summaries",) if self.summaries is not None else ("world", "summaries"),
            )
        return self

    @model_validator(mode="after")
    def check_judge(self) -> "Setup":
        """Nothing is judged without a judge, and no judge is named for nothing."""
        judged = self.get_evaluations()
        if self.judge_card is not None and self.judge is None:
            fail(
                "needs a judge to compare; add judge: {model: …, base_url: …} to the study",
                at=("judge_card",),
            )
        if judged and self.judge is None:
            fail("needs a judge; add judge: {model: …, base_url: …} to the study", at=(judged[0],))
        if self.judge is not None and not judged:
            fail(f"judges nothing; add {', '.join(EVALUATIONS[:-1])} or {EVALUATIONS[-1]}", at=("judge",))
        return self

    @model_validator(mode="after")
    def check_attention(self) -> "Setup":
        """Some ways to compute attention are for GPUs alone."""
        if self.training.attention == "flash_attention_2" and self.device == "cpu":
            fail("needs a GPU; write device: gpu, or attention: sdpa", at=("training", "attention"))
        return self

    @model_validator(mode="after")
    def check_reproduction(self) -> "Setup":
        """A study that repeats a paper measures something on the paper's scale."""
        if self.reproduces is not None:
            self.reproduces.check(self.mt_bench, self.alpaca_eval)
        return self

    def get_evaluations(self) -> list[str]:
        """The evaluations by the judge that the study asks for."""
        return [name for name in EVALUATIONS if getattr(self, name) is not None]

    def is_compared_with_sft(self, evaluation: str) -> bool:
        """Whether the SFT model's responses are the opponents of an evaluation."""
        return {
            "mt_bench": lambda: self.mt_bench.mode == "pairwise",
            "alpaca_eval": lambda: self.alpaca_eval.baseline == "sft",
            "summaries": lambda: self.summaries.opponents != "human",
        }[evaluation]()


class Grid(StrictModel):
    """The part of a study that decides which cells there are and what is claimed of them."""

    seeds: Seeds = describe_field("Training seeds of every block that names none.", default=(1,))
    objectives: Objectives = describe_field("The losses to compare, each with one block or a list of blocks.")
    claims: Annotated[tuple[Claim, ...], Listed(least=0)] = describe_field(
        "Hypotheses, written before the study runs. The cells that they name must be in the grid.", default=()
    )


# pydantic lists the fields of the last base first, and the setup comes first in a file.
class StudyFile(Grid, Setup):
    """A study: a grid of losses × hyper-parameters × seeds, from data to figures."""


class Study(StudyFile):
    """A study that was read and checked by `load_study`.

    Attributes:
        name: Stem of its file.
        lock: What its repositories stood for when `prepare` read them; None where it needs none, or has none yet.
        served: The model of a judge that is served at a commit of the lock; None for all other judges.
    """

    name: str
    lock: Lock | None = None
    served: Repository | None = None

    def list_repositories(self) -> dict[str, tuple[RepositoryType, Repository]]:
        """What the study needs of the hub, with its type, by what names it."""
        found = self.world.list_repositories() if self.world.kind == "hub" else {}
        return {**found, "judge": ("models", self.served)} if self.served else found

    def list_splits(self) -> list[str]:
        """What it reads of its data set."""
        return self.world.list_splits() if self.world.kind == "hub" else []

    def find_unlocked(self) -> list[str]:
        """What the study needs from the hub and its lock does not hold; empty for a study that needs nothing."""
        return find_unlocked(self.list_repositories().values(), self.list_splits(), self.lock)
