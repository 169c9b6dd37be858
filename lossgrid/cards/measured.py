"""What was measured of a cell, read from the study's tables; what was not measured is not there."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lossgrid.statistics.clustered import Estimate
from lossgrid.statistics.judged_metrics import METRICS
from lossgrid.statistics.paired import get_interval
from lossgrid.statistics.quality import get_quality
from lossgrid.studies import Study
from lossgrid.studies.reward import KNOWN_REWARD, describe_reward

OPPONENTS = {"human": "human summaries", "sft": "the SFT model's summaries"}
# Judged answers: the model's own, or its share of wins.
WIN_RATE, WIN_RATE_UNIT = "win_rate", "%"


@dataclass(frozen=True)
class Measured:
    """One number of a cell.

    Attributes:
        kind: As a machine calls it.
        name: As people call it, with the unit.
        questions: What it was measured on.
        value: The mean.
        low: Lower end of its 95 % interval over questions; NaN where there is none.
        high: Upper end.
        n: How many of what the mean is over, in words.
        judged: Whether a judge was asked.
    """

    kind: str
    name: str
    questions: str
    value: float
    low: float
    high: float
    n: str
    judged: bool


class Tables:
    """The tables of a study that cards are made of.

    Args:
        study: The study.
        folder: Folder of its tables; those of its evaluations must be there.

    Raises:
        FileNotFoundError: A table is missing.
    """

    def __init__(self, study: Study, folder: Path):
        self.study = study
        names = {"mt_bench": "mt_bench", "alpaca_eval": "leaderboard", "summaries": "summaries"}
        judged = [names[evaluation] for evaluation in study.get_evaluations()]
        judge = ["judge", "judge_costs"] if judged else []
        self.tables = {name: pd.read_csv(folder / f"{name}.csv") for name in ["cells", *judged, *judge]}

    def get_cell(self, cell: str) -> dict:
        """The row of a cell in the table of cells, without what is empty.

        Raises:
            KeyError: The table has no such cell.
        """
        row = next(self._find("cells", cell=cell), None)
        if row is None:
            raise KeyError(f"tables/cells.csv has no row of {cell}; write the table anew")
        return row

    def get_aliases(self, cell: str) -> list[str]:
        """The cells that are the same function as this one, and so this policy."""
        table = self.tables["cells"]
        return list(table.loc[table["alias_of"] == cell, "cell"])

    def get_judge(self) -> dict:
        """The judge's `model` and `server`, and `when` it was asked; empty without one."""
        row = next(self._find("judge"), None)
        if row is None:
            return {}
        asked = self.tables["judge_costs"][["asked_from", "asked_to"]].dropna()
        days = f"asked from {asked['asked_from'].min()} to {asked['asked_to'].max()}" if len(asked) else ""
        dated = f"by the study of {row['date']}" if "date" in row else ""
        when = ", ".join(filter(None, [dated, days])) or "at a time that nobody wrote down"
        return {"model": row["model"], "server": row["server"], "when": when}

    def measure(self, cell: str) -> list[Measured]:
        """Every number of a cell, in the order of a card."""
        found = [
            *self._measure_frontier(cell),
            *self._measure_mt_bench(cell),
            *self._measure_win_rates(cell),
            *self._measure_summaries(cell),
        ]
        return [each for each in found if math.isfinite(each.value)]

    def _measure_frontier(self, cell: str) -> Iterator[Measured]:
        row = self.get_cell(cell)
        questions = f"held-out chats of the {self.study.world.kind} world"
        n = f"{row['n']:.0f} responses in {row['chats']:.0f} chats"
        words = describe_reward(self.study) or KNOWN_REWARD
        names = {
            "reward": f"{words.name} of a response, {words.unit}",
            "reward_minus_sft": f"the same less the SFT model's, paired, {words.unit}",
            "kl": "KL(policy ‖ reference) of a response, nats",
            "kl_per_token": "KL(policy ‖ reference) of a token, nats",
            "kl_reference_per_token": "KL(reference ‖ policy) of the next token, over prompt and response, nats",
        }
        for kind, name in names.items():
            if kind in row:
                yield _describe(
                    kind, name, questions, row[kind], row.get(f"{kind}_se"), row["chats"], n, False
                )
        yield from self._measure_against_sft(row)

    def _measure_against_sft(self, row: dict) -> Iterator[Measured]:
        """The judged primary metric less the SFT model's, where there is no reward."""
        quality = get_quality(self.study)
        if quality is None or quality.is_reward or quality.difference not in row:
            return
        kind, clusters = quality.difference, row[quality.difference_count]
        metric = METRICS[quality.metric]
        n = f"{row[f'{kind}_n']:.0f} pairs of {quality.items} of {clusters:.0f} {quality.clusters}"
        name = f"{quality.name} less the SFT model's, paired, {metric.unit}"
        yield _describe(kind, name, "judged prompts", row[kind], row.get(f"{kind}_se"), clusters, n, True)

    def _measure_mt_bench(self, cell: str) -> Iterator[Measured]:
        for row in self._find("mt_bench", cell=cell, category="all", turn="all"):
            n = f"{row['n_ok']:.0f} answers to {row['questions']:.0f} questions{_say_missing(row)}"
            of_whom = {
                "world": f"{self.study.world.kind} world's own",
                "fastchat": "80 published with FastChat",
                "folder": f"questions of {self.study.mt_bench.folder}",
            }
            questions = f"MT-Bench, {of_whom[self.study.mt_bench.questions]}"
            if "score" in row:
                name = "rating, 1 to 10"
                yield _describe(
                    "mt_bench", name, questions, row["score"], row.get("score_se"), row["questions"], n, True
                )
            elif "win_rate" in row:
                error = 100 * row["win_rate_se"] if "win_rate_se" in row else None
                name = f"win rate over {row['baseline']}, %"
                yield _describe(
                    WIN_RATE, name, questions, 100 * row["win_rate"], error, row["questions"], n, True
                )

    def _measure_win_rates(self, cell: str) -> Iterator[Measured]:
        for row in self._find("leaderboard", cell=cell):
            settings = self.study.alpaca_eval
            instructions = settings.instructions or f"the {self.study.world.kind} world's own instructions"
            questions = f"AlpacaEval, {instructions}"
            opponent = "the SFT model" if settings.baseline == "sft" else "the reference outputs"
            n = f"{row['n_ok']:.0f} prompts{_say_missing(row)}"
            for kind, value, error, how in (
                (WIN_RATE, "win_rate", "standard_error", "raw"),
                ("lc_win_rate", "length_controlled_winrate", "lc_standard_error", "length-controlled"),
                (
                    "lc_win_rate_study",
                    "lc_study",
                    "lc_study_standard_error",
                    "length-controlled with difficulties fitted to this study",
                ),
            ):
                if value in row:
                    name = f"win rate over {opponent}, {how}, %"
                    yield _describe(kind, name, questions, row[value], row.get(error), row["n_ok"], n, True)

    def _measure_summaries(self, cell: str) -> Iterator[Measured]:
        for row in self._find("summaries", cell=cell):
            n = f"{row['n_ok']:.0f} summaries of {row['posts']:.0f} posts{_say_missing(row)}"
            name = f"win rate over {OPPONENTS[row['opponent']]}, %"
            if "win_rate" in row:
                error = row.get("standard_error")
                yield _describe(WIN_RATE, name, "summaries", row["win_rate"], error, row["posts"], n, True)

    def _find(self, table: str, **where: str) -> Iterator[dict]:
        """The rows of a table with these values, each without what is empty; none of a table that is not there."""
        if table not in self.tables:
            return
        rows = self.tables[table]
        for column, value in where.items():
            rows = rows[rows[column] == value]
        for row in rows.to_dict("records"):
            yield {key: value for key, value in row.items() if not pd.isna(value)}


def _describe(kind, name, questions, value, error, clusters, n, judged) -> Measured:
    """An estimate with its interval by t over the clusters, as tables of differences have it."""
    low = high = math.nan
    if error is not None and clusters >= 2:
        low, high = get_interval(Estimate(value, error, int(clusters), int(clusters)))
    return Measured(kind, name, questions, value, low, high, n, judged)


def _say_missing(row: dict) -> str:
    missing = int(row["n_parse_error"] + row["n_api_error"])
    return f", {missing} without a verdict" if missing else ""
