"""The schema of a study file. Every field says its meaning, unit, range and default, for the docs too."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lossgrid.studies.base import Listed, Seed, Seeds, StrictModel, describe_field, fail
from lossgrid.studies.blocks import Objectives
from lossgrid.studies.claims import Claim
from lossgrid.studies.judging import EVALUATIONS, AlpacaEval, Judge, MtBench, Summaries
from lossgrid.studies.reproduction import Reproduction


class Policy(StrictModel):
    """The language model of the reviews world, trained from random weights."""

    layers: int = describe_field("Transformer layers.", ge=1, default=2)
    hidden_size: int = describe_field("Width of the residual stream; a multiple of heads.", ge=8, default=96)
    heads: int = describe_field("Attention heads; the size of each must be even.", ge=1, default=4)
    intermediate_size: int = describe_field("Width of the feed-forward layers.", ge=8, default=256)

    @model_validator(mode="after")
    def check_head_size(self) -> "Policy":
        """The heads share the width evenly, and rotary positions turn pairs of dimensions."""
        if self.hidden_size % (2 * self.heads):
            key = "hidden_size" if "hidden_size" in self.model_fields_set else "heads"
            step = 2 * self.heads
            fitting = max(self.hidden_size // step, -(-8 // step)) * step
            fail(
                f"hidden_size {self.hidden_size} does not divide into {self.heads} heads of even size; "
                f"hidden_size must be a multiple of {step}, for example {fitting}",
                at=(key,),
            )
        return self


class ReviewsWorld(StrictModel):
    """A synthetic world of film reviews whose true reward is known; it ships with the code."""

    kind: Literal["reviews"] = describe_field("Which world the data come from.")
    seed: Seed = describe_field("Seed of every draw of the world.", default=1)
    corpus_chats: int = describe_field("Two-turn chats that the SFT model is trained on.", "chats", ge=1)
    pairs: int = describe_field(
        "Preference pairs wanted, one a prompt; two equal replies give none.", "pairs", ge=2
    )
    heldout_chats: int = describe_field("Two-turn chats held out for the evaluation.", "chats", ge=2)
    label_temperature: float = describe_field(
        "Temperature of the Bradley–Terry label noise: P(better reply chosen) = σ(Δreward/temperature).",
        "reward points",
        gt=0,
        default=1.0,
    )
    policy: Policy = describe_field("The model to train.", default=Policy())


# Another world is another class with its own `kind`, joined here by `|`.
World = Annotated[ReviewsWorld, Field(discriminator="kind")]


class Recipe(StrictModel):
    """How a model is trained, whatever the loss."""

    learning_rate: float = describe_field("Peak learning rate of AdamW.", gt=0)
    epochs: float = describe_field("Passes over the training data.", "passes", gt=0)
    batch_size: int = describe_field("Examples in one optimiser step.", "examples", ge=1)
    warmup_ratio: float = describe_field(
        "Share of the steps with a rising learning rate.",
        ge=0,
        lt=1,
        default=0.1,
    )
    scheduler: Literal["linear", "cosine", "constant_with_warmup"] = describe_field(
        "Shape of the learning rate after the warm-up.", default="cosine"
    )
    weight_decay: float = describe_field("Weight decay of AdamW.", ge=0, default=0.0)
    max_grad_norm: float = describe_field("Gradients are clipped to this norm.", gt=0, default=1.0)
    max_length: int = describe_field("Longest sequence, prompt and reply together.", "tokens", ge=8)


class SftRecipe(Recipe):
    """How the SFT model, from which every cell starts, is trained."""

    seed: Seed = describe_field("Seed of the weights and of the data order.", default=1)


class TrainingRecipe(Recipe):
    """How every cell is trained; its seed is the cell's."""

    micro_batch_size: int | None = describe_field(
        "Examples in one forward pass of one process; batch_size / processes must be a multiple. null takes all "
        "of it.",
        "examples",
        ge=1,
        default=None,
    )
    processes: int = describe_field(
        "Training processes, one a GPU. More than one need deepspeed; batch_size is divided among them.",
        "processes",
        ge=1,
        default=1,
    )
    deepspeed: Literal["zero2", "zero3", "zero3_offload"] | None = describe_field(
        "How the training state is sharded: a file deepspeed/<name>.json, with which the cells are launched "
        "through accelerate; null trains in one plain process.",
        default=None,
    )
    nonfinite: Literal["stop", "skip", "propagate"] = describe_field(
        "At a loss or gradient that is not finite: stop the run as diverged, skip the step and count it, or "
        "propagate it into the weights.",
        default="stop",
    )
    checkpoint_steps: int = describe_field("Optimiser steps between checkpoints.", "steps", ge=1, default=50)
    log_steps: int = describe_field("Optimiser steps between log lines.", "steps", ge=1, default=10)

    @model_validator(mode="after")
    def check_micro_batches(self) -> "TrainingRecipe":
        """A step is a whole number of forward passes in every process."""
        if self.processes > 1 and not self.deepspeed:
            fail(f"{self.processes} processes need deepspeed; add deepspeed: zero2", at=("processes",))
        if self.batch_size % self.processes:
            nearest = find_nearest_divisor(self.batch_size, self.processes)
            fail(
                f"does not divide batch_size {self.batch_size}; the nearest number that does is {nearest}",
                at=("processes",),
            )
        share = self.batch_size // self.processes
        if self.micro_batch_size and share % self.micro_batch_size:
            nearest = find_nearest_divisor(share, self.micro_batch_size)
            of = f"batch_size {self.batch_size}" + (
                f" / {self.processes} processes" if self.processes > 1 else ""
            )
            fail(f"does not divide {of}; the nearest size that does is {nearest}", at=("micro_batch_size",))
        return self

    def get_micro_batch_size(self) -> int:
        """Examples in one forward pass of one process, with the default filled in."""
        return self.micro_batch_size or self.batch_size // self.processes


def find_nearest_divisor(number: int, wanted: int) -> int:
    divisors = [size for size in range(1, number + 1) if number % size == 0]
    return min(divisors, key=lambda size: abs(size - wanted))


class Evaluation(StrictModel):
    """How replies to the held-out chats are drawn."""

    max_new_tokens: int = describe_field(
        "Longest reply, also in the preference pairs.", "tokens", ge=1, default=48
    )
    temperature: float = describe_field("Sampling temperature.", gt=0, default=1.0)
    batch_size: int = describe_field(
        "Prompts answered together, also for the preference pairs; part of the result, because padding "
        "changes the rounding.",
        "prompts",
        ge=1,
        default=128,
    )
    seed: Seed = describe_field("Seed of the sampling.", default=1)
    engine: Literal["transformers", "server"] = describe_field(
        "What answers: the model in the job itself, or a server that the job starts with `command`.",
        default="transformers",
    )
    command: str | None = describe_field(
        "Command that serves a policy through an OpenAI-compatible API, `{model}` replaced by its folder and "
        "`{port}` by a free port, such as `vllm serve {model} --host 127.0.0.1 --port {port}`; for engine: server.",
        default=None,
    )

    @model_validator(mode="after")
    def check_engine(self) -> "Evaluation":
        """A server has a command with a place for its port and its model, and no other engine has one."""
        if (self.engine == "server") != (self.command is not None):
            key = "command" if self.command is not None else "engine"
            fail("engine: server and command belong together; write both or neither", at=(key,))
        missing = [name for name in ("{model}", "{port}") if self.command and name not in self.command]
        if missing:
            fail(f"must hold {' and '.join(missing)}, which the job fills in", at=("command",))
        return self


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
    sft: SftRecipe = describe_field("Training of the model from which every cell starts.")
    training: TrainingRecipe = describe_field("Training of the cells.")
    evaluation: Evaluation = describe_field(
        "Generation of the replies that are scored.", default=Evaluation()
    )
    judge: Judge | None = describe_field("Who judges; needed by the evaluations below.", default=None)
    mt_bench: MtBench | None = describe_field("Ratings of answers to two-turn questions.", default=None)
    alpaca_eval: AlpacaEval | None = describe_field("Win rates against a baseline.", default=None)
    summaries: Summaries | None = describe_field("Win rates of summaries.", default=None)
    reproduces: Reproduction | None = describe_field(
        "Published study that this one repeats, shown beside it; null shows nothing.", default=None
    )
    shard_size: int = describe_field(
        "Runs that one judging job takes, which starts its judge once.", "runs", ge=1, default=8
    )

    @model_validator(mode="after")
    def check_judge(self) -> "Setup":
        """Nothing is judged without a judge, and no judge is named for nothing."""
        judged = self.get_evaluations()
        if judged and self.judge is None:
            fail("needs a judge; add judge: {model: …, base_url: …} to the study", at=(judged[0],))
        if self.judge is not None and not judged:
            fail(f"judges nothing; add {', '.join(EVALUATIONS[:-1])} or {EVALUATIONS[-1]}", at=("judge",))
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
    """A study that was read and checked by `load_study`, with its name, the stem of its file."""

    name: str
