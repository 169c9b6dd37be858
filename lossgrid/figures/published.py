"""Published numbers beside a study's own: which there are, whose judge's, and in which row each belongs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies import Study, parse_setting
from lossgrid.studies.reproduction import (
    is_published_alpaca_eval,
    is_published_frontier,
    is_published_mt_bench,
)

FILE = Path(__file__).with_name("published.yaml")
COLUMNS = ["loss", "beta", "reward", "kl_divergence"]


@dataclass(frozen=True)
class Published:
    """What one source says of one evaluation.

    Attributes:
        source: Where it was published.
        judge: Model that judged.
        judged: When.
        setting: Hyper-parameters of all its runs.
        scores: A score for each objective, or several in the order of the unit; without intervals.
    """

    source: str
    judge: str
    judged: str
    setting: Mapping[str, float]
    scores: Mapping[str, Any] = field(hash=False)

    @property
    def mark(self) -> str:
        """What the legend says of the markers."""
        return f"published, judge {self.judge}, {self.judged}"

    def place(self, cells: pd.DataFrame) -> dict[tuple[str, str], Any]:
        """Scores by objective and label of the study's settings that are the published ones.

        Args:
            cells: Table written by `collect_results`; aliases have no row of their own in figures.
        """
        placed = {}
        trained = cells[(cells["objective"] != "sft") & (cells["alias_of"].fillna("") == "")]
        for row in trained.drop_duplicates(["objective", "label"]).itertuples():
            if row.objective in self.scores and self._is_repeated(row.cell):
                label = row.label if isinstance(row.label, str) else ""
                # The first in the study's order: two evaluations of one loss are one published run.
                if row.objective not in {objective for objective, _ in placed}:
                    placed[row.objective, label] = self.scores[row.objective]
        return placed

    def describe(self, cells: pd.DataFrame) -> str:
        """A sentence for the caption: whose numbers these are, and which have no place."""
        missing = [
            CATALOGUE[name].title for name in self.scores if name not in {key[0] for key in self.place(cells)}
        ]
        without = f"; not in this study: {', '.join(missing)}" if missing else ""
        return (
            f"Open markers with a dot are published numbers ({self.source}; judge {self.judge}, {self.judged}), "
            f"given without intervals: another judge's, comparable in order at most, and in no mean of ours{without}."
        )

    def _is_repeated(self, cell: str) -> bool:
        objective, _, setting = cell.rpartition("/")[0].partition("/")
        own = parse_setting(CATALOGUE[objective], setting)
        given = {parameter.name: parameter.default for parameter in CATALOGUE[objective].hyperparameters}
        expected = {name: self.setting.get(name, default) for name, default in given.items()}
        numbers = {name for name, value in own.items() if not isinstance(value, str)}
        return all(own[name] == expected[name] for name in numbers)


@dataclass(frozen=True)
class PublishedFrontier:
    """A published frontier.

    Attributes:
        runs: A row a run: objective, beta, reward and kl (KL(reference ‖ policy) of the next token, nats), the last
            two NaN where the published run has no numbers; losses in the catalogue alone.
        source: Where it was published.
        shared: Whether the study measures the same divergence and the same reward, so that axes can be shared.
    """

    runs: pd.DataFrame
    source: str
    shared: bool = False

    def select(self, objectives: Iterable[str]) -> pd.DataFrame:
        """The runs of these losses that have numbers."""
        rows = self.runs[self.runs["objective"].isin(list(objectives))]
        return rows[np.isfinite(rows[["kl", "reward"]]).all(axis=1)]

    def list_failed(self, objectives: Iterable[str]) -> list[str]:
        """The settings of these losses of which no run has numbers, as loss and strengths.

        Examples:
            >>> runs = pd.DataFrame({"objective": "dpo", "beta": [1.0, 2.5], "reward": np.nan, "kl": np.nan})
            >>> PublishedFrontier(runs, "a paper").list_failed(["dpo"])
            ['DPO β 1, 2.5']
        """
        named = []
        for objective in objectives:
            rows = self.runs[self.runs["objective"] == objective]
            known = np.isfinite(rows[["kl", "reward"]]).all(axis=1).groupby(rows["beta"]).any()
            failed = ", ".join(f"{beta:g}" for beta in known.index[~known])
            named += [f"{CATALOGUE[objective].title} β {failed}"] if failed else []
        return named


@cache
def read_published() -> dict[str, dict]:
    """All published numbers, by paper."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def get_published(study: Study, evaluation: str) -> Published | None:
    """The published numbers of an evaluation, for a study that repeats them on their scale; None for any other."""
    is_comparable = {"mt_bench": is_published_mt_bench, "alpaca_eval": is_published_alpaca_eval}[evaluation]
    if study.reproduces is None or not is_comparable(getattr(study, evaluation)):
        return None
    paper = read_published()[study.reproduces.paper]
    table = paper[evaluation]
    return Published(paper["source"], table["judge"], table["judged"], paper["setting"], table["scores"])


def read_frontier(study: Study) -> PublishedFrontier | None:
    """The published frontier that a study names; None where it names none.

    Raises:
        ValueError: The file lacks a column.
    """
    if study.reproduces is None or study.reproduces.frontier is None:
        return None
    file, paper = study.reproduces.frontier, read_published()[study.reproduces.paper]
    table = pd.read_csv(file)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ValueError(
            f"{file}: no column {missing[0]}; reproduces.frontier has {', '.join(COLUMNS)}, a row a run"
        )
    table = table.dropna(subset=["loss", "beta"]).assign(objective=table["loss"].replace(paper["names"]))
    known = table[table["objective"].isin(set(CATALOGUE))]
    runs = known.rename(columns={"kl_divergence": "kl"})[["objective", "beta", "reward", "kl"]]
    return PublishedFrontier(runs, paper["source"], is_published_frontier(study.world, study.evaluation))
