"""What is trained where a model's own weights stay as they are."""

from typing import Annotated, Literal

from pydantic import model_validator

from lossgrid.studies.base import Listed, StrictModel, describe_field, fail

OUTPUT_LAYER = "lm_head"


class Adapter(StrictModel):
    """A low-rank adapter (Hu et al. 2021, arXiv:2106.09685): W + alpha/rank · B·A beside each chosen layer W."""

    kind: Literal["lora", "qlora"] = describe_field(
        "lora leaves the weights as they are; qlora holds those of linear layers in 4 bits (NF4 with double "
        "quantisation, arXiv:2305.14314), and needs the package bitsandbytes.",
        default="lora",
    )
    rank: int = describe_field("Rank of the adapter, rows of A and columns of B.", ge=1, default=16)
    alpha: float = describe_field("The adapter's product is scaled by alpha/rank.", gt=0, default=32.0)
    dropout: float = describe_field(
        "Probability with which an input of the adapter is set to 0 in training.", ge=0, lt=1, default=0.0
    )
    targets: Annotated[tuple[str, ...], Listed()] | None = describe_field(
        "Names of the layers that get one, such as [q_proj, v_proj]; null takes every linear layer but the output "
        "layer.",
        default=None,
    )

    @model_validator(mode="after")
    def check_targets(self) -> "Adapter":
        """The output layer is multiplied tile by tile, past any adapter."""
        if self.targets and OUTPUT_LAYER in self.targets:
            at = self.targets.index(OUTPUT_LAYER)
            fail("the output layer takes no adapter; remove it from the list", at=("targets", at))
        return self
