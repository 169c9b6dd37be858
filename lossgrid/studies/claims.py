"""The kinds of claim that a study can declare, and which metrics there are to make claims about."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from lossgrid.studies.base import StrictModel, describe_field, fail
from lossgrid.studies.reward import has_reward


class DeclaredClaim(StrictModel):
    """What claims of every kind say."""

    id: str = describe_field(
        "Name of the claim in tables and files, unique in the study.", pattern="^[a-z0-9_-]+$"
    )
    statement: str = describe_field("The claim in words, as the report prints it.", min_length=1)


class PairedDifference(DeclaredClaim):
    """The mean of paired differences (same question) between a cell and its baseline has the claimed sign."""

    kind: Literal["paired_difference"] = describe_field("Kind of the claim.")
    cell: str = describe_field("`objective/setting` of a cell of the grid, or `sft`.")
    baseline: str = describe_field("`objective/setting` of the cell to compare with, or `sft`.")
    metric: Literal[
        "reward",
        "kl",
        "mt_bench",
        "win_rate",
        "lc_win_rate",
        "summary_win_rate_human",
        "summary_win_rate_sft",
    ] = describe_field(
        "What is compared. kl (nats a response) is measured in every study, reward (points, or the probability that "
        "a classifier gives) where the world knows one or names a classifier; mt_bench (points, the mean over turns) "
        "needs `mt_bench` in mode single; win_rate and lc_win_rate (percentage points, the second length-controlled) "
        "need `alpaca_eval`; summary_win_rate_human and summary_win_rate_sft (percentage points) need `summaries` "
        "against that opponent."
    )
    direction: Literal["greater", "less"] = describe_field(
        "Whether the cell is claimed to lie above or below its baseline.", default="greater"
    )
    predicted: tuple[float, float] | None = describe_field(
        "Interval in which the difference is predicted, [low, high].",
        "unit of the metric",
        default=None,
        strict=False,
    )

    @model_validator(mode="after")
    def check_sides(self) -> "PairedDifference":
        """Two different cells, and an interval in the right order."""
        if self.cell == self.baseline:
            fail("is also the cell, so that the difference is 0; name another baseline", at=("baseline",))
        if self.predicted and self.predicted[0] > self.predicted[1]:
            low, high = self.predicted
            fail(f"the low end comes first; write [{high:g}, {low:g}]", at=("predicted",))
        other = {"greater": "less", "less": "greater"}[self.direction]
        if self.predicted and (
            self.predicted[1] <= 0 if self.direction == "greater" else self.predicted[0] >= 0
        ):
            fail(
                f"lies on the other side of 0 than direction: {self.direction} (the default is greater); "
                f"write direction: {other}, or change the sign",
                at=("predicted",),
            )
        return self


class ProportionOfRuns(DeclaredClaim):
    """The share of runs, over the seeds of the matching cells, that show an event."""

    kind: Literal["proportion_of_runs"] = describe_field("Kind of the claim.")
    cells: str = describe_field("Pattern (`*`, `?`, `[…]`) over the `objective/setting` of the grid's cells.")
    event: Literal["diverged", "nonfinite", "below_sft", "failed"] = describe_field(
        "diverged: the run ended early or with weights that are not finite; nonfinite: it met a loss, gradient or "
        "weight that is not finite; below_sft: it ends below the SFT model, with the whole 95 % interval of their "
        "paired difference, though nothing need be non-finite, by the study's primary metric: the reward, else the "
        "first that is measured of mt_bench, lc_win_rate, summary_win_rate_sft and summary_win_rate_human; failed: "
        "diverged or below_sft."
    )
    relation: Literal["above", "below", "none"] = describe_field(
        "The share lies above or below the threshold, or no run shows the event."
    )
    threshold: float | None = describe_field(
        "Share of the runs; required by above and below, absent with none.", ge=0, le=1, default=None
    )

    @model_validator(mode="after")
    def check_threshold(self) -> "ProportionOfRuns":
        """A threshold is given exactly where there is something to compare with it."""
        if self.relation == "none" and self.threshold is not None:
            fail("has no meaning with relation: none; remove it, or write relation: below", at=("threshold",))
        if self.relation != "none" and self.threshold is None:
            fail(f"missing; add a share from 0 to 1 for relation: {self.relation}", at=("threshold",))
        return self


class Bound(DeclaredClaim):
    """No run of the matching cells exceeds a value."""

    kind: Literal["bound"] = describe_field("Kind of the claim.")
    cells: str = describe_field("Pattern (`*`, `?`, `[…]`) over the `objective/setting` of the grid's cells.")
    metric: Literal["grad_norm", "kl", "reward"] = describe_field("What is bounded.")
    at_most: float = describe_field("The largest value that the claim allows.", "unit of the metric")


Claim = Annotated[PairedDifference | ProportionOfRuns | Bound, Field(discriminator="kind")]

# What a study must hold for a metric to be measured.
NEEDS = {
    "reward": "a classifier in world.reward",
    "mt_bench": "mt_bench in mode single",
    "win_rate": "alpaca_eval",
    "lc_win_rate": "alpaca_eval",
    "summary_win_rate_human": "summaries against both or human",
    "summary_win_rate_sft": "summaries against both or sft",
}
# Measured of every training.
ALWAYS = {"grad_norm"}
# By which of them a run counts as better or worse than the SFT model: the first that the study measures. The raw win
# rate, which comes with the length-controlled one, is none.
PRIMARY = ("reward", "mt_bench", "lc_win_rate", "summary_win_rate_sft", "summary_win_rate_human")
BELOW_SFT = ("below_sft", "failed")


def get_evaluated_metrics(study: Mapping[str, Any]) -> list[str]:
    """The metrics that a study measures.

    Args:
        study: Its keys as the file spells them, or `study.model_dump()`; what is not a mapping has its defaults.

    Examples:
        >>> get_evaluated_metrics({"summaries": {"rows": 100, "opponents": "sft"}})
        ['reward', 'kl', 'summary_win_rate_sft']
    """
    metrics = ["reward", "kl"] if has_reward(study) else ["kl"]
    if study.get("mt_bench") is not None and _get(study["mt_bench"], "mode", "single") == "single":
        metrics.append("mt_bench")
    if study.get("alpaca_eval") is not None:
        metrics += ["win_rate", "lc_win_rate"]
    if study.get("summaries") is not None:
        opponents = _get(study["summaries"], "opponents", "both")
        metrics += [f"summary_win_rate_{one}" for one in ("human", "sft") if opponents in (one, "both")]
    return metrics


def get_primary_evaluation(study: Mapping[str, Any]) -> str | None:
    """The evaluation by the judge that gives the primary metric; None where a reward gives it, or nothing does.

    Args:
        study: As for `get_evaluated_metrics`.
    """
    metric = choose_primary_metric(get_evaluated_metrics(study))
    return None if metric in (None, "reward") else NEEDS[metric].split()[0]


def choose_primary_metric(evaluated: Collection[str]) -> str | None:
    """The metric by which a run is better or worse than the SFT model; None where only the divergence is measured.

    Args:
        evaluated: What `get_evaluated_metrics` found.

    Examples:
        >>> choose_primary_metric(["kl", "win_rate", "lc_win_rate"])
        'lc_win_rate'
    """
    return next((metric for metric in PRIMARY if metric in evaluated), None)


def find_unevaluated(
    claims: Iterable[Claim], evaluated: Collection[str]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Claims about a metric that the study does not measure.

    Args:
        claims: The claims of the study.
        evaluated: What `get_evaluated_metrics` found.

    Yields:
        The location of each mistake and the sentence about it.
    """
    for index, claim in enumerate(claims):
        metric = getattr(claim, "metric", None)
        if metric is not None and metric not in {*evaluated, *ALWAYS}:
            known = [each for each in evaluated if claim.kind == "paired_difference"] or ["grad_norm", "kl"]
            verb = "compare" if claim.kind == "paired_difference" else "bound"
            message = f"is not measured by this study; add {NEEDS[metric]} to it, or {verb} one of {', '.join(known)}"
            yield ("claims", index, "metric"), message
        if getattr(claim, "event", None) in BELOW_SFT and choose_primary_metric(evaluated) is None:
            message = (
                "needs a reward or a judge; add world.reward, mt_bench in mode single, alpaca_eval or summaries to "
                "the study, or claim diverged or nonfinite"
            )
            yield ("claims", index, "event"), message


def _get(block: Any, key: str, default: str) -> Any:
    return block.get(key, default) if isinstance(block, Mapping) else default
