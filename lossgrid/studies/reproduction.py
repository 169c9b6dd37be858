"""Which published study a study repeats, whose numbers its figures then show beside its own."""

from typing import Any, Literal

from lossgrid.studies.base import StrictModel, describe_field, fail
from lossgrid.studies.evaluation import Evaluation
from lossgrid.studies.judging import AlpacaEval, MtBench
from lossgrid.studies.reward import describe_reward

# The unit of the reward of DiscoPOP's IMDb study.
PUBLISHED_REWARD = "P(POSITIVE)"


class Reproduction(StrictModel):
    """A paper whose settings the study repeats."""

    paper: Literal["discopop"] = describe_field(
        "The paper: discopop is Lu et al. 2024, arXiv:2406.08414. Its scores stand as open markers in the figures of "
        "MT-Bench (FastChat's questions, mode: single) and of win rates (AlpacaEval's instructions, baseline: "
        "reference), marked as another judge's, and enter no mean, interval or claim."
    )
    frontier: str | None = describe_field(
        "CSV file of the paper's reward and KL divergence (columns loss, beta, reward, kl_divergence, a row a run), "
        "shown beside the frontier: among the study's own runs where it measures the same, that is the divergence of "
        "evaluation.reference_kl and the probability that a classifier calls a text POSITIVE; else on axes of their "
        "own. null shows none.",
        default=None,
        min_length=1,
    )

    def check(self, mt_bench: MtBench | None, alpaca_eval: AlpacaEval | None) -> None:
        """Refuse a study of which nothing could stand beside the published numbers."""
        if not (self.frontier or is_published_mt_bench(mt_bench) or is_published_alpaca_eval(alpaca_eval)):
            fail(
                f"the study measures nothing that {self.paper} published; add mt_bench: {{questions: fastchat}}, or "
                "alpaca_eval with instructions and baseline: reference, or reproduces.frontier, or remove reproduces",
                at=("reproduces",),
            )


def is_published_frontier(world: Any, evaluation: Evaluation) -> bool:
    """Whether reward and divergence are the published ones: P(POSITIVE), and KL(reference ‖ policy) of a token."""
    words = describe_reward({"world": world})
    return evaluation.reference_kl and words is not None and words.unit == PUBLISHED_REWARD


def is_published_mt_bench(mt_bench: MtBench | None) -> bool:
    """Whether scores are on the scale of published ones: FastChat's questions, rated one by one."""
    return mt_bench is not None and mt_bench.questions == "fastchat" and mt_bench.mode == "single"


def is_published_alpaca_eval(alpaca_eval: AlpacaEval | None) -> bool:
    """Whether win rates are on the scale of published ones: AlpacaEval's instructions, against its outputs."""
    return (
        alpaca_eval is not None
        and alpaca_eval.instructions is not None
        and alpaca_eval.baseline == "reference"
    )
