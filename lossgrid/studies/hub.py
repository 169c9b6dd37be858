"""The world of a study on a model and data of the Hugging Face Hub."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from lossgrid.studies.base import Seed, StrictModel, describe_field, fail

_REPOSITORY = r"^[A-Za-z0-9][\w.-]*/[\w.-]+$"
_SPLIT = r"^\w+(\[(\d*%?)?:(\d*%?)?\])?$"

RepositoryType = Literal["models", "datasets"]
RepositoryName = Annotated[str, Field(pattern=_REPOSITORY)]
Split = Annotated[str, Field(pattern=_SPLIT)]


class Repository(StrictModel):
    """A repository of the hub."""

    name: RepositoryName = describe_field("Repository, owner/name.")
    revision: str | None = describe_field(
        "Branch, tag or commit; null is the default branch. `prepare` reads which commit that is and writes it to "
        "the study's lock file, which all jobs keep to.",
        default=None,
        min_length=1,
    )


class Shape(StrictModel):
    """The size of a model, which plans jobs before anything is downloaded; `prepare` checks it."""

    layers: int = describe_field("Transformer layers.", ge=1)
    hidden_size: int = describe_field("Width of the residual stream.", ge=1)
    intermediate_size: int = describe_field(
        "Width of the feed-forward layers, as of a gated layer with three matrices: two thirds of it for a layer "
        "with two, such as GPT-2's.",
        ge=1,
    )
    heads: int = describe_field("Attention heads.", ge=1)
    key_value_heads: int = describe_field("Heads for keys and values.", ge=1)
    head_size: int | None = describe_field(
        "Width of a head; null is hidden_size / heads.", ge=1, default=None
    )
    vocabulary: int = describe_field("Tokens of the vocabulary.", ge=1)
    tied: bool = describe_field("Whether the table of embeddings is also the output layer.", default=False)


class HubModel(Repository):
    """The model that every cell starts from, and the reference."""

    shape: Shape = describe_field("Its size.")


class HubData(Repository):
    """The preference data."""

    config: str | None = describe_field(
        "Configuration of the data set; null is its default.", default=None, min_length=1
    )
    train: Split = describe_field(
        "Split that the cells are trained on, in the notation of datasets, such as train[:10%].",
        default="train",
    )
    train_rows: int | None = describe_field(
        "Rows that this split is known to have; another number is an error, null takes what is there.",
        "rows",
        ge=2,
        default=None,
    )
    heldout: Split = describe_field("Split whose prompts are answered for the evaluation.", default="test")
    heldout_rows: int | None = describe_field(
        "Rows that this split is known to have; another number is an error, null takes what is there.",
        "rows",
        ge=2,
        default=None,
    )
    format: Literal["conversations", "texts", "choice"] = describe_field(
        "conversations: `chosen` and `rejected` are lists of messages with role and content, whole conversations or, "
        "where `prompt` is a list of messages, replies alone. texts: `prompt`, `chosen` and `rejected` are texts. "
        "choice: `prompt`, two `responses` and the index `chosen` of the better one.",
        default="conversations",
    )
    prompt_suffix: str = describe_field(
        "Text that ends every prompt; it is not written twice where a prompt has it. For texts and choice.",
        default="",
    )
    response_prefix: str = describe_field(
        "Text that is cut off the beginning of every response that has it, so that it does not follow the same words "
        "in the prompt. For texts and choice.",
        default="",
    )

    @model_validator(mode="after")
    def check_affixes(self) -> "HubData":
        """Affixes belong to prompts and responses that are texts."""
        for key in ("prompt_suffix", "response_prefix"):
            if getattr(self, key) and self.format == "conversations":
                fail(f"has no meaning with format: conversations; remove {key}", at=(key,))
        return self


class HubSummaries(StrictModel):
    """The rows of the data set whose summaries are compared with people's, the chosen ones."""

    split: Split = describe_field("Split of the data set.", default="test")
    every: int = describe_field("Every so many rows, the first one taken.", "rows", ge=1, default=1)


class Classifier(StrictModel):
    """A model that classifies prompt and response together; a response's reward is the probability of a label."""

    model: Repository = describe_field("The classifier.")
    label: str = describe_field("The label, as the model's configuration calls it.", min_length=1)
    batch_size: int = describe_field("Texts classified together.", "texts", ge=1, default=64)


class Assumed(StrictModel):
    """What jobs are planned with before anything is fetched and tokenised; it changes no result."""

    rows: int = describe_field(
        "Rows of the split for training; what the lock file holds comes first.", "rows", ge=2, default=10_000
    )
    prompt_tokens: int = describe_field("Length of a prompt, on average.", "tokens", ge=1, default=250)
    response_tokens: int = describe_field(
        "Length of a response in the data, and of one that is sampled, on average.",
        "tokens",
        ge=1,
        default=300,
    )


class HubWorld(StrictModel):
    """A model and preference data of the Hugging Face Hub, pinned by the study's lock file."""

    kind: Literal["hub"] = describe_field("Which world the data come from.")
    seed: Seed = describe_field("Seed of the choice of held-out prompts.", default=1)
    model: HubModel = describe_field("The model that is trained.")
    data: HubData = describe_field("What it is trained on.")
    rendering: Literal["chat", "continuation"] = describe_field(
        "chat: prompts and responses pass through the model's chat template. continuation: a response continues its "
        "prompt, without roles, for models without a template.",
        default="chat",
    )
    end_token: bool = describe_field(
        "Whether a continuation ends with the model's end token; false where the data's responses were cut off at a "
        "length. A chat template decides for itself.",
        default=True,
    )
    heldout_chats: int = describe_field("Held-out prompts that every run answers.", "prompts", ge=2)
    summaries: HubSummaries | None = describe_field(
        "Where the rows of the evaluation `summaries` come from; null for a study without.", default=None
    )
    reward: Classifier | None = describe_field(
        "What gives a response its reward; null measures none, and the judge decides.", default=None
    )
    longest: int = describe_field(
        "Pairs whose prompt and longer response have more characters are left out and counted.",
        "characters",
        ge=1,
        default=50_000,
    )
    overlap: Literal["exclude", "count"] = describe_field(
        "Pairs whose prompt also occurs among the held-out prompts or those of a judge (the same text but for case, "
        "punctuation and white space, or 13 words in a row): excluded and counted, or counted only, for data whose "
        "prompts are a few words.",
        default="exclude",
    )
    max_excluded: float = describe_field(
        "Largest share of the rows that may be left out, for whatever reason; more is an error.",
        ge=0,
        lt=1,
        default=0.1,
    )
    assumed: Assumed = describe_field("Numbers for planning.", default=Assumed())

    @model_validator(mode="after")
    def check_summaries(self) -> "HubWorld":
        """Summaries are texts with a post before them."""
        if self.summaries is not None and self.data.format != "texts":
            fail(f"needs posts and summaries as texts, not format: {self.data.format}", at=("summaries",))
        return self

    # What decides each step; fields of PLANNING plan and check.
    STEPS: ClassVar[dict[str, set[str]]] = {
        "corpus": {
            *("kind", "seed", "model", "data", "rendering", "end_token"),
            *("heldout_chats", "longest", "max_excluded"),
        },
        "sft": {"kind", "model"},
        "pairs": {"kind", "overlap", "max_excluded"},
        "prompts": {"kind", "data", "summaries"},
        "frontier": {"kind", "reward", "rendering"},
    }
    PLANNING: ClassVar[set[str]] = {"assumed"}

    def get_fields(self, step: str) -> set[str]:
        """The fields that decide a step; what a judge sees of the data are posts alone."""
        return {"kind"} if step == "prompts" and self.summaries is None else self.STEPS[step]

    def list_repositories(self) -> dict[str, tuple[RepositoryType, Repository]]:
        """The repositories that the world needs, with their type, by the field that names them."""
        reward = {"reward": ("models", self.reward.model)} if self.reward else {}
        return {"model": ("models", self.model), "data": ("datasets", self.data), **reward}

    def list_splits(self) -> list[str]:
        """The splits of the data set that the world reads."""
        summaries = [self.summaries.split] if self.summaries else []
        return list(dict.fromkeys([self.data.train, self.data.heldout, *summaries]))
