"""How good a run is: the study's primary metric, its columns in the table of cells, and its words."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lossgrid.statistics.clustered import estimate_mean
from lossgrid.statistics.judged_metrics import METRICS, find_judged, read_metrics
from lossgrid.statistics.paired import compare_runs
from lossgrid.studies import Study
from lossgrid.studies.claims import choose_primary_metric, get_evaluated_metrics
from lossgrid.studies.reward import describe_reward

OPPONENTS = {"sft": "the SFT model", "reference": "the reference outputs"}
REWARD = "reward"


@dataclass(frozen=True)
class Quality:
    """What a run is better or worse by than the SFT model.

    Attributes:
        metric: Key of the metric, and its column in the table of cells.
        name: As an axis calls it.
        unit: Its unit on an axis.
        items: What it is the mean of, in the plural.
        clusters: What belongs together, in the plural.
    """

    metric: str
    name: str
    unit: str
    items: str
    clusters: str

    @property
    def axis(self) -> str:
        """The quantity with its unit."""
        return f"{self.name} of a response, {self.unit}" if self.is_reward else f"{self.name}, {self.unit}"

    @property
    def is_reward(self) -> bool:
        """Whether no judge was asked."""
        return self.metric == REWARD

    @property
    def error(self) -> str:
        """Column of its standard error."""
        return f"{self.metric}_se"

    @property
    def n(self) -> str:
        """Column of how many it is the mean of."""
        return "n" if self.is_reward else f"{self.metric}_n"

    @property
    def count(self) -> str:
        """Column of how many clusters these are of."""
        return "chats" if self.is_reward else f"{self.metric}_clusters"

    @property
    def difference(self) -> str:
        """Column of what it is less the SFT model's on the same questions; its error has `_se` behind it."""
        return f"{self.metric}_minus_sft"

    @property
    def difference_count(self) -> str:
        """Column of the clusters of that difference."""
        return "chats" if self.is_reward else f"{self.difference}_clusters"


# What a reward is where the world knows it.
TRUE_REWARD = Quality(REWARD, "true reward", "points", METRICS[REWARD].items, METRICS[REWARD].clusters)


def get_quality(study: Study) -> Quality | None:
    """The study's primary metric; None where it measures the divergence alone."""
    metric = choose_primary_metric(get_evaluated_metrics(study.model_dump()))
    if metric is None:
        return None
    words = describe_reward(study)
    name, unit = _name(study, metric) if words is None else (words.name, words.unit)
    return Quality(metric, name, unit, METRICS[metric].items, METRICS[metric].clusters)


def describe_judged(study: Study, results: Path, runs: list[str]) -> pd.DataFrame:
    """The primary metric of a study without a reward, as its judge has it.

    Args:
        study: The study.
        results: Its results folder, with the scores that `read_metrics` reads.
        runs: Folders of the runs below it, as for `read_metrics`.

    Returns:
        A row a run, with the columns that `Quality` names: its mean with a standard error clustered by question, `_n`
        judgments of so many `_clusters`; and `_minus_sft`, the same less the SFT model's, paired by question, with
        `_se`, `_n` and `_clusters`. Every row of a post counts, as in claims. No columns where the study has a
        reward, or no primary metric.

    Raises:
        ValueError: The runs answered different questions.
    """
    quality = get_quality(study)
    if quality is None or quality.is_reward:
        return pd.DataFrame(index=runs)
    scores = read_metrics(results, ["sft", *runs], quality.metric)
    judged = find_judged(results, scores, quality.metric)
    rows = {}
    for run in runs:
        known = scores[run].dropna()
        compared = compare_runs(scores[[run]], scores[["sft"]], judged[[run, "sft"]].all(axis=1))
        own = judged.index[judged[run]]
        estimate = estimate_mean(known, known.index.get_level_values(0)) if len(known) else None
        rows[run] = {
            quality.metric: estimate.value if estimate else float("nan"),
            quality.error: estimate.standard_error if estimate else float("nan"),
            quality.n: len(own),
            quality.count: own.get_level_values(0).nunique(),
            quality.difference: compared.estimate.value,
            f"{quality.difference}_se": compared.estimate.standard_error,
            f"{quality.difference}_n": compared.estimate.n,
            quality.difference_count: compared.estimate.clusters,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _name(study: Study, metric: str) -> tuple[str, str]:
    """The words of a judged metric, with whom answers were compared."""
    if metric == "mt_bench":
        return "MT-Bench score", "points of 10"
    if metric == "lc_win_rate":
        return f"length-controlled win rate over {OPPONENTS[study.alpaca_eval.baseline]}", "%"
    return METRICS[metric].name, "%"
