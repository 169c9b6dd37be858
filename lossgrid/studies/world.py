"""Where prompts, responses and rewards of a study come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from lossgrid.studies.base import Seed, StrictModel, describe_field, fail
from lossgrid.studies.hub import HubWorld


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

    # Which fields decide the results of each step; what is changed in a field that no step names reruns nothing.
    STEPS: ClassVar[dict[str, set[str]]] = {
        "corpus": {"kind", "seed", "corpus_chats", "pairs", "heldout_chats"},
        "sft": {"policy"},
        "pairs": {"kind", "seed", "pairs", "label_temperature"},
        "prompts": {"kind", "seed"},
        "frontier": {"kind"},
    }
    PLANNING: ClassVar[set[str]] = set()

    def get_fields(self, step: str) -> set[str]:
        """The fields that decide a step."""
        return self.STEPS[step]


# Another world is another class with its own `kind`, joined here by `|`.
World = Annotated[ReviewsWorld | HubWorld, Field(discriminator="kind")]
